"""Lamps as staff and technicians see them (who else may not: test_application.py)."""

import pytest

from gateway.lamps import Authority, LampEvent, LampEventKind
from gateway.store import lamp_events, lamps
from gateway.store.lamps import LampSettings
from tests.unit.api.lamp_pieces import FAULT, reading, site, tell
from tests.unit.api.town import NOW, Town

V1 = "/api/v1"
DOOR = LampEvent("l-2", LampEventKind.CABINET_DOOR_OPEN, NOW - 60.0, {})


async def lamp(town: Town, lamp_id: str) -> dict[str, object]:
    async with town.client("suzuki") as client:
        answer = (await client.get(f"{V1}/lamps")).json()
    found: dict[str, object] = next(one for one in answer["lamps"] if one["lamp"] == lamp_id)
    return found


async def test_all_lamps_are_told_with_their_last_reading(town: Town) -> None:
    async with town.client("suzuki") as client:
        answer = (await client.get(f"{V1}/lamps")).json()
    assert [one["lamp"] for one in answer["lamps"]] == ["l-1", "l-2", "l-3", "l-4", "l-5"]
    assert (answer["at"], answer["groups"]) == (NOW, ["north", "south"])
    first = answer["lamps"][0]
    lon, lat = first.pop("lon"), first.pop("lat")
    assert (lon, lat) == pytest.approx((139.944, 36.18), abs=0.01)
    assert first == {
        "lamp": "l-1",
        "pole": "p-1",
        "gateway": "gw-01",
        "bus": "bus-1",
        "unit": 1,
        "profile": "generic",
        "lamp_type": "led-40",
        "groups": ["north"],
        "calendar": "street",
        "state": "on",
        "at": NOW - 20.0,
        "target_level": 50.0,
        "feedback_level": 50.0,
        "actual_level": 50.0,
        "active_power_w": 20.5,
        "authority": "program",
        "reason": "evening: 22:00 → 50 %",
        "faults": [],
        "work": "",
    }


async def test_tonights_sun_is_that_of_the_lamps(town: Town) -> None:
    """In mid-January at 36° N the sun is down from some minutes before 17:00 to before 07:00."""
    async with town.client("suzuki") as client:
        answer = (await client.get(f"{V1}/lamps")).json()
    noon = 1_799_982_000.0  # 2027-01-15 12:00 in Tokyo
    assert noon + 4.7 * 3_600 < answer["sunset"] < noon + 5 * 3_600
    assert noon + 18.7 * 3_600 < answer["sunrise"] < noon + 19 * 3_600


async def test_a_lamp_that_never_spoke_is_unknown_not_off(town: Town) -> None:
    silent = await lamp(town, "l-3")
    assert (silent["state"], silent["at"], silent["authority"]) == ("unknown", None, None)
    assert silent["actual_level"] is None


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (LampEventKind.LAMP_FAILURE, "off"),
        (LampEventKind.SUPPLY_LOSS, "off"),
        (LampEventKind.COMMUNICATION_FAILURE, "unknown"),
        (LampEventKind.CABINET_DOOR_OPEN, "on"),
    ],
)
async def test_a_fault_is_believed_over_what_the_node_says(
    town: Town, kind: LampEventKind, state: str
) -> None:
    await town.database.write(lamp_events.record, [LampEvent("l-1", kind, NOW, {})], at=NOW)
    assert (await lamp(town, "l-1"))["state"] == state


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"actual_level": 0.0}, "off"),
        ({"actual_level": None, "feedback_level": 30.0}, "on"),
        ({"actual_level": None, "feedback_level": None}, "unknown"),
        ({"at": NOW - 170.0}, "on"),
        ({"at": NOW - 190.0}, "unknown"),
    ],
)
async def test_the_state_is_what_was_read_lately(
    town: Town, said: dict[str, float | None], state: str
) -> None:
    await town.database.write(tell, reading("l-3", **said), number=3)
    assert (await lamp(town, "l-3"))["state"] == state


async def test_faults_come_with_how_far_the_work_on_them_is(town: Town) -> None:
    await town.database.write(lamp_events.record, [DOOR], at=NOW)
    assert (await lamp(town, "l-2"))["work"] == "open"
    async with town.client("takeda") as client:
        await client.post(f"{V1}/lamp-events/1/work", json={"state": "assigned"})
        faulty = await lamp(town, "l-2")
        for event in (1, 2):
            await client.post(f"{V1}/lamp-events/{event}/work", json={"state": "done"})
    assert (sorted(faulty["faults"]), faulty["work"]) == (  # type: ignore[call-overload] - JSON
        ["cabinetDoorOpen", "lampFailure"],
        "assigned",
    )
    done = await lamp(town, "l-2")
    assert (len(done["faults"]), done["work"]) == (2, "")  # type: ignore[arg-type] - JSON


