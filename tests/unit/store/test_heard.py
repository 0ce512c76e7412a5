"""When a gateway was heard, and when it was not."""

import pytest
from sqlalchemy import text

from gateway.model import Gap, Lane, Window
from gateway.store import heard, sightings
from gateway.store.database import Connection, Database
from gateway.store.heard import KEPT_S
from gateway.store.sightings import Source, StoredWindow

NOW = 1_800_000_000.0


def window(second: int, seq: int, *, epoch: str = "e1", gateway: str = "gw-01") -> StoredWindow:
    source = Source(gateway, epoch, Lane.LIVE, seq)
    return StoredWindow(source, second, 0.0, False, Window(second, ("r-1",), ()))


async def keep(database: Database, *seconds: int, epoch: str = "e1") -> None:
    kept = [window(second, seq, epoch=epoch) for seq, second in enumerate(seconds, 1)]
    await database.write(sightings.add_windows, kept)


async def test_around_a_run_are_the_last_before_it_and_its_first(database: Database) -> None:
    await keep(database, 100, 101, epoch="e1")
    await keep(database, 500, 501, epoch="e2")
    assert await database.read(heard.around, "gw-01", "e2") == (102.0, 500.0)
    assert await database.read(heard.around, "gw-01", "e3") == (502.0, None)
    assert await database.read(heard.around, "gw-02", "e1") == (None, None)


async def test_behind_a_row_is_what_its_lane_had_before_it(database: Database) -> None:
    await keep(database, 100, 101)
    await keep(database, 300, epoch="e2")
    row = Source("gw-01", "e1", Lane.LIVE, 3)
    assert await database.read(heard.behind, row) == (102.0, 300.0)
    assert await database.read(heard.behind, row._replace(epoch="e2")) == (301.0, None)
    assert await database.read(heard.behind, row._replace(lane=Lane.URGENT)) == (None, None)


async def test_holes_are_what_was_neither_heard_nor_told_as_a_gap(database: Database) -> None:
    await keep(database, 100, 101, 110, 111, 130)
    await database.write(sightings.add_gap, "gw-01", Gap(104.0, 108.0, "x"))
    await database.write(sightings.add_gap, "gw-01", Gap(0.0, 100.0, "x"))
    await database.write(sightings.add_gap, "gw-02", Gap(0.0, 1e9, "x"))
    holes = await database.read(heard.holes, "gw-01", until=140.0)
    assert holes == [(102.0, 104.0), (108.0, 110.0), (112.0, 130.0), (131.0, 140.0)]
    assert await database.read(heard.holes, "gw-01", until=115.0) == [*holes[:2], (112.0, 115.0)]


async def test_a_gateway_of_which_no_window_is_kept_any_more_was_not_heard_since_its_last_gap(
    database: Database,
) -> None:
    await database.write(sightings.add_gap, "gw-01", Gap(NOW - 500.0, NOW - 400.0, "x"))
    assert await database.read(heard.holes, "gw-01", until=NOW) == [(NOW - 400.0, NOW)]
    assert await database.read(heard.holes, "gw-02", until=NOW) == [(NOW - KEPT_S, NOW)]


async def test_what_came_before_its_first_window_was_not_heard_if_that_is_young(
    database: Database,
) -> None:
    """Otherwise it was deleted, and where it never told a gap, it was not there before."""
    told, first = NOW - 30 * KEPT_S, NOW - KEPT_S / 2
    await keep(database, int(first), int(NOW) - 1)
    between = (first + 1, NOW - 1)
    assert await database.read(heard.holes, "gw-01", until=NOW) == [between]
    await database.write(sightings.add_gap, "gw-01", Gap(told - 9, told, "x"))
    assert await database.read(heard.holes, "gw-01", until=NOW) == [(NOW - KEPT_S, first), between]
    short = await database.read(heard.holes, "gw-01", until=NOW, kept_s=KEPT_S / 2)
    assert short == [between]


async def test_a_gateway_whose_network_flaps_costs_no_more_than_its_gaps_are_many(
    database: Database,
) -> None:
    """Each hole against each gap would be ten million comparisons, while an SOS waits."""
    start = int(NOW) - 80_000
    await keep(database, *range(start, int(NOW), 80))
    flaps = [Gap(start + 8.0 * n, start + 8.0 * n + 4.0, "broker_lost") for n in range(10_000)]

    def tell(connection: Connection) -> None:
        for gap in flaps:
            sightings.add_gap(connection, "gw-01", gap)

    await database.write(tell)
    holes = await database.read(heard.holes, "gw-01", until=NOW)
    assert len(holes) == 10_000
    assert sum(end - since for since, end in holes) == pytest.approx(40_000)


def test_what_is_taken_may_overlap_and_reach_beyond() -> None:
    whole = [(0.0, 10.0), (20.0, 30.0), (40.0, 50.0)]
    taken = [(-5.0, 2.0), (1.0, 3.0), (5.0, 6.0), (5.5, 22.0), (25.0, 26.0), (29.0, 60.0)]
    assert heard._less(whole, taken) == [(3.0, 5.0), (22.0, 25.0), (26.0, 29.0)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT max(second) FROM windows WHERE gateway = 'g' AND second < 9",
        "SELECT min(second) FROM windows WHERE gateway = 'g' AND second > 9",
        "SELECT lag(second) OVER (ORDER BY second) FROM windows WHERE gateway = 'g'",
    ],
)
async def test_no_body_is_read_for_it(database: Database, sql: str) -> None:
    plan = await database.read(lambda one: one.execute(text(f"EXPLAIN QUERY PLAN {sql}")).all())
    assert any("COVERING INDEX windows_by_gateway" in str(step) for step in plan)
