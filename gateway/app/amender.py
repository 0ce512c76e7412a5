"""Late windows amend history: their stretch is tracked again, with all that is now known of it.

Positions of the same tag and time are replaced, others added, in the database and in InfluxDB, and
so are the points of routes in the database, which are tracked a little further for the hindsight;
zone events join the history, but nobody is alerted of what is past (an SOS is, by the intake).
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

import structlog

from gateway.app.registry import Registry
from gateway.app.telling import queue_positions
from gateway.app.tuning import Tuning
from gateway.clock import Clock
from gateway.model import Position, RoutePoint, Window, ZoneEvent
from gateway.site import Site
from gateway.store import outings, positions, sightings
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.store.outgoing import Queue
from gateway.store.sightings import LateStretch
from gateway.tags.news import News
from gateway.tags.pipeline import Step
from gateway.tags.trails import AFTERWARDS, Told, Trails

BEYOND_S = AFTERWARDS.lag_s
QUIET_S = 3.0
LONGEST_WAIT_S = 60.0  # where late windows never cease: a gateway whose clock is a little behind
STRETCH_S = 300
WARM_UP_S = 60
LOOK_EVERY_S = 2.0

_log = structlog.get_logger()


@dataclass(slots=True)
class _Retold:
    """What is worth saying of a stretch, and anew whatever was said of it before."""

    positions: list[Position] = field(default_factory=list)
    events: list[ZoneEvent] = field(default_factory=list)
    points: list[RoutePoint] = field(default_factory=list)


class Amender:
    """Takes late windows stretch by stretch, once no more come, or after a minute.

    `counts`: stretches, positions.
    """

    def __init__(
        self,
        *,
        site: Site,
        database: Database,
        clock: Clock,
        registry: Registry,
        tuning: Tuning,
        out: Queue,
        last_late_at: Callable[[], float],
        executor: Executor,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._site = site
        self._database = database
        self._clock = clock
        self._registry = registry
        self._tuning = tuning
        self._out = out
        self._last_late_at = last_late_at
        self._executor = executor
        self._waiting_since: float | None = None

    async def run(self) -> None:
        """Amend until cancelled."""
        while True:
            try:
                amended = await self.amend()
            except StoreError as error:
                _log.error("late windows wait to be amended", reason=str(error))
                amended = False
            if not amended:
                await asyncio.sleep(LOOK_EVERY_S / self._clock.rate)

    async def amend(self) -> bool:
        """Amend one stretch; false where none is ready. Raises StoreError: nothing is amended."""
        stretch = await self._database.read(sightings.late_stretch, longest_s=STRETCH_S)
        if stretch is None:
            self._waiting_since = None
        if stretch is None or not self._is_ready():
            return False
        retold = await self._track(stretch)
        await self._database.write(self._write, stretch, retold)
        self._waiting_since = None
        self.counts["stretches"] += 1
        self.counts["positions"] += len(retold.positions)
        _log.info("late windows amended history", seconds=stretch.until - stretch.since)
        return True

    def _is_ready(self) -> bool:
        now = self._clock.monotonic()
        if self._waiting_since is None:
            self._waiting_since = now
        quiet = now - self._last_late_at() >= QUIET_S
        return quiet or now - self._waiting_since >= LONGEST_WAIT_S

    async def _track(self, stretch: LateStretch) -> _Retold:
        since, beyond = stretch.since - WARM_UP_S, stretch.until + BEYOND_S
        windows: dict[int, list[Window]] = {}
        for one in await self._database.read(sightings.windows_between, since, beyond):
            windows.setdefault(one.second, []).append(one.window)
        said = await self._database.read(
            positions.written, since=stretch.since, until=stretch.until
        )
        loop, news = asyncio.get_running_loop(), News()
        pipeline = await loop.run_in_executor(
            self._executor, self._tuning.pipeline, self._registry.directory
        )
        trails, retold = Trails(self._site), _Retold()

        def track(second: int) -> tuple[Step, Told]:
            step = pipeline.step(second, windows.get(second, []))
            return step, trails.update(step.estimates)

        for second in range(since, beyond):
            # One by one: the steps of the present go between, in the same thread.
            step, told = await loop.run_in_executor(self._executor, track, second)
            retold.points += told.route
            if stretch.since <= second < stretch.until:
                retold.positions += [
                    told
                    for told in step.positions
                    if news.worth_saying(told) or (told.tag, told.at) in said
                ]
                retold.events += step.events
            retold.events = [one for one in retold.events if one not in step.retracted]
        retold.points += (await loop.run_in_executor(self._executor, trails.end)).route
        return retold

    def _write(self, connection: Connection, stretch: LateStretch, retold: _Retold) -> None:
        now = self._clock.utc()
        positions.add(connection, retold.positions, late=True)
        positions.add_events(connection, retold.events)
        amended = [one for one in retold.points if stretch.since < one.at <= stretch.until]
        outings.add(connection, amended, late=True)
        queue_positions(connection, retold.positions, now=now, out=self._out)
        sightings.set_amended(connection, stretch)