async def test_lamps_are_asked_for_by_group_and_by_fault(town: Town) -> None:
    async with town.client("suzuki") as client:
        found = {
            asked: [
                one["lamp"] for one in (await client.get(f"{V1}/lamps?{asked}")).json()["lamps"]
            ]
            for asked in ("group=north", "faulty=true", "group=south&faulty=false", "group=west")
        }
    assert found == {
        "group=north": ["l-1", "l-2"],
        "faulty=true": ["l-2"],
        "group=south&faulty=false": ["l-3", "l-4", "l-5"],
        "group=west": [],
    }


async def test_one_lamp_is_told_whole(town: Town) -> None:
    said = reading("l-2", supply_voltage_v=198.5, motion=True, masked={"temperature_c": "mask"})
    await town.database.write(tell, said, number=2)
    async with town.client("takeda") as client:
        detail = (await client.get(f"{V1}/lamps/l-2")).json()
    assert (detail["lamp"], detail["state"]) == ("l-2", "off")  # its node says on; no power flows
    assert detail["values"]["supply_voltage_v"] == 198.5
    assert detail["values"]["motion"] is True
    assert detail["values"]["temperature_c"] is None
    assert detail["masked"] == {"temperature_c": "mask"}
    assert detail["meter_class"] == 1.0
    (event,) = detail["events"]
    assert (event["kind"], event["start"], event["end"]) == ("lampFailure", FAULT.start, None)
    assert [one["id"] for one in detail["overrides"]] == ["o-1"]
    assert detail["limits"]["temperature_c"] == 65.0
    assert detail["own_limits"] == {}


async def test_availability_is_of_the_last_30_days(town: Town) -> None:
    repaired = [
        LampEvent("l-2", LampEventKind.LAMP_FAILURE, FAULT.start, FAULT.evidence, NOW - 3_600.0)
    ]
    await town.database.write(lamp_events.record, repaired, at=NOW)
    async with town.client("takeda") as client:
        known = (await client.get(f"{V1}/lamps/l-2")).json()["availability"]
        sound = (await client.get(f"{V1}/lamps/l-1")).json()["availability"]
    assert known["up"] == pytest.approx(1.0 - 1.0 / (30 * 24))
    assert (known["days"], known["faults"], known["mttr_h"]) == (30.0, 1, pytest.approx(1.0))
    assert (sound["up"], sound["faults"], sound["mttr_h"]) == (1.0, 0, None)


async def test_history_is_of_the_last_day_unless_asked_otherwise(town: Town) -> None:
    for ago in (90_000.0, 600.0, 60.0):
        await town.database.write(tell, reading(at=NOW - ago))
    async with town.client("suzuki") as client:
        day = (await client.get(f"{V1}/lamps/l-1/history")).json()
        asked = {"since": NOW - 100_000.0, "until": NOW - 100.0}
        before = (await client.get(f"{V1}/lamps/l-1/history", params=asked)).json()
    assert day == {
        "lamp": "l-1",
        "points": [[NOW - ago, 50.0, 50.0, 20.5] for ago in (600.0, 60.0, 20.0)],
    }
    assert [point[0] for point in before["points"]] == [NOW - 90_000.0, NOW - 600.0]


async def test_the_plan_of_a_night_says_what_will_be_and_why(town: Town) -> None:
    async with town.client("suzuki") as client:
        plan = (await client.get(f"{V1}/lamps/l-1/plan")).json()
        june = (await client.get(f"{V1}/lamps/l-1/plan", params={"night": "2026-06-21"})).json()
        asleep = await client.get(f"{V1}/lamps/l-5/plan")
        wrong = await client.get(f"{V1}/lamps/l-1/plan", params={"night": "tomorrow"})
    assert (plan["night"], plan["calendar"], plan["program"]) == ("2027-01-15", "street", "evening")
    levels = [step["level"] for step in plan["steps"]]
    assert levels == [0.0, 100.0, 50.0, 0.0]
    on = plan["steps"][1]
    assert on["at"] == plan["sunset"]
    assert on["until"] == 1_799_982_000.0 + 10 * 3_600  # 22:00
    assert (on["authority"], on["by_sensor"]) == ("program", "")
    assert on["reason"]
    assert plan["now"] == {
        "at": NOW - 20.0,
        "level": 50.0,
        "authority": "program",
        "reason": "evening: 22:00 → 50 %",
    }
    assert june["night"] == "2026-06-21"
    assert june["sunrise"] - june["sunset"] < 10 * 3_600 < plan["sunrise"] - plan["sunset"]
    assert (asleep.status_code, wrong.status_code) == (409, 422)


