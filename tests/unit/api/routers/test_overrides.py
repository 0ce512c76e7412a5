"""Overrides: named, resolved, told, ended; and what becomes of them."""

import pytest

from gateway.lamps import Outcome, OutcomeState
from gateway.store import overrides
from tests.unit.api.town import NOW, Town

V1 = "/api/v1"


async def test_an_override_is_made_told_to_the_edges_and_audited(town: Town) -> None:
    wish = {
        "lamps": ["l-3"],
        "groups": ["north"],
        "level": 30,
        "minutes": 10,
        "reason": "festival",
        "ramp_to_level_s": 5,
    }
    async with town.client("suzuki") as client:
        answer = await client.post(f"{V1}/overrides", json=wish)
        again = (await client.get(f"{V1}/overrides/{answer.json()['id']}")).json()
        (act,) = (await client.get(f"{V1}/lamps/audit")).json()
    made = answer.json()
    assert answer.status_code == 201
    assert again == made
    assert made == {
        "id": made["id"],
        "lamps": ["l-1", "l-2", "l-3"],
        "level": 30.0,
        "authority": "staff",
        "scene": "",
        "blink": False,
        "reason": "festival",
        "by": "suzuki",
        "made_at": NOW,
        "start": NOW,
        "expiration": NOW + 600.0,
        "ended_at": None,
        "outcomes": [
            {"lamp": lamp, "state": "waiting", "why": "", "at": None}
            for lamp in ("l-1", "l-2", "l-3")
        ],
    }
    assert (act["action"], act["subject"], act["by"]) == ("override", made["id"], "suzuki")
    assert town.lights_changed == [NOW]
    stored = await town.database.read(overrides.get, made["id"], now=NOW)
    assert stored is not None
    assert stored.override.ramp_to_level_s == 5.0


async def test_a_technicians_word_is_a_technicians(town: Town) -> None:
    wish = {"lamps": ["l-1"], "level": None, "expiration": NOW + 60.0}
    async with town.client("takeda") as client:
        made = (await client.post(f"{V1}/overrides", json=wish)).json()
    assert (made["authority"], made["level"], made["expiration"]) == (
        "technician",
        None,
        NOW + 60.0,
    )


async def test_groups_mean_the_lamps_of_that_moment_and_all_the_driven_ones(town: Town) -> None:
    async with town.client("suzuki") as client:
        everyone = await client.post(
            f"{V1}/overrides", json={"all": True, "level": 0, "minutes": 1}
        )
        south = await client.post(
            f"{V1}/overrides", json={"groups": ["south"], "level": 0, "minutes": 1}
        )
    assert everyone.json()["lamps"] == ["l-1", "l-2", "l-3", "l-4"]
    assert south.json()["lamps"] == ["l-3", "l-4"]


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"level": 50, "minutes": 1}, "That names no lamp"),
        ({"lamps": ["l-9", "l-5"], "level": 50, "minutes": 1}, "There is no lamp l-9. No gateway"),
        ({"groups": ["west"], "level": 50, "minutes": 1}, "There is no group west"),
        ({"all": True, "level": 50}, "an override needs an end"),
        ({"all": True, "level": 50, "minutes": 1, "expiration": NOW + 5}, "needs an end"),
        ({"all": True, "level": 50, "expiration": NOW - 5}, "over already"),
        ({"all": True, "level": 50, "expiration": NOW + 8 * 86_400}, "a week at most"),
        ({"all": True, "level": 101, "minutes": 1}, "body.level"),
        ({"all": True, "minutes": 1}, "body.level"),
        ({"all": True, "level": None, "minutes": 1, "blink": True}, "blink at a level"),
        ({"all": True, "level": 50, "minutes": 1, "scene": "sos"}, "body.scene"),
        ({"all": True, "level": 50, "minutes": 1, "authority": "safety"}, "body.authority"),
    ],
)
async def test_what_cannot_be_done_is_said_and_nothing_is_stored(
    town: Town, wish: dict[str, object], told: str
) -> None:
    async with town.client("suzuki") as client:
        answer = await client.post(f"{V1}/overrides", json=wish)
        (only,) = (await client.get(f"{V1}/overrides")).json()
        acts = (await client.get(f"{V1}/lamps/audit")).json()
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert (only["id"], acts, town.lights_changed) == ("o-1", [], [])


