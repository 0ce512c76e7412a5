"""Windows, gaps, marks and the cursor."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.model import Gap, Lane, Reading, Window
from gateway.store import sightings
from gateway.store.database import Connection, Database
from gateway.store.sightings import Source, StoredGap, StoredWindow


def window(second: int, *, seq: int, gateway: str = "gw-07") -> StoredWindow:
    heard = Window(
        second=second + 3,
        alive=("r-1", "r-2"),
        readings=(Reading("r-1", "uid:aa:01", -71.5, -68, 4),),
        synced=False,
    )
    return StoredWindow(Source(gateway, "e1", Lane.LIVE, seq), second, 3.25, False, heard)


async def test_a_window_comes_back_as_it_went_in(database: Database) -> None:
    stored = window(1_000, seq=1)
    await database.write(sightings.add_windows, [stored])
    assert await database.read(sightings.windows_between, 1_000, 1_001) == [stored]


async def test_windows_come_by_second_however_they_arrived(database: Database) -> None:
    await database.write(sightings.add_windows, [window(1_002, seq=1), window(1_000, seq=2)])
    await database.write(
        sightings.add_windows, [window(1_001, seq=1, gateway="gw-08"), window(1_003, seq=3)]
    )
    found = await database.read(sightings.windows_between, 1_000, 1_003)
    assert [one.second for one in found] == [1_000, 1_001, 1_002]


async def test_a_row_of_an_outbox_is_kept_once(database: Database) -> None:
    await database.write(sightings.add_windows, [window(1_000, seq=1)])
    with pytest.raises(IntegrityError):
        await database.write(sightings.add_windows, [window(1_001, seq=1)])
    other_epoch = window(1_001, seq=1)
    other_epoch = replace(other_epoch, source=other_epoch.source._replace(epoch="e2"))
    await database.write(sightings.add_windows, [other_epoch])
    assert len(await database.read(sightings.windows_between, 0, 2_000)) == 2


async def test_a_full_second_of_a_pole_is_small_on_disk(database: Database) -> None:
    readings = tuple(
        Reading(f"r-{n % 4}", f"ibeacon:0011:{n}", -70.0 - n % 20, -60 - n % 20, 10)
        for n in range(1_200)
    )
    full = replace(window(1_000, seq=1), window=Window(1_000, ("r-0",), readings))
    await database.write(sightings.add_windows, [full])

    def size(connection: Connection) -> int:
        return int(connection.exec_driver_sql("SELECT length(body) FROM windows").scalar_one())

    assert await database.read(size) < 15_000


async def test_gaps_are_found_where_they_touch_the_time_asked_for(database: Database) -> None:
    early = Gap(100.0, 200.0, "restart")
    dropped = Gap(150.0, 400.0, "outbox_full", from_seq=4, to_seq=9)
    await database.write(sightings.add_gap, "gw-07", dropped)
    await database.write(sightings.add_gap, "gw-08", early)
    found = await database.read(sightings.gaps_between, 120.0, 160.0)
    assert found == [StoredGap("gw-08", early), StoredGap("gw-07", dropped)]
    assert await database.read(sightings.gaps_between, 201.0, 300.0) == [
        StoredGap("gw-07", dropped)
    ]
    assert await database.read(sightings.gaps_between, 401.0, 500.0) == []


async def test_a_mark_is_of_one_sender_epoch_and_lane(database: Database) -> None:
    assert await database.read(sightings.marks) == {}
    source = Source("gw-07", "e1", Lane.LIVE, 5)
    for moved in (source, source._replace(seq=6), source._replace(lane=Lane.URGENT, seq=1)):
        await database.write(sightings.set_marks, [moved])
    await database.write(sightings.set_marks, [source._replace(epoch="e2", seq=2)])
    assert await database.read(sightings.marks) == {
        ("gw-07", "e1", Lane.LIVE): 6,
        ("gw-07", "e1", Lane.URGENT): 1,
        ("gw-07", "e2", Lane.LIVE): 2,
    }


def late(second: int, *, seq: int) -> StoredWindow:
    return replace(window(second, seq=seq), late=True)


async def test_the_next_second_with_a_window_is_known(database: Database) -> None:
    assert await database.read(sightings.next_second, 0, 2_000) is None
    await database.write(sightings.add_windows, [window(1_000, seq=1), window(1_005, seq=2)])
    assert await database.read(sightings.next_second, 0, 2_000) == 1_000
    assert await database.read(sightings.next_second, 1_001, 2_000) == 1_005
    assert await database.read(sightings.next_second, 1_001, 1_005) is None


async def test_seconds_that_were_passed_over_are_late(database: Database) -> None:
    rows = [window(1_000, seq=1), window(1_005, seq=2), window(1_009, seq=3)]
    await database.write(sightings.add_windows, rows)
    await database.write(sightings.mark_late, 1_001, 1_009)
    found = await database.read(sightings.windows_between, 0, 2_000)
    assert [one.late for one in found] == [False, True, False]


async def test_late_windows_wait_in_stretches_until_they_amended_history(
    database: Database,
) -> None:
    assert await database.read(sightings.late_stretch, longest_s=300) is None
    rows = [late(1_000, seq=1), late(1_299, seq=2), late(1_300, seq=3), window(900, seq=4)]
    await database.write(sightings.add_windows, rows)
    stretch = await database.read(sightings.late_stretch, longest_s=300)
    assert stretch is not None
    assert (stretch.since, stretch.until) == (1_000, 1_300)
    await database.write(sightings.set_amended, stretch)
    rest = await database.read(sightings.late_stretch, longest_s=300)
    assert rest is not None
    assert (rest.since, rest.until) == (1_300, 1_301)
    await database.write(sightings.set_amended, rest)
    assert await database.read(sightings.late_stretch, longest_s=300) is None


async def test_a_late_window_that_came_while_its_stretch_was_amended_still_waits(
    database: Database,
) -> None:
    await database.write(sightings.add_windows, [late(1_000, seq=1), late(1_010, seq=2)])
    stretch = await database.read(sightings.late_stretch, longest_s=300)
    assert stretch is not None
    await database.write(sightings.add_windows, [late(1_005, seq=3)])
    await database.write(sightings.set_amended, stretch)
    rest = await database.read(sightings.late_stretch, longest_s=300)
    assert rest is not None
    assert (rest.since, rest.until) == (1_005, 1_006)


async def test_the_cursor_of_each_site_moves(database: Database) -> None:
    assert await database.read(sightings.stepped_to, "iwaki") is None
    await database.write(sightings.set_stepped_to, "iwaki", 1_000)
    await database.write(sightings.set_stepped_to, "iwaki", 1_001)
    await database.write(sightings.set_stepped_to, "taira", 5)
    assert await database.read(sightings.stepped_to, "iwaki") == 1_001
