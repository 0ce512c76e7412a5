"""What was written under times that are yet to come."""

from gateway.model import Lane, Quality, RoutePoint, Window
from gateway.store import outings, sightings
from gateway.store.database import Database
from gateway.store.set_back import set_back
from gateway.store.sightings import Source, StoredWindow

NOW, HOUR_S = 1_800_000_000, 3_600


def kept(seq: int, second: int) -> StoredWindow:
    source = Source("gw-01", "e1", Lane.LIVE, seq)
    return StoredWindow(source, second, 0.0, False, Window(second, ("r-1",), ()))


async def test_windows_of_a_time_to_come_are_moved_and_late_and_others_stay(
    database: Database,
) -> None:
    await database.write(sightings.add_windows, [kept(1, NOW - 1), kept(2, NOW + HOUR_S - 5)])
    await database.write(set_back, since=NOW, by_s=HOUR_S)
    stored = await database.read(sightings.windows_between, 0, 2 * NOW)
    found = [(one.second, one.skew_s, one.late) for one in stored]
    assert found == [(NOW - 5, HOUR_S, True), (NOW - 1, 0.0, False)]


async def test_ways_that_are_yet_to_come_are_forgotten_and_outings_end_now(
    database: Database,
) -> None:
    def point(tag: str, at: float) -> RoutePoint:
        return RoutePoint(at, tag, 140.0, 37.0, 5.0, "", Quality.ROUTE)

    way = [point("t-1", NOW - 10.0), point("t-1", NOW + 300.0), point("t-2", NOW + 3_000.0)]
    await database.write(outings.add, way)
    await database.write(set_back, since=NOW, by_s=HOUR_S)
    left = [
        await database.read(outings.between, tag, since=0.0, until=1e12, limit=9)
        for tag in ("t-1", "t-2")
    ]
    assert [[one.at for one in way] for way in left] == [[NOW - 10.0], []]
    (going_on,) = await database.read(outings.of_tag, "t-1", since=0.0, until=1e12)
    assert (going_on.opened_at, going_on.heard_until) == (NOW - 10.0, NOW)
    assert await database.read(outings.of_tag, "t-2", since=0.0, until=1e12) == []


async def test_a_clock_that_was_ahead_for_longer_than_by_how_much_is_put_right_from_its_beginning(
    database: Database,
) -> None:
    """What it stamped before now stands where nothing was captured yet."""
    ahead = [kept(1, NOW - HOUR_S), kept(2, NOW - 10), kept(3, NOW + HOUR_S - 5)]
    await database.write(sightings.add_windows, [kept(9, NOW - HOUR_S - 1), *ahead])
    await database.write(set_back, since=NOW - HOUR_S, by_s=HOUR_S)
    found = [one.second for one in await database.read(sightings.windows_between, 0, 2 * NOW)]
    assert found == [NOW - 2 * HOUR_S, NOW - HOUR_S - 10, NOW - HOUR_S - 1, NOW - 5]
