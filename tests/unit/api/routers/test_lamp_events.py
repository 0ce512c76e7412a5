"""Faults, the work on them, and the report of the morning."""

import pytest

from gateway.lamps import LampEvent, LampEventKind
from gateway.store import lamp_events
from tests.unit.api.lamp_pieces import FAULT, reading, tell
from tests.unit.api.town import NOW, Town

V1 = "/api/v1"
NOON = 1_799_982_000.0  # 2027-01-15 12:00 in Tokyo; NOW is 17:00
OVER = LampEvent(
    "l-1", LampEventKind.SUPPLY_VOLTAGE_TOO_LOW, NOW - 600.0, {"supply_voltage_v": 150.0}, NOW - 60
)


async def test_faults_are_told_newest_first_with_what_showed_them(town: Town) -> None:
    await town.database.write(lamp_events.record, [OVER], at=NOW)
    async with town.client("takeda") as client:
        every = (await client.get(f"{V1}/lamp-events")).json()
        going_on = (await client.get(f"{V1}/lamp-events?open=true")).json()
        of_lamp = (await client.get(f"{V1}/lamp-events?lamp=l-1")).json()
        since = (await client.get(f"{V1}/lamp-events?since={NOW - 3_600.0}")).json()
    assert [one["kind"] for one in every] == ["supplyVoltageTooLow", "lampFailure"]
    assert going_on == every[1:]
    assert of_lamp == since == every[:1]
    assert every[0] == {
        "id": 2,
        "lamp": "l-1",
        "kind": "supplyVoltageTooLow",
        "start": NOW - 600.0,
        "end": NOW - 60.0,
        "evidence": {"supply_voltage_v": 150.0},
        "work": {"state": "open", "assignee": "", "note": "", "at": NOW - 600.0, "by": ""},
        "history": [],
    }


async def test_work_goes_from_open_to_done_and_every_step_is_kept(town: Town) -> None:
    async with town.client("suzuki") as staff, town.client("takeda") as technician:
        assigned = await staff.post(
            f"{V1}/lamp-events/1/work", json={"state": "assigned", "assignee": "takeda"}
        )
        town.clock.forward(60.0)
        done = await technician.post(
            f"{V1}/lamp-events/1/work", json={"state": "done", "note": "灯具を交換"}
        )
        acts = (await staff.get(f"{V1}/lamps/audit")).json()
    assert assigned.json()["work"] == {
        "state": "assigned",
        "assignee": "takeda",
        "note": "",
        "at": NOW,
        "by": "suzuki",
    }
    last = {
        "state": "done",
        "assignee": "takeda",
        "note": "灯具を交換",
        "at": NOW + 60.0,
        "by": "takeda",
    }
    assert done.json()["work"] == last
    assert done.json()["history"] == [assigned.json()["work"], last]
    assert [(one["by"], one["action"], one["subject"], one["detail"]) for one in acts] == [
        ("takeda", "work", "l-2 lampFailure", "done; takeda; 灯具を交換"),
        ("suzuki", "work", "l-2 lampFailure", "assigned; takeda"),
    ]
    assert town.lights_changed == []


async def test_a_step_that_does_not_follow_is_refused(town: Town) -> None:
    async with town.client("takeda") as client:
        await client.post(f"{V1}/lamp-events/1/work", json={"state": "done"})
        answer = await client.post(f"{V1}/lamp-events/1/work", json={"state": "assigned"})
        opened = await client.post(f"{V1}/lamp-events/1/work", json={"state": "open"})
    assert answer.status_code == 409
    assert answer.json() == {"detail": "This fault's work is done: it cannot become assigned."}
    assert opened.status_code == 200


@pytest.mark.parametrize("body", [{"state": "lost"}, {}, {"state": "done", "note": "x" * 2_001}])
async def test_a_step_that_is_none_is_refused(town: Town, body: dict[str, str]) -> None:
    async with town.client("takeda") as client:
        assert (await client.post(f"{V1}/lamp-events/1/work", json=body)).status_code == 422


async def test_the_morning_report_has_what_the_night_saw(town: Town) -> None:
    """FAULT began in the afternoon and goes on; OVER came and went in the evening."""
    town.clock.forward(14 * 3_600.0)
    dusk = LampEvent(OVER.lamp, OVER.kind, NOW + 600.0, OVER.evidence, NOW + 900.0)
    day_before = LampEvent("l-3", OVER.kind, NOON - 7_200.0, {}, NOON - 3_600.0)
    await town.database.write(lamp_events.record, [dusk, day_before], at=NOW)
    for number, lamp in enumerate(("l-1", "l-2", "l-3"), start=1):
        await town.database.write(tell, reading(lamp, at=town.clock.utc() - 3_600.0), number=number)
    async with town.client("takeda") as client:
        report = (await client.get(f"{V1}/lamp-events/report")).json()
        named = (await client.get(f"{V1}/lamp-events/report?night=2027-01-15")).json()
        before = (await client.get(f"{V1}/lamp-events/report?night=2027-01-14")).json()
    assert report == named
    assert (report["night"], report["lamps"], report["sound"]) == ("2027-01-15", 4, 1)
    assert [(one["lamp"], one["kind"], one["end"]) for one in report["faults"]] == [
        ("l-2", "lampFailure", None),
        ("l-1", "supplyVoltageTooLow", NOW + 900.0),
    ]
    assert report["counts"] == {"lampFailure": 1, "supplyVoltageTooLow": 1}
    assert report["unheard"] == ["l-4"]
    assert before["faults"] == []
    assert (before["sound"], len(before["unheard"])) == (0, 4)  # nobody knows of that night


async def test_before_dusk_the_report_is_of_the_night_that_was(town: Town) -> None:
    town.clock.forward(NOON + 2 * 3_600.0 - NOW)
    async with town.client("takeda") as client:
        report = (await client.get(f"{V1}/lamp-events/report")).json()
    assert report["night"] == "2027-01-14"
    assert report["since"] < NOON - 18 * 3_600.0 < report["until"] < NOON
    assert FAULT.start > report["until"]
