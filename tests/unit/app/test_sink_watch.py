"""Whether the sink keeps up, as alerts of staff: raised once, over by itself."""

from functools import partial

import pytest

from gateway.alerts.happenings import SinkLag
from gateway.alerts.rules.sink_behind import BEHIND_S
from gateway.app.sink_watch import SinkWatch
from gateway.app.telling import record_happenings
from gateway.model import Alert, AlertKind, AlertState, Lane
from gateway.store import alerts, outgoing
from gateway.store.database import Database
from tests.unit.app.town import NOW, OUT, HandClock


class Bench:
    """A watch over a hub's rows."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = HandClock()
        self.lags_s: list[float] = []
        self.watch = SinkWatch(database, self.clock, self._record, out=OUT)

    async def _record(self, lag: SinkLag) -> None:
        self.lags_s.append(lag.oldest_s)
        await self.database.write(record_happenings, (lag,), now=self.clock.now, out=OUT)

    async def queue(self, lane: Lane = Lane.LIVE) -> None:
        """A row for the sink, now."""
        add = partial(outgoing.append, lane=lane, kind="positions", items=b"[]")
        await self.database.write(add, OUT, at=self.clock.now)

    async def taken(self, mark: int = 1_000) -> None:
        """The sink receipted all rows, or those up to `mark`."""
        for lane in Lane:
            await self.database.write(outgoing.delete_through, OUT, lane=lane, mark=mark)

    async def look(self, *, after_s: float) -> list[Alert]:
        """Those that stand at the next look."""
        self.clock.now += after_s
        await self.watch.look()
        return await self.database.read(alerts.unended)


@pytest.fixture
def bench(database: Database) -> Bench:
    """A hub with nothing to send."""
    return Bench(database)


async def test_rows_that_wait_long_are_told_once_with_the_time_since_when(bench: Bench) -> None:
    await bench.queue()
    assert await bench.look(after_s=BEHIND_S - 1.0) == []
    assert await bench.look(after_s=1.0) == []
    (alert,) = await bench.look(after_s=30.0)
    assert (alert.kind, alert.state) == (AlertKind.SINK_BEHIND, AlertState.RAISED)
    assert alert.at == pytest.approx(NOW + 30.0)  # by the look before
    assert await bench.look(after_s=30.0) == [alert]


async def test_it_is_over_when_the_sink_has_caught_up(bench: Bench) -> None:
    await bench.queue()
    await bench.look(after_s=BEHIND_S)
    (alert,) = await bench.look(after_s=30.0)
    await bench.taken()
    assert await bench.look(after_s=30.0) == []
    stored = await bench.database.read(alerts.get, alert.id)
    assert stored is not None
    assert stored.alert.state is AlertState.RESOLVED


async def test_the_oldest_of_all_lanes_counts(bench: Bench) -> None:
    await bench.queue(Lane.BACKLOG)
    bench.clock.now += 100.0
    await bench.queue(Lane.URGENT)
    await bench.look(after_s=10.0)
    await bench.look(after_s=0.0)
    assert bench.lags_s == [0.0, 110.0]


async def test_a_clock_that_is_set_right_by_years_is_no_lag(bench: Bench) -> None:
    await bench.queue()
    bench.clock.now += 1e9
    await bench.look(after_s=0.0)
    await bench.taken()
    assert await bench.look(after_s=30.0) == []
    assert bench.lags_s == [0.0, 0.0]


async def test_a_hub_that_was_off_and_whose_sink_now_takes_what_is_old_is_not_behind(
    bench: Bench,
) -> None:
    for _ in range(5):
        await bench.queue()
    bench.clock.now += 3_600.0
    for mark in range(1, 6):
        assert await bench.look(after_s=30.0) == []
        await bench.taken(mark)
    assert await bench.look(after_s=30.0) == []


async def test_a_hub_that_was_off_and_whose_sink_takes_nothing_is_behind_at_once(
    bench: Bench,
) -> None:
    await bench.queue()
    bench.clock.now += 3_600.0
    await bench.look(after_s=30.0)
    (alert,) = await bench.look(after_s=30.0)
    assert alert.kind is AlertKind.SINK_BEHIND


async def test_a_sink_that_takes_rows_but_too_slowly_is_behind_in_the_end(bench: Bench) -> None:
    for _ in range(100):
        await bench.queue()
    bench.clock.now += 3_600.0
    for mark in range(1, 21):
        assert await bench.look(after_s=30.0) == []
        await bench.taken(mark)
    assert len(await bench.look(after_s=30.0)) == 1
