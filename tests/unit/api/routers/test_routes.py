"""Which ways own carriers went, and who may see them."""

from dataclasses import replace

import pytest

from gateway.model import Audience, CarrierKind, Doubt, Gap, Quality, Suspicion, Trust
from gateway.store import access, outings, people, positions, sightings, suspicions
from gateway.store.people import Carrier, Tag
from tests.unit.api.town import DAY_S, FIRST_OF, NOW, Town, point, position

V1 = "/api/v1"
OWN = f"{V1}/carriers/c-sato"
BEGAN = NOW - 3_600.0
ALL = (f"{OWN}/route", f"{OWN}/outings", f"{OWN}/outings/t-sato-{int(BEGAN)}")


@pytest.fixture
async def walked(town: Town) -> Town:
    """An hour ago: 100 s of way with a hole of 50 s in the middle, 10 s of it deaf."""
    steps = [BEGAN + 5 * n for n in range(21) if not 6 <= n < 15]
    north = [replace(point(at), lat=37.05 + (at - BEGAN) * 1e-5) for at in steps]
    await town.database.write(outings.add, [*north, point(BEGAN, tag="t-kato")])
    await town.database.write(sightings.add_gap, "gw-07", Gap(BEGAN + 30, BEGAN + 40.0, "restart"))
    return town


async def test_a_route_is_stretches_and_what_is_between_them(walked: Town) -> None:
    async with walked.client("sato") as client:
        answer = await client.get(f"{OWN}/route", params={"since": BEGAN, "until": BEGAN + 200})
    assert answer.headers["content-type"] == "application/geo+json"
    found = answer.json()
    assert found["type"] == "FeatureCollection"
    first, second, gap = found["features"]
    for stretch in (first, second):
        assert stretch["geometry"]["type"] == "LineString"
        told = stretch["properties"]
        assert told["kind"] == "stretch"
        assert len(stretch["geometry"]["coordinates"]) == len(told["times"])
        assert (told["since"], told["until"]) == (told["times"][0], told["times"][-1])
        assert set(told["qualities"]) == {"route"}
    assert gap == {
        "type": "Feature",
        "geometry": None,
        "properties": {
            "kind": "gap",
            "since": BEGAN + 25.0,
            "until": BEGAN + 75.0,
            "reason": "restart",
        },
    }


async def test_a_route_is_flagged_where_the_tag_may_have_been_copied(walked: Town) -> None:
    for one in (
        Suspicion(BEGAN + 50.0, "t-sato", Doubt.CLOSED_SLOT),
        Suspicion(BEGAN + 50.0, "t-kato", Doubt.TWO_PLACES),
        Suspicion(BEGAN + 500.0, "t-sato", Doubt.TWO_PLACES),
    ):
        await walked.database.write(suspicions.add, one)
    flag = {
        "type": "Feature",
        "geometry": None,
        "properties": {
            "kind": "doubt",
            "since": BEGAN + 50.0,
            "until": BEGAN + 650.0,
            "doubt": "closed_slot",
        },
    }
    async with walked.client("sato") as client:
        asked = {"since": BEGAN, "until": BEGAN + 200}
        route = (await client.get(f"{OWN}/route", params=asked)).json()
        outing = (await client.get(ALL[2])).json()
    assert route["features"][-1] == flag
    assert [one for one in outing["features"] if one["properties"]["kind"] == "doubt"] == [flag]


async def test_a_stop_is_a_point_with_its_times_and_its_zone(town: Town) -> None:
    await town.database.write(outings.add, [point(BEGAN + 20 * n) for n in range(10)])
    async with town.client("sato") as client:
        found = (await client.get(f"{OWN}/route")).json()["features"]
    (stop,) = [one for one in found if one["properties"]["kind"] == "stop"]
    assert stop["geometry"]["coordinates"] == pytest.approx([140.88, 37.05])
    assert stop["properties"] == {
        "kind": "stop",
        "arrived_at": BEGAN,
        "left_at": BEGAN + 180.0,
        "seconds": 180.0,
        "zone": "school",
    }


