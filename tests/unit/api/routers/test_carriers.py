"""Where own carriers are and were, and who looked."""

from gateway.model import CarrierKind, Doubt, Suspicion, Trust
from gateway.store import access, people, positions, suspicions, tag_states
from gateway.store.people import Tag
from gateway.store.tag_states import StoredState
from tests.unit.api.town import NOW, Town, position

V1 = "/api/v1"
OWN = f"{V1}/carriers/c-sato"


async def test_own_carriers_are_listed_with_where_they_were_last(town: Town) -> None:
    async with town.client("sato") as client:
        found = (await client.get(f"{V1}/carriers")).json()
    assert [one.pop("position")["properties"]["at"] for one in found] == [NOW - 5.0]
    assert found == [
        {
            "id": "c-sato",
            "name": "Child of sato",
            "kind": "child",
            "tag": "t-sato",
            "trust": "low",
            "states": {},
        }
    ]


async def test_a_carrier_without_a_position_is_listed_without(town: Town) -> None:
    sato = await town.database.read(people.user, "sato")
    new = people.Carrier("c-new", "New", CarrierKind.ELDER)
    await town.database.write(people.add_carrier, new)
    await town.database.write(people.add_guardianship, sato, "c-new")
    async with town.client("sato") as client:
        found = (await client.get(f"{V1}/carriers")).json()
        assert (await client.get(f"{V1}/carriers/c-new/position")).status_code == 404
    assert [(one["id"], one["tag"], one["trust"], one["position"]) for one in found[1:]] == [
        ("c-new", None, None, None)
    ]


async def test_a_position_is_geojson_with_its_radii_and_zones(town: Town) -> None:
    async with town.client("sato") as client:
        answer = await client.get(f"{OWN}/position")
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.json() == {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [140.88, 37.05]},
        "properties": {
            "at": NOW - 5.0,
            "radius68_m": 4.0,
            "radius95_m": 9.5,
            "n_heard": 3,
            "presence": "tracked",
            "zones": [{"id": "school", "probability": 0.75}],
            "heard_at": NOW - 5.0,
            "path": "north",
            "path_probability": 0.8,
            "doubts": [],
        },
    }


async def test_a_position_says_for_ten_minutes_that_the_tag_may_be_copied(town: Town) -> None:
    doubted = Suspicion(NOW - 300.0, "t-sato", Doubt.TWO_PLACES, ("r-1", "r-9"))
    of_others = Suspicion(NOW - 20.0, "t-kato", Doubt.CLOSED_SLOT)
    long_ago = Suspicion(NOW - 3_600.0, "t-sato", Doubt.IMPOSSIBLE_SPEED)
    for one in (doubted, of_others, long_ago):
        await town.database.write(suspicions.add, one)
    async with town.client("sato") as client:
        found = (await client.get(f"{OWN}/position")).json()["properties"]
    assert found["doubts"] == ["two_places"]


async def test_what_a_tag_said_of_itself_is_for_its_own_guardian(town: Town) -> None:
    said = StoredState("t-sato", "battery_percent", 31.0, NOW - 60.0, "r-1")
    await town.database.write(tag_states.record, [said])
    async with town.client("sato") as client:
        (own,) = (await client.get(f"{V1}/carriers")).json()
    assert own["states"] == {"battery_percent": {"value": 31.0, "at": NOW - 60.0}}
    async with town.client("kato") as client:
        others = (await client.get(f"{V1}/carriers")).json()
    assert [one["states"] for one in others] == [{}]


async def test_a_silent_tag_says_when_it_was_last_heard(town: Town) -> None:
    await town.database.write(positions.add, [position(NOW - 1.0, n_heard=0)])
    async with town.client("sato") as client:
        found = (await client.get(f"{OWN}/position")).json()["properties"]
    assert (found["at"], found["presence"], found["heard_at"]) == (NOW - 1.0, "silent", NOW - 5.0)


async def test_the_tag_that_was_seen_last_is_where_the_carrier_is(town: Town) -> None:
    spare = Tag("t-spare", "c-sato", Trust.LOW, NOW, "mother")
    await town.database.write(people.add_tag, spare, [])
    async with town.client("sato") as client:
        assert (await client.get(f"{V1}/carriers")).json()[0]["tag"] == "t-sato"
        await town.database.write(positions.add, [position(NOW - 1.0, tag="t-spare")])
        assert (await client.get(f"{V1}/carriers")).json()[0]["tag"] == "t-spare"
        at = (await client.get(f"{OWN}/position")).json()["properties"]["at"]
    assert at == NOW - 1.0


async def test_every_look_is_written_down_and_told_to_the_guardian(town: Town) -> None:
    async with town.client("sato") as client:
        await client.get(f"{V1}/carriers")
        town.clock.forward(1.0)
        await client.get(f"{OWN}/position")
        await client.get(f"{OWN}/position")
        await client.get(f"{OWN}/looks")
        looks = (await client.get(f"{OWN}/looks")).json()
        assert [look["what"] for look in looks] == ["position", "position", "list"]
        assert looks[-1] == {
            "at": NOW,
            "who": "sato",
            "what": "list",
            "why": "guardian of the carrier",
        }
        assert len((await client.get(f"{OWN}/looks", params={"limit": 2})).json()) == 2
    assert (await town.database.read(access.verify)).fault == ""


async def test_what_is_not_shown_is_no_look(town: Town) -> None:
    async with town.client("sato") as client:
        await client.get(f"{V1}/carriers/c-kato/position")
        await client.get(f"{V1}/carriers/c-kato/looks")
    assert (await town.database.read(access.verify)).rows == 0


async def test_one_who_is_no_longer_a_guardian_sees_nothing(town: Town) -> None:
    sato = await town.database.read(people.user, "sato")
    await town.database.write(people.end_guardianship, sato.id, "c-sato")
    async with town.client("sato") as client:
        assert (await client.get(f"{V1}/carriers")).json() == []
        for what in ("position", "looks"):
            assert (await client.get(f"{OWN}/{what}")).status_code == 404
