"""Late windows amend history: their stretch is tracked again, with all that is now known of it.

Positions of the same tag and time are replaced, others added, in the database and in InfluxDB;
zone events join the history, but nobody is alerted of what is past (an SOS is, by the intake).
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor

import structlog

from gateway.app.registry import Registry
from gateway.app.telling import queue_positions
from gateway.clock import Clock
from gateway.model import Position, ZoneEvent
from gateway.site import Site
from gateway.store import positions, sightings
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.store.outgoing import Queue
from gateway.store.sightings import LateStretch, StoredWindow
from gateway.tags.news import News
from gateway.tags.pipeline import Pipeline

QUIET_S = 3.0
STRETCH_S = 300
WARM_UP_S = 60
LOOK_EVERY_S = 2.0

_log = structlog.get_logger()


class Amender:
    """Takes late windows stretch by stretch, once no more come or a stretch is full."""

    def __init__(
        self,
        *,
        site: Site,
        database: Database,
        clock: Clock,
        registry: Registry,
        out: Queue,
        last_late_at: Callable[[], float],
        executor: Executor,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._site = site
        self._database = database
        self._clock = clock
        self._registry = registry
        self._out = out
        self._last_late_at = last_late_at
        self._executor = executor

    async def run(self) -> None:
        """Amend until cancelled."""
        while True:
            stretch = await self._database.read(sightings.late_stretch, longest_s=STRETCH_S)
            if stretch is None or not self._is_ready(stretch):
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            try:
                await self._amend(stretch)
            except StoreError as error:
                _log.error("late windows wait to be amended", reason=str(error))
                await asyncio.sleep(LOOK_EVERY_S)

    def _is_ready(self, stretch: LateStretch) -> bool:
        quiet = self._clock.monotonic() - self._last_late_at() >= QUIET_S
        return quiet or stretch.until - stretch.since >= STRETCH_S

    async def _amend(self, stretch: LateStretch) -> None:
        stored = await self._database.read(
            sightings.windows_between, stretch.since - WARM_UP_S, stretch.until
        )
        loop = asyncio.get_running_loop()
        found, events = await loop.run_in_executor(self._executor, self._track, stretch, stored)
        await self._database.write(self._write, stretch, found, events)
        self.counts["stretches"] += 1
        self.counts["positions"] += len(found)
        _log.info("late windows amended history", seconds=stretch.until - stretch.since)

    def _track(
        self, stretch: LateStretch, stored: list[StoredWindow]
    ) -> tuple[list[Position], list[ZoneEvent]]:
        pipeline = Pipeline(self._site, self._registry.directory)
        news = News()
        found: list[Position] = []
        events: list[ZoneEvent] = []
        by_second: dict[int, list[StoredWindow]] = {}
        for one in stored:
            by_second.setdefault(one.second, []).append(one)
        for second in range(stretch.since - WARM_UP_S, stretch.until):
            step = pipeline.step(second, [one.window for one in by_second.get(second, [])])
            if second >= stretch.since:
                found += [one for one in step.positions if news.worth_saying(one)]
                events += step.events
        return found, events

    def _write(
        self,
        connection: Connection,
        stretch: LateStretch,
        found: list[Position],
        events: list[ZoneEvent],
    ) -> None:
        now = self._clock.utc()
        positions.add(connection, found, late=True)
        positions.add_events(connection, events)
        queue_positions(connection, found, now=now, out=self._out)
        sightings.set_amended(connection, stretch)