async def test_a_route_ends_with_what_is_confirmed_and_then_with_what_is_live(town: Town) -> None:
    await town.database.write(outings.add, [point(NOW - 30.0)])
    town.recent = [point(NOW - 20.0, quality=Quality.CONFIRMED), point(NOW - 20.0, tag="t-kato")]
    async with town.client("sato") as client:
        (stretch,) = (await client.get(f"{OWN}/route")).json()["features"]
    assert stretch["properties"]["times"] == [NOW - 30.0, NOW - 20.0, NOW - 5.0]
    assert stretch["properties"]["qualities"] == ["route", "confirmed", "live"]


async def test_a_route_without_times_is_of_the_last_day(town: Town) -> None:
    await town.database.write(
        outings.add, [point(NOW - DAY_S - 1.0), point(NOW - DAY_S), point(NOW + 1.0)]
    )
    async with town.client("sato") as client:
        found = (await client.get(f"{OWN}/route")).json()["features"]
        backwards = await client.get(f"{OWN}/route", params={"since": NOW, "until": NOW - 9})
        nonsense = [
            (await client.get(f"{OWN}/{what}", params={"since": since})).status_code
            for what in ("route", "outings")
            for since in ("nan", "inf", "-1", "1e300")
        ]
    assert [one["properties"]["since"] for one in found] == [NOW - DAY_S, NOW - 5.0, NOW - DAY_S]
    assert backwards.json()["features"] == []
    assert set(nonsense) == {422}


async def test_two_tags_of_a_carrier_are_two_ways(walked: Town) -> None:
    spare = Tag("t-spare", "c-sato", Trust.LOW, NOW, "mother")
    await walked.database.write(people.add_tag, spare, [])
    await walked.database.write(outings.add, [point(BEGAN + 7.0, tag="t-spare")])
    async with walked.client("sato") as client:
        found = (await client.get(f"{OWN}/route", params={"until": BEGAN + 200})).json()["features"]
        listed = (await client.get(f"{OWN}/outings")).json()
    stretches = [one["properties"] for one in found if one["properties"]["kind"] == "stretch"]
    assert [BEGAN + 7.0, BEGAN + 7.0] in [one["times"] for one in stretches]
    assert len(stretches) == 3
    assert f"t-spare-{int(BEGAN) + 7}" in [one["id"] for one in listed]


async def test_outings_are_listed_newest_first_with_what_their_routes_hold(walked: Town) -> None:
    async with walked.client("sato") as client:
        now, before = (await client.get(f"{OWN}/outings")).json()
        route = (await client.get(f"{OWN}/outings/{before['id']}")).json()
    assert (now["opened_at"], now["closed_at"]) == (NOW - 5.0, None)
    length_m = before.pop("length_m")
    assert before == {
        "id": f"t-sato-{int(BEGAN)}",
        "opened_at": BEGAN,
        "closed_at": BEGAN + 100.0,
        "stops": 0,
        "gaps": 1,
    }
    assert length_m == pytest.approx(50e-5 * 111_195, abs=0.1)
    kinds = [one["properties"]["kind"] for one in route["features"]]
    assert kinds == ["stretch", "stretch", "gap"]


async def test_outings_are_listed_by_time(walked: Town) -> None:
    async with walked.client("sato") as client:

        async def listed(since: float, until: float) -> int:
            asked = {"since": since, "until": until}
            return len((await client.get(f"{OWN}/outings", params=asked)).json())

        assert await listed(BEGAN - 50, BEGAN - 1) == 0
        assert await listed(BEGAN - 50, BEGAN + 1) == 1
        assert await listed(BEGAN + 50, BEGAN + 60) == 1
        assert await listed(BEGAN + 101, BEGAN + 200) == 0


