"""Calendars: which program in which night, and for whom (what documents share: test_programs)."""

from tests.unit.api.lamp_pieces import STREET
from tests.unit.api.town import Town

V1 = "/api/v1"
WEEKEND = {
    **STREET,
    "id": "weekend",
    "rules": [{"program": "spare", "weekdays": ["sat", "sun"]}],
}


async def test_a_calendar_is_given_to_lamps_and_groups(town: Town) -> None:
    async with town.client("suzuki") as client:
        await client.put(f"{V1}/calendars/weekend", json=WEEKEND)
        wish = {"lamps": ["l-3"], "groups": ["north"]}
        answer = await client.put(f"{V1}/calendars/weekend/assigned", json=wish)
        street = (await client.get(f"{V1}/calendars/street")).json()
        plan = (await client.get(f"{V1}/lamps/l-3/plan?night=2027-01-16")).json()
        acts = (await client.get(f"{V1}/lamps/audit")).json()
        used = await client.delete(f"{V1}/calendars/weekend")
    assert answer.json()["used_by"] == ["l-1", "l-2", "l-3"]
    assert street["used_by"] == ["l-4"]
    assert (plan["calendar"], plan["program"]) == ("weekend", "spare")
    assert acts[0]["action"] == "calendar_assign"
    assert acts[0]["detail"] == "3 lamps: l-1, l-2, l-3"
    assert len(town.lights_changed) == 2
    assert used.status_code == 409
    assert "3 lamps use it (l-1, l-2, l-3)" in used.json()["detail"]


async def test_a_calendar_cannot_name_a_program_that_is_not_there(town: Town) -> None:
    async with town.client("suzuki") as client:
        answer = await client.put(
            f"{V1}/calendars/weekend", json={**WEEKEND, "defaultProgram": "lost"}
        )
    assert answer.status_code == 422
    (problem,) = [one for one in answer.json()["problems"] if one["severity"] == "error"]
    assert problem["document"] == "calendar weekend"
    assert "lost" in problem["what"] + problem["where"]


async def test_the_default_calendar_is_used_by_every_lamp_that_has_no_other(town: Town) -> None:
    async with town.client("suzuki") as client:
        refused = await client.delete(f"{V1}/calendars/street")
        await client.put(f"{V1}/calendars/spare/assigned", json={"all": True})
        deleted = await client.delete(f"{V1}/calendars/street")
    assert (refused.status_code, deleted.status_code) == (409, 204)


async def test_lamps_that_are_not_there_get_no_calendar(town: Town) -> None:
    async with town.client("suzuki") as client:
        answer = await client.put(f"{V1}/calendars/spare/assigned", json={"lamps": ["l-9"]})
        nobody = await client.put(f"{V1}/calendars/spare/assigned", json={})
    assert (answer.status_code, nobody.status_code) == (422, 422)
    assert answer.json()["detail"] == "There is no lamp l-9."
    assert town.lights_changed == []
