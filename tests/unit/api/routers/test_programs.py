"""Programs and what all documents share: uploading, versions, deleting."""

import json

import pytest

from tests.unit.api.lamp_pieces import PROGRAM, SPARE, STREET
from tests.unit.api.town import DAY_S, NOW, Town

V1 = "/api/v1"
NIGHT = {**PROGRAM, "id": "night", "fixedTimeControls": [{"time": "23:00", "level": 30}]}


async def test_documents_are_told_as_they_stand_with_who_uses_them(town: Town) -> None:
    async with town.client("takeda") as client:
        programs = (await client.get(f"{V1}/programs")).json()
        calendars = (await client.get(f"{V1}/calendars")).json()
        one = (await client.get(f"{V1}/programs/evening")).json()
    assert [(one["id"], one["used_by"]) for one in programs] == [
        ("evening", ["spare", "street"]),
        ("spare", []),
    ]
    assert [(one["id"], one["used_by"]) for one in calendars] == [
        ("spare", []),
        ("street", ["l-1", "l-2", "l-3", "l-4"]),
    ]
    assert one == {**programs[0], "warnings": one["warnings"]}
    assert (one["version"], one["at"], one["by"]) == (1, NOW - DAY_S, "suzuki")
    assert one["document"] == PROGRAM


async def test_an_upload_is_a_version_that_the_edges_are_told(town: Town) -> None:
    town.clock.forward(9.0)
    brighter = {**NIGHT, "fixedTimeControls": [{"time": "23:00", "level": 60}]}
    async with town.client("suzuki") as client:
        first = await client.put(f"{V1}/programs/night", json=NIGHT)
        again = await client.put(f"{V1}/programs/night", json=NIGHT)
        second = await client.put(f"{V1}/programs/night", json=brighter)
        versions = (await client.get(f"{V1}/programs/night/versions")).json()
        acts = (await client.get(f"{V1}/lamps/audit")).json()
    assert [one.status_code for one in (first, again, second)] == [200, 200, 200]
    assert [one.json()["version"] for one in (first, again, second)] == [1, 1, 2]
    assert [(one["version"], one["document"]) for one in versions] == [(2, brighter), (1, NIGHT)]
    assert {(one["by"], one["at"]) for one in versions} == {("suzuki", NOW + 9.0)}
    assert [(one["action"], one["subject"], one["detail"]) for one in acts] == [
        ("program", "night", "version 2"),
        ("program", "night", "version 1"),
    ]
    assert town.lights_changed


@pytest.mark.parametrize(
    ("body", "where", "what"),
    [
        (b"{", "", "no JSON"),
        (b"\xff", "", ""),
        (json.dumps({**NIGHT, "colour": "red"}).encode(), "", "colour"),
        (json.dumps({**NIGHT, "id": "other"}).encode(), "id", "'other'"),
        (json.dumps({**NIGHT, "activePeriods": [{"type": "lunar"}]}).encode(), "activePeriods", ""),
    ],
)
async def test_what_is_no_program_is_refused_with_the_place(
    town: Town, body: bytes, where: str, what: str
) -> None:
    async with town.client("suzuki") as client:
        answer = await client.put(f"{V1}/programs/night", content=body)
        there = await client.get(f"{V1}/programs/night")
    assert answer.status_code == 422
    (problem,) = answer.json()["problems"]
    assert problem["where"].startswith(where)
    assert what in problem["what"]
    assert problem["remedy"]
    assert problem["severity"] == "error"
    assert problem["remedy"] in answer.json()["detail"]
    assert there.status_code == 404
    assert town.lights_changed == []


async def test_everything_that_is_wrong_with_a_program_is_said_at_once(town: Town) -> None:
    wrong = {
        **NIGHT,
        "fixedTimeControls": [{"time": "25:00", "level": 30}, {"time": "22:00", "level": 130}],
    }
    async with town.client("suzuki") as client:
        answer = await client.put(f"{V1}/programs/night", json=wrong)
        acts = (await client.get(f"{V1}/lamps/audit")).json()
    assert answer.status_code == 422
    problems = answer.json()["problems"]
    places = [one["where"] for one in problems if one["severity"] == "error"]
    assert any("fixedTimeControls[0]" in place for place in places)
    assert any("fixedTimeControls[1]" in place for place in places)
    assert {one["document"] for one in problems} == {"program night"}
    assert acts == []


async def test_a_program_that_a_calendar_uses_is_not_deleted(town: Town) -> None:
    async with town.client("suzuki") as client:
        used = await client.delete(f"{V1}/programs/evening")
        assert used.status_code == 409
        assert "2 calendars use it (spare, street)" in used.json()["detail"]
        assert (await client.delete(f"{V1}/programs/spare")).status_code == 204
        gone = await client.get(f"{V1}/programs/spare")
        again = await client.delete(f"{V1}/programs/spare")
        versions = (await client.get(f"{V1}/programs/spare/versions")).json()
        back = await client.put(f"{V1}/programs/spare", json=SPARE)
        acts = (await client.get(f"{V1}/lamps/audit")).json()
    assert (gone.status_code, again.status_code) == (404, 404)
    assert [(one["version"], one["document"]) for one in versions] == [(2, None), (1, SPARE)]
    assert back.json()["version"] == 3
    assert [one["action"] for one in acts] == ["program", "program_delete"]


async def test_an_error_elsewhere_that_was_there_before_keeps_nothing_out(town: Town) -> None:
    """A calendar that lost its program (written by another version) is not this upload's fault."""

    def spoil(connection: object) -> None:
        assert hasattr(connection, "exec_driver_sql")
        lost = json.dumps({**STREET, "defaultProgram": "lost"}).encode()
        connection.exec_driver_sql(
            "UPDATE light_documents SET body = ? WHERE kind = 'calendar' AND document = 'street'",
            (lost,),
        )

    await town.database.write(spoil)
    async with town.client("suzuki") as client:
        answer = await client.put(f"{V1}/programs/night", json=NIGHT)
        street = (await client.get(f"{V1}/calendars/street")).json()
    assert answer.status_code == 200
    assert [one["severity"] for one in street["warnings"]] == ["error"]


@pytest.mark.parametrize("name", ["-night", "a b", "n" * 65, "%2e%2e"])
async def test_an_id_is_of_plain_letters(town: Town, name: str) -> None:
    async with town.client("suzuki") as client:
        answer = await client.put(f"{V1}/programs/{name}", json={**NIGHT, "id": name})
    assert answer.status_code in {404, 405, 422}