async def test_an_outing_goes_on_while_it_is_confirmed_and_heard(town: Town) -> None:
    await town.database.write(outings.add, [point(NOW - 100.0)])
    town.recent = [point(NOW - 20.0, quality=Quality.CONFIRMED)]
    async with town.client("sato") as client:
        (only,) = (await client.get(f"{OWN}/outings")).json()
        route = (await client.get(f"{OWN}/outings/{only['id']}")).json()
    assert (only["opened_at"], only["closed_at"], only["gaps"]) == (NOW - 100.0, None, 1)
    times = [one["properties"].get("times") for one in route["features"][:2]]
    assert times == [[NOW - 100.0, NOW - 100.0], [NOW - 20.0, NOW - 5.0]]


async def test_an_outing_that_late_data_joined_to_an_earlier_one_is_still_found(
    walked: Town,
) -> None:
    early = BEGAN - 300.0
    await walked.database.write(outings.add, [point(early)], late=True)
    async with walked.client("sato") as client:
        found = (await client.get(ALL[2])).json()["features"]
    assert found[0]["properties"]["since"] == early


@pytest.mark.parametrize("name", ["t-sato-0", "t-sato", "t-sato-", "x", "t-kato-{began}", "-7"])
async def test_an_outing_that_is_not_ones_own_or_not_at_all_is_not_found(
    walked: Town, name: str
) -> None:
    path = f"{OWN}/outings/{name.format(began=int(BEGAN))}"
    async with walked.client("sato") as client:
        assert (await client.get(path)).status_code == 404
    assert (await walked.database.read(access.verify)).rows == 0


async def test_a_carrier_that_never_was_heard_has_no_way(town: Town) -> None:
    sato = await town.database.read(people.user, "sato")
    await town.database.write(people.add_carrier, Carrier("c-new", "New", CarrierKind.ELDER))
    await town.database.write(people.add_guardianship, sato, "c-new")
    async with town.client("sato") as client:
        route = (await client.get(f"{V1}/carriers/c-new/route")).json()
        listed = (await client.get(f"{V1}/carriers/c-new/outings")).json()
    assert route == {"features": [], "type": "FeatureCollection"}
    assert listed == []


async def test_every_look_at_a_way_is_written_down(walked: Town) -> None:
    async with walked.client("sato") as client:
        for path in ALL:
            assert (await client.get(path)).status_code == 200
        looks = (await client.get(f"{OWN}/looks")).json()
    assert [look["what"] for look in looks] == ["route", "outings", "route"]
    assert {(look["who"], look["why"]) for look in looks} == {("sato", "guardian of the carrier")}


@pytest.mark.parametrize("path", ALL)
async def test_only_the_carriers_own_guardian_sees_its_way(walked: Town, path: str) -> None:
    others = [FIRST_OF[one] for one in Audience if one is not Audience.GUARDIAN]
    for login, refused in [("kato", 404), ("", 401), *((login, 403) for login in others)]:
        async with walked.client(login) as client:
            assert (await client.get(path)).status_code == refused, login
    assert (await walked.database.read(access.verify)).rows == 0


@pytest.mark.parametrize("path", ALL)
async def test_one_who_is_no_longer_a_guardian_sees_no_way(walked: Town, path: str) -> None:
    sato = await walked.database.read(people.user, "sato")
    await walked.database.write(people.end_guardianship, sato.id, "c-sato")
    async with walked.client("sato") as client:
        assert (await client.get(path)).status_code == 404


async def test_what_was_only_heard_live_is_shown_where_nothing_better_is_known(town: Town) -> None:
    heard = [position(NOW - 300.0 + 20 * n) for n in range(3)]
    await town.database.write(positions.add, heard)
    async with town.client("sato") as client:
        first = (await client.get(f"{OWN}/route")).json()["features"][0]
    assert first["properties"]["times"] == [NOW - 300.0, NOW - 280.0, NOW - 260.0]
    assert set(first["properties"]["qualities"]) == {"live"}