@pytest.mark.parametrize("night", ["0001-01-01", "9999-12-31", "tonight"])
async def test_a_night_that_no_clock_knows_is_refused(town: Town, night: str) -> None:
    async with town.client("takeda") as client:
        asked = ("lamps/l-1/plan", "lamp-events/report")
        answers = [await client.get(f"{V1}/{path}?night={night}") for path in asked]
    assert [one.status_code for one in answers] == [422, 422]


async def test_own_limits_and_calendar_are_kept_and_the_edges_are_told(town: Town) -> None:
    wish = {"calendar": "spare", "limits": {"temperature_c": 70.0}}
    async with town.client("suzuki") as client:
        changed = (await client.put(f"{V1}/lamps/l-1/settings", json=wish)).json()
        again = (await client.put(f"{V1}/lamps/l-1/settings", json={"calendar": "street"})).json()
        (newest, first, *_) = (await client.get(f"{V1}/lamps/audit")).json()
    assert (changed["calendar"], changed["limits"]["temperature_c"]) == ("spare", 70.0)
    assert (again["calendar"], again["own_limits"]) == ("street", {"temperature_c": 70.0})
    assert len(town.lights_changed) == 2
    assert (first["by"], first["authority"], first["action"]) == ("suzuki", "staff", "settings")
    assert (first["subject"], first["detail"]) == (
        "l-1",
        "calendar spare; own limits: temperature_c 70",
    )
    assert newest["detail"].startswith("calendar street")


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"limits": {"temprature_c": 70.0}}, "temprature_c"),
        ({"limits": {"temperature_c": 1e9}}, "temperature_c"),
        ({"calendar": "never-was"}, "There is no calendar never-was"),
        ({"colour": "red"}, "body.colour"),
    ],
)
async def test_settings_that_cannot_be_are_refused_whole(
    town: Town, wish: dict[str, object], told: str
) -> None:
    async with town.client("suzuki") as client:
        answer = await client.put(f"{V1}/lamps/l-1/settings", json=wish)
        detail = (await client.get(f"{V1}/lamps/l-1")).json()
        acts = (await client.get(f"{V1}/lamps/audit")).json()
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert (detail["own_limits"], detail["calendar"], acts) == ({}, "street", [])
    assert town.lights_changed == []


async def test_limits_that_no_longer_fit_do_not_hide_the_lamp(town: Town) -> None:
    """Its type was changed on the site, or an older version knew a limit of that name."""
    gone = LampSettings(limits={"gone": 1.0})
    await town.database.write(lamps.set_settings, "l-1", gone)
    async with town.client("takeda") as client:
        answers = [await client.get(f"{V1}/lamps/{one}") for one in ("l-1", "l-2")]
    known, other = (one.json() for one in answers)
    assert known["own_limits"] == {"gone": 1.0}
    assert known["limits"] == other["limits"]


async def test_a_technician_sets_limits_and_no_calendar(town: Town) -> None:
    async with town.client("takeda") as client:
        limits = await client.put(f"{V1}/lamps/l-1/settings", json={"limits": {}})
        calendar = await client.put(f"{V1}/lamps/l-1/settings", json={"calendar": "spare"})
    assert (limits.status_code, calendar.status_code) == (200, 403)


async def test_a_town_without_lamps_has_an_empty_list(town: Town) -> None:
    town.site = site(0, asleep=0)
    async with town.client("suzuki") as client:
        answer = await client.get(f"{V1}/lamps")
        everyone = await client.post(
            f"{V1}/overrides", json={"all": True, "level": 0, "minutes": 1}
        )
    assert answer.json()["lamps"] == []
    assert everyone.status_code == 422


async def test_acts_are_told_newest_first_since_a_time(town: Town) -> None:
    async with town.client("suzuki") as client:
        for minutes in (5, 6):
            town.clock.forward(10.0)
            wish = {"lamps": ["l-1"], "level": 30, "minutes": minutes, "reason": "=quiet"}
            await client.post(f"{V1}/overrides", json=wish)
        acts = (await client.get(f"{V1}/lamps/audit")).json()
        since = (await client.get(f"{V1}/lamps/audit", params={"since": NOW + 15.0})).json()
    assert [one["at"] for one in acts] == [NOW + 20.0, NOW + 10.0]
    assert since == acts[:1]
    assert (acts[0]["by"], acts[0]["authority"]) == ("suzuki", Authority.STAFF)
    assert acts[0]["detail"] == "30 %; 6 min; 1 lamps: l-1; =quiet"
