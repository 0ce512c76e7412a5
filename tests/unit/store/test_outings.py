"""The points of routes, and the outings that they make up."""

from dataclasses import replace

from gateway.model import Outing, Quality, RoutePoint
from gateway.store import outings
from gateway.store.database import Database


def point(at: float, *, tag: str = "t-1", lon: float = 140.88) -> RoutePoint:
    return RoutePoint(at, tag, lon, 37.05, 3.5, "school", Quality.ROUTE)


async def stored(database: Database, tag: str = "t-1") -> list[RoutePoint]:
    return await database.read(outings.between, tag, since=0.0, until=1e9, limit=1_000)


async def of_tag(database: Database, tag: str = "t-1") -> list[Outing]:
    return await database.read(outings.of_tag, tag, since=0.0, until=1e9)


async def test_points_come_back_as_they_were_by_time(database: Database) -> None:
    walked = [point(at) for at in (20.0, 10.0, 15.0)]
    await database.write(outings.add, [*walked, point(12.0, tag="t-2")])
    assert await stored(database) == sorted(walked, key=lambda one: one.at)
    assert await stored(database, "t-9") == []


async def test_both_ends_of_the_asked_time_belong_to_it(database: Database) -> None:
    await database.write(outings.add, [point(at) for at in (9.0, 11.0, 16.0, 21.0, 24.0)])
    found = await database.read(outings.between, "t-1", since=11.0, until=21.0, limit=9)
    assert [one.at for one in found] == [11.0, 16.0, 21.0]


async def test_a_limited_route_keeps_its_end(database: Database) -> None:
    await database.write(outings.add, [point(5.0 * n) for n in range(10)])
    found = await database.read(outings.between, "t-1", since=0.0, until=99.0, limit=2)
    assert [one.at for one in found] == [40.0, 45.0]


async def test_what_is_told_again_changes_nothing(database: Database) -> None:
    await database.write(outings.add, [point(10.0)])
    await database.write(outings.add, [point(11.0, lon=140.9), point(15.0)])
    assert await stored(database) == [point(10.0), point(15.0)]


async def test_late_data_replaces_what_stands_in_its_five_seconds(database: Database) -> None:
    await database.write(outings.add, [point(10.0), point(15.0)])
    amended = replace(point(11.0, lon=140.9), zone="")
    await database.write(outings.add, [amended], late=True)
    assert await stored(database) == [amended, point(15.0)]


async def test_points_open_an_outing_and_extend_it(database: Database) -> None:
    await database.write(outings.add, [point(10.0)])
    assert await of_tag(database) == [Outing("t-1", 10.0, 10.0)]
    await database.write(outings.add, [point(15.0), point(40.0), point(9.0, tag="t-2")])
    assert await of_tag(database) == [Outing("t-1", 10.0, 40.0)]
    assert await of_tag(database, "t-2") == [Outing("t-2", 9.0, 9.0)]


async def test_after_a_long_pause_there_is_another_outing(database: Database) -> None:
    await database.write(outings.add, [point(10.0)])
    await database.write(outings.add, [point(611.0)])
    assert await of_tag(database) == [Outing("t-1", 10.0, 10.0), Outing("t-1", 611.0, 611.0)]
    only = await database.read(outings.of_tag, "t-1", since=100.0, until=700.0)
    assert only == [Outing("t-1", 611.0, 611.0)]


async def test_late_data_between_two_outings_joins_them(database: Database) -> None:
    await database.write(outings.add, [point(10.0), point(900.0)])
    await database.write(outings.add, [point(450.0)], late=True)
    assert await of_tag(database) == [Outing("t-1", 10.0, 900.0)]


async def test_adding_nothing_is_nothing(database: Database) -> None:
    await database.write(outings.add, [])
    assert await of_tag(database) == []
