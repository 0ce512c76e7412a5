"""Where own carriers are and were, and who looked."""

from dataclasses import replace

from gateway.model import CarrierKind, Gap, Presence, Trust
from gateway.store import access, people, positions, sightings
from gateway.store.people import Tag
from tests.unit.api.town import DAY_S, NOW, Town, position

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
        route = (await client.get(f"{V1}/carriers/c-new/route")).json()
    assert [(one["id"], one["tag"], one["trust"], one["position"]) for one in found[1:]] == [
        ("c-new", None, None, None)
    ]
    assert route == {"features": [], "type": "FeatureCollection"}


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
        },
    }


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


async def test_a_route_is_cut_where_nothing_was_known(town: Town) -> None:
    walked = [position(NOW - 600.0 + at) for at in (0.0, 60.0, 120.0, 300.0, 340.0, 341.0)]
    await town.database.write(positions.add, walked)
    await town.database.write(sightings.add_gap, "gw-07", Gap(NOW - 290.0, NOW - 262.0, "restart"))
    async with town.client("sato") as client:
        answer = await client.get(f"{OWN}/route", params={"since": NOW - 600, "until": NOW - 200})
    found = answer.json()
    assert found["type"] == "FeatureCollection"
    assert [one["properties"]["times"] for one in found["features"]] == [
        [NOW - 600.0, NOW - 540.0, NOW - 480.0],
        [NOW - 300.0, NOW - 300.0],
        [NOW - 260.0, NOW - 259.0],
    ]
    for one in found["features"]:
        assert one["geometry"]["type"] == "LineString"
        times = one["properties"]["times"]
        assert len(one["geometry"]["coordinates"]) == len(times)
        assert (one["properties"]["since"], one["properties"]["until"]) == (times[0], times[-1])


async def test_a_route_without_times_is_of_the_last_day(town: Town) -> None:
    await town.database.write(
        positions.add,
        [position(NOW - DAY_S - 1.0), position(NOW - DAY_S), position(NOW + 1.0)],
    )
    async with town.client("sato") as client:
        found = (await client.get(f"{OWN}/route")).json()["features"]
        backwards = await client.get(f"{OWN}/route", params={"since": NOW, "until": NOW - 9})
        nonsense = await client.get(f"{OWN}/route", params={"since": "nan"})
    assert [one["properties"]["times"][0] for one in found] == [NOW - DAY_S, NOW - 5.0]
    assert backwards.json()["features"] == []
    assert nonsense.status_code == 422


async def test_a_route_leaves_out_where_the_tag_was_silent(town: Town) -> None:
    silent = replace(position(NOW - 3.0), presence=Presence.OUT_OF_COVERAGE)
    await town.database.write(positions.add, [silent, position(NOW - 1.0)])
    async with town.client("sato") as client:
        found = (await client.get(f"{OWN}/route")).json()["features"]
    assert [one["properties"]["since"] for one in found] == [NOW - 5.0, NOW - 1.0]


async def test_every_look_is_written_down_and_told_to_the_guardian(town: Town) -> None:
    async with town.client("sato") as client:
        await client.get(f"{V1}/carriers")
        town.clock.forward(1.0)
        await client.get(f"{OWN}/position")
        await client.get(f"{OWN}/position")
        await client.get(f"{OWN}/route")
        looks = (await client.get(f"{OWN}/looks")).json()
        assert [look["what"] for look in looks] == ["route", "position", "position", "list"]
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
        await client.get(f"{V1}/carriers/c-kato/route")
        await client.get(f"{V1}/carriers/c-kato/looks")
    assert (await town.database.read(access.verify)).rows == 0


async def test_one_who_is_no_longer_a_guardian_sees_nothing(town: Town) -> None:
    sato = await town.database.read(people.user, "sato")
    await town.database.write(people.end_guardianship, sato.id, "c-sato")
    async with town.client("sato") as client:
        assert (await client.get(f"{V1}/carriers")).json() == []
        for what in ("position", "route", "looks"):
            assert (await client.get(f"{OWN}/{what}")).status_code == 404
