"""Alerts, and that somebody takes care of them."""

from dataclasses import replace

import pytest

from gateway.model import AlertKind, AlertState
from gateway.store import alerts
from gateway.store.alerts import Change
from tests.unit.api.town import NOW, Town, sos

V1 = "/api/v1"


async def test_a_guardian_sees_alerts_of_own_carriers(town: Town) -> None:
    async with town.client("sato") as client:
        found = (await client.get(f"{V1}/alerts")).json()
    assert found == [
        {
            "id": "a-sato",
            "kind": "sos",
            "state": "raised",
            "at": NOW - 60.0,
            "raised_at": NOW - 30.0,
            "carrier": "c-sato",
            "zone": None,
            "gateway": None,
            "receiver": "r-12",
            "tag": None,
            "suspect": None,
            "life": [{"state": "raised", "at": NOW - 30.0, "by": ""}],
        }
    ]


async def test_staff_and_technicians_see_devices_only(town: Town) -> None:
    for login in ("suzuki", "takeda"):
        async with town.client(login) as client:
            found = (await client.get(f"{V1}/alerts")).json()
        assert [(one["id"], one["gateway"], one["carrier"]) for one in found] == [
            ("a-tech", "gw-07", None)
        ]


async def test_a_suspected_tag_is_for_staff_by_its_pseudonym_and_for_no_guardian(
    town: Town,
) -> None:
    copied = replace(sos("a-copied"), kind=AlertKind.TAG_SUSPECT, suspect="two_places")
    await town.database.write(alerts.add, copied)
    for login, sees in (("suzuki", True), ("takeda", True), ("sato", False), ("kato", False)):
        async with town.client(login) as client:
            found = (await client.get(f"{V1}/alerts")).json()
            taken = await client.post(f"{V1}/alerts/a-copied/acknowledge")
        told = {one["id"]: (one["tag"], one["suspect"], one["carrier"]) for one in found}
        assert told.get("a-copied") == (("t-sato", "two_places", None) if sees else None)
        assert taken.status_code == (200 if sees else 404)


async def test_a_suspected_sos_says_so_to_its_guardian(town: Town) -> None:
    await town.database.write(alerts.add, replace(sos("a-again"), suspect="counter"))
    async with town.client("sato") as client:
        found = (await client.get(f"{V1}/alerts")).json()
    assert {one["id"]: one["suspect"] for one in found} == {"a-sato": None, "a-again": "counter"}


async def test_an_sos_of_a_tag_that_nobody_knows_is_for_staff_and_for_no_guardian(
    town: Town,
) -> None:
    await town.database.write(alerts.add, replace(sos("a-nobody"), tag=""))
    for login, sees in (("suzuki", True), ("takeda", True), ("sato", False)):
        async with town.client(login) as client:
            found = (await client.get(f"{V1}/alerts")).json()
            taken = await client.post(f"{V1}/alerts/a-nobody/acknowledge")
        assert ("a-nobody" in [one["id"] for one in found]) == sees
        assert taken.status_code == (200 if sees else 404)


@pytest.mark.parametrize("kind", [AlertKind.SINK_BEHIND, AlertKind.STORE_DAMAGED])
async def test_what_ails_the_hub_is_for_staff_and_technicians_and_names_nobody(
    town: Town, kind: AlertKind
) -> None:
    behind = replace(sos("a-sink"), kind=kind, tag="", receiver="")
    await town.database.write(alerts.add, behind)
    about = ("carrier", "tag", "zone", "gateway", "receiver")
    for login in ("suzuki", "takeda"):
        async with town.client(login) as client:
            found = {one["id"]: one for one in (await client.get(f"{V1}/alerts")).json()}
        assert [found["a-sink"][name] for name in about] == [None] * len(about)
    for login, status in (("sato", 200), ("yamada", 403), ("hirata", 403)):
        async with town.client(login) as client:
            answer = await client.get(f"{V1}/alerts")
        assert answer.status_code == status
        assert "a-sink" not in answer.text


async def test_alerts_are_asked_for_since_a_time_and_up_to_a_number(town: Town) -> None:
    for number in range(5):
        later = replace(sos(f"a-{number}"), raised_at=NOW + number)
        await town.database.write(alerts.add, later)
    async with town.client("sato") as client:
        since = (await client.get(f"{V1}/alerts", params={"since": NOW + 2})).json()
        limited = (await client.get(f"{V1}/alerts", params={"limit": 2})).json()
        too_many = await client.get(f"{V1}/alerts", params={"limit": 100_000})
    assert [one["id"] for one in since] == ["a-4", "a-3", "a-2"]
    assert [one["id"] for one in limited] == ["a-4", "a-3"]
    assert too_many.status_code == 422


async def test_acknowledging_is_kept_recorded_and_announced(town: Town) -> None:
    town.clock.forward(9.0)
    async with town.client("sato") as client:
        answer = (await client.post(f"{V1}/alerts/a-sato/acknowledge")).json()
        assert answer == (await client.get(f"{V1}/alerts")).json()[0]
    assert answer["state"] == "acknowledged"
    assert answer["life"][1] == {"state": "acknowledged", "at": NOW + 9.0, "by": "sato"}
    acknowledged = replace(sos(), state=AlertState.ACKNOWLEDGED)
    assert town.announced == [acknowledged]
    assert town.recorded == [(acknowledged, NOW + 9.0)]


async def test_acknowledging_again_or_too_late_changes_nothing(town: Town) -> None:
    async with town.client("sato") as client:
        await client.post(f"{V1}/alerts/a-sato/acknowledge")
        again = await client.post(f"{V1}/alerts/a-sato/acknowledge")
        over = Change(AlertState.RESOLVED, NOW, "")
        await town.database.write(alerts.change, "a-sato", over)
        late = await client.post(f"{V1}/alerts/a-sato/acknowledge")
    assert (again.json()["state"], late.json()["state"]) == ("acknowledged", "resolved")
    assert len(late.json()["life"]) == 3
    assert len(town.announced) == len(town.recorded) == 1


async def test_a_technician_takes_care_of_a_device(town: Town) -> None:
    async with town.client("takeda") as client:
        answer = await client.post(f"{V1}/alerts/a-tech/acknowledge")
    assert answer.json()["life"][1]["by"] == "takeda"
