"""Once a second the site takes a step: the windows of one second become positions and events.

A second is closed in the database's writer thread; a window that comes after that is late, and
`amender.py` takes it. What a step found is written in one transaction with the cursor, and tried
again for as long as the disk is full: the tracker never runs ahead of the database.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from math import floor
from typing import Protocol

import structlog

from gateway.alerts.happenings import Happening
from gateway.app.registry import Registry
from gateway.app.telling import queue_positions, record_happenings
from gateway.clock import Clock
from gateway.model import Alert, Position, Window, ZoneEvent
from gateway.site import Site
from gateway.store import positions, sightings
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.store.outgoing import Queue
from gateway.tags.news import News
from gateway.tags.pipeline import Pipeline

WARM_UP_S = 60
CLOCK_BACK_S = 60
RETRY_S = 1.0

_log = structlog.get_logger()


class Audience(Protocol):
    """Who is told what was committed."""

    def positions(self, found: Sequence[Position]) -> None:
        """Positions that say something new."""

    def alerts(self, told: Sequence[Alert]) -> None:
        """Alerts, new or changed."""


@dataclass(frozen=True, slots=True)
class _Found:
    second: int
    positions: tuple[Position, ...]
    events: tuple[ZoneEvent, ...]


class Stepper:
    """Steps one site. `is_closed` may be asked in the database's writer thread only."""

    def __init__(
        self,
        *,
        site: Site,
        site_id: str,
        database: Database,
        clock: Clock,
        registry: Registry,
        audience: Audience,
        out: Queue,
        lateness_s: float,
        executor: Executor,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._site_id = site_id
        self._database = database
        self._clock = clock
        self._registry = registry
        self._audience = audience
        self._out = out
        self._lateness_s = lateness_s
        self._executor = executor
        self._pipeline = Pipeline(site, registry.directory)
        self._news = News()
        self._second = 0
        self._closed_before = 0

    def is_closed(self, second: int) -> bool:
        """Whether the site has gone past `second`."""
        return second < self._closed_before

    async def resume(self) -> None:
        """Begin where the database says, the tracker as warm as it was. Before anything is taken.

        The last minute is stepped again and nothing of it is kept.
        """
        stepped_to = await self._database.read(sightings.stepped_to, self._site_id)
        self._second = self._due() if stepped_to is None else stepped_to
        self._closed_before = self._second
        since = self._second - WARM_UP_S
        stored = await self._database.read(sightings.windows_between, since, self._second)
        for second in range(since, self._second):
            await self._step(second, [one.window for one in stored if one.second == second])

    async def run(self) -> None:
        """Step until cancelled; `resume` comes first."""
        while True:
            due = self._due()
            if due < self._second - CLOCK_BACK_S:
                _log.warning("the hub's clock was set back; steps go on under the new time")
                self._second = due
            if self._second >= due:
                await self._sleep_until(self._second + 1 + self._lateness_s)
                continue
            if due - self._second > WARM_UP_S:
                await self._pass_over_silence(due)
            self._pipeline.directory = self._registry.directory
            windows = await self._database.write(self._close, self._second)
            await self._keep(await self._step(self._second, windows))
            self._second += 1

    def _due(self) -> int:
        return floor(self._clock.utc() - self._lateness_s)

    async def _pass_over_silence(self, due: int) -> None:
        """Go to the next second with windows where a minute or more has none (the hub slept)."""
        following = await self._database.read(sightings.next_second, self._second, due)
        target = due if following is None else following
        if target - self._second > WARM_UP_S:
            self._second = target

    def _close(self, connection: Connection, second: int) -> list[Window]:
        if self._closed_before < second:
            sightings.mark_late(connection, self._closed_before, second)
        self._closed_before = second + 1
        stored = sightings.windows_between(connection, second, second + 1)
        return [one.window for one in stored]

    async def _step(self, second: int, windows: Sequence[Window]) -> _Found:
        loop = asyncio.get_running_loop()
        step = await loop.run_in_executor(self._executor, self._pipeline.step, second, windows)
        self.counts["steps"] += 1
        self.counts["fixes"] += len(step.positions)
        worth = tuple(one for one in step.positions if self._news.worth_saying(one))
        return _Found(second, worth, step.events)

    async def _keep(self, found: _Found) -> None:
        failing = False
        while True:
            try:
                told = await self._database.write(self._write, found)
            except StoreError as error:
                if not failing:
                    _log.error("positions wait to be written", reason=str(error))
                failing = True
                self.counts["write_failed"] += 1
                await asyncio.sleep(RETRY_S)
            else:
                break
        self._audience.positions(found.positions)
        self._audience.alerts(told)

    def _write(self, connection: Connection, found: _Found) -> list[Alert]:
        now = self._clock.utc()
        positions.add(connection, found.positions)
        positions.add_events(connection, found.events)
        queue_positions(connection, found.positions, now=now, out=self._out)
        happenings: Sequence[Happening] = found.events
        told = record_happenings(connection, happenings, now=now, out=self._out)
        sightings.set_stepped_to(connection, self._site_id, found.second + 1)
        return told

    async def _sleep_until(self, utc: float) -> None:
        await asyncio.sleep(max(0.0, utc - self._clock.utc()) / self._clock.rate)