async def test_each_lamp_is_done_or_failed_within_3_seconds_and_a_later_word_stands(
    town: Town,
) -> None:
    wish = {"groups": ["north"], "level": 30, "minutes": 10}
    async with town.client("suzuki") as client:
        made = (await client.post(f"{V1}/overrides", json=wish)).json()

        async def outcomes() -> list[tuple[str, str, str, float | None]]:
            told = (await client.get(f"{V1}/overrides/{made['id']}")).json()["outcomes"]
            return [(one["lamp"], one["state"], one["why"], one["at"]) for one in told]

        async def hear(lamp: str, at: float, state: OutcomeState, why: str = "") -> None:
            outcome = Outcome(made["id"], lamp, at, state, why)
            await town.database.write(overrides.record, [outcome])

        await hear("l-1", NOW + 0.4, OutcomeState.DONE)
        town.clock.forward(2.9)
        assert await outcomes() == [
            ("l-1", "done", "", NOW + 0.4),
            ("l-2", "waiting", "", None),
        ]
        town.clock.forward(0.2)
        assert (await outcomes())[1] == ("l-2", "failed", "gateway_away", NOW + 3.0)
        await hear("l-2", NOW + 60.0, OutcomeState.FAILED, "no_answer")
        assert (await outcomes())[1] == ("l-2", "failed", "no_answer", NOW + 60.0)
        await hear("l-2", NOW + 90.0, OutcomeState.DONE)
        assert (await outcomes())[1] == ("l-2", "done", "", NOW + 90.0)


async def test_ending_one_is_kept_told_and_audited_once(town: Town) -> None:
    async with town.client("suzuki") as client:
        town.clock.forward(5.0)
        ended = await client.delete(f"{V1}/overrides/o-1")
        again = await client.delete(f"{V1}/overrides/o-1")
        acts = (await client.get(f"{V1}/lamps/audit")).json()
    assert (ended.status_code, ended.json()["ended_at"]) == (200, NOW + 5.0)
    assert (again.status_code, again.json()) == (409, {"detail": "That is over already."})
    assert [(one["action"], one["subject"]) for one in acts] == [("override_end", "o-1")]
    assert town.lights_changed == [NOW + 5.0]


async def test_staff_does_not_end_what_a_technician_at_the_pole_relies_on(town: Town) -> None:
    dark = {"lamps": ["l-1"], "level": 0, "minutes": 30, "reason": "I work on it"}
    scene = {"scene": "search", "all": True, "minutes": 5}
    async with town.client("takeda") as technician, town.client("suzuki") as staff:
        held = (await technician.post(f"{V1}/overrides", json=dark)).json()["id"]
        light = (await staff.post(f"{V1}/scenes", json=scene)).json()["id"]
        refused = await staff.delete(f"{V1}/overrides/{held}")
        own = await technician.delete(f"{V1}/overrides/{held}")
        staffs = await technician.delete(f"{V1}/overrides/o-1")
        scenes = await staff.delete(f"{V1}/overrides/{light}")
    assert refused.status_code == 409
    assert "technician" in refused.json()["detail"]
    assert [one.status_code for one in (own, staffs, scenes)] == [200, 200, 200]


async def test_overrides_are_listed_newest_first_and_those_that_hold_alone(town: Town) -> None:
    wish = {"all": True, "level": 10, "minutes": 1}
    async with town.client("suzuki") as client:
        short = (await client.post(f"{V1}/overrides", json=wish)).json()["id"]
        town.clock.forward(61.0)
        every = (await client.get(f"{V1}/overrides")).json()
        holding = (await client.get(f"{V1}/overrides", params={"open": True})).json()
        one = (await client.get(f"{V1}/overrides", params={"limit": 1})).json()
    assert [each["id"] for each in every] == [short, "o-1"]
    assert [each["id"] for each in holding] == ["o-1"]
    assert one == every[:1]
