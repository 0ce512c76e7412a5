"""Positions and zone events."""

from dataclasses import replace

from msgspec import structs

from gateway.model import Crossing, Position, Presence, ZoneEvent
from gateway.store import positions
from gateway.store.database import Database


def position(at: float, *, tag: str = "t-1", lon: float = 140.88) -> Position:
    return Position(
        at=at,
        tag=tag,
        lon=lon,
        lat=37.05,
        radius68_m=4.5,
        radius95_m=11.0,
        n_heard=3,
        presence=Presence.TRACKED,
        zones=(("school", 0.8), ("park", 0.15)),
        path="north",
        path_probability=0.7,
    )


async def test_the_latest_position_is_the_newest_in_time_not_in_arrival(
    database: Database,
) -> None:
    await database.write(positions.add, [position(20.0), position(10.0), position(30.0, tag="t-2")])
    assert await database.read(positions.latest, "t-1", now=1e12) == position(20.0)
    assert await database.read(positions.latest, "t-9", now=1e12) is None


async def test_a_position_of_a_time_to_come_hides_no_other(database: Database) -> None:
    """A clock that was ahead left it."""
    await database.write(positions.add, [position(20.0), position(3_620.0)])
    newest = await database.read(positions.latest, "t-1", now=30.0)
    assert newest == position(20.0)
    assert await database.read(positions.heard_at, "t-1", now=30.0) == 20.0


async def test_a_route_is_read_by_time(database: Database) -> None:
    await database.write(positions.add, [position(at) for at in (30.0, 10.0, 20.0, 40.0)])
    await database.write(positions.add, [position(15.0, tag="t-2"), position(16.0, tag="t-3")])
    found = await database.read(
        positions.between, ["t-1", "t-2"], since=10.0, until=30.0, limit=100
    )
    assert [one.at for one in found] == [10.0, 15.0, 20.0, 30.0]


async def test_a_limited_route_keeps_its_end(database: Database) -> None:
    await database.write(positions.add, [position(float(at)) for at in range(10)])
    found = await database.read(positions.between, ["t-1"], since=0.0, until=99.0, limit=3)
    assert [one.at for one in found] == [7.0, 8.0, 9.0]


async def test_late_data_amends_a_position(database: Database) -> None:
    await database.write(positions.add, [position(10.0)])
    amended = structs.replace(position(10.0, lon=140.9), presence=Presence.UNCERTAIN, zones=())
    await database.write(positions.add, [amended], late=True)
    assert await database.read(positions.between, ["t-1"], since=0.0, until=99.0, limit=9) == [
        amended
    ]


async def test_adding_nothing_is_nothing(database: Database) -> None:
    await database.write(positions.add, [])
    await database.write(positions.add_events, [])


async def test_a_zone_event_is_kept_once(database: Database) -> None:
    event = ZoneEvent(10.0, "t-1", "school", Crossing.ENTER, 0.9)
    await database.write(positions.add_events, [event])
    await database.write(positions.add_events, [event, replace(event, event=Crossing.LEAVE)])
    assert await database.read(positions.events_between, "t-1", since=0.0, until=10.0) == [
        event,
        replace(event, event=Crossing.LEAVE),
    ]
    assert await database.read(positions.events_between, "t-1", since=11.0, until=20.0) == []


async def test_a_zone_event_that_had_not_happened_is_forgotten(database: Database) -> None:
    event = ZoneEvent(10.0, "t-1", "school", Crossing.ENTER, 0.9)
    others = [
        replace(event, at=9.0),
        replace(event, zone="shop"),
        replace(event, event=Crossing.LEAVE),
    ]
    await database.write(positions.add_events, [event, *others])
    await database.write(positions.remove_events, [event])
    assert await database.read(positions.events_between, "t-1", since=0.0, until=20.0) == others
