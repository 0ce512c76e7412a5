"""Once a second the site takes a step: the windows of one second become positions and events.

A second is closed in the database's writer thread; a window that comes after that is late, and
`amender.py` takes it. What a step found is written in one transaction with the cursor, and tried
again for as long as the disk is full: the tracker never runs ahead of the database. Seconds too old
for news are left to the amender, so nobody is alerted of what was long ago.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from math import floor
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import structlog

from gateway.alerts.happenings import CrossingRetracted, Happening, TagSuspected
from gateway.app import routes
from gateway.app.registry import Registry
from gateway.app.routes import Routes
from gateway.app.telling import queue_positions, record_happenings
from gateway.app.tuning import Tuning
from gateway.clock import Clock
from gateway.model import Alert, Position, Suspicion, Window, ZoneEvent
from gateway.site import Site
from gateway.store import positions, sightings, suspicions
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.store.outgoing import Queue
from gateway.store.set_back import set_back
from gateway.tags.news import News
from gateway.tags.pipeline import Pipeline, Step
from gateway.tags.suspicion import Watch
from gateway.tags.trails import HELD_S, Told

WARM_UP_S = 60
REPLAY_S = WARM_UP_S + HELD_S
CATCH_UP_S = 180
CLOCK_BACK_S = 60
SET_TWICE_S = 5.0  # between how much a clock was set ahead, and back
PUT_RIGHT_S = 80_000  # windows are kept for a day: of what is older nothing can be made again
REJOIN_S = 5.0  # the edges send what they kept as soon as they see the hub; it must not be late
RETRY_S = 1.0
MOST_STRANGERS = 100  # told of; the others are counted
LONGEST_SLEEP_S = 1.0  # a set clock must be seen

P = ParamSpec("P")
T = TypeVar("T")

_log = structlog.get_logger()


class Audience(Protocol):
    """Who is told what was committed."""

    def positions(self, found: Sequence[Position]) -> None:
        """Positions that say something new."""

    def alerts(self, told: Sequence[Alert]) -> None:
        """Alerts, new or changed."""

    def suspicions(self, found: Sequence[Suspicion]) -> None:
        """Hearings that are doubted."""


@dataclass(frozen=True, slots=True)
class _Found:
    second: int
    positions: tuple[Position, ...]
    events: tuple[ZoneEvent, ...]
    retracted: tuple[ZoneEvent, ...]
    told: Told
    suspicions: tuple[Suspicion, ...]


class Stepper:
    """Steps one site. `is_closed` may be asked in the database's writer thread only.

    `beat` is called for as long as the steps go on. `counts`: steps, fixes, passed_over,
    write_failed, unknown_receivers.
    """

    def __init__(
        self,
        *,
        site: Site,
        site_id: str,
        database: Database,
        clock: Clock,
        registry: Registry,
        tuning: Tuning,
        audience: Audience,
        routes: Routes,
        out: Queue,
        lateness_s: float,
        executor: Executor,
        beat: Callable[[], None],
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._site_id = site_id
        self._database = database
        self._clock = clock
        self._registry = registry
        self._tuning = tuning
        self._audience = audience
        self._routes = routes
        self._out = out
        self._lateness_s = lateness_s
        self._executor = executor
        self._beat = beat
        self._pipeline: Pipeline  # `resume` begins it
        self._stepping = asyncio.Lock()
        self._news = News()
        self._site = site
        self._watch = Watch(site.receivers)
        self._site_receivers = frozenset(receiver.id for receiver in site.receivers)
        self._strangers: set[str] = set()
        self._failing = False
        self._replayed: list[Told] = []
        self._second = 0
        self._went_by_s = clock.setting.offset_s
        self._ahead: tuple[int, float] | None = None  # since when, and by how much
        self._replayed_since = 0
        self._closed_before = 0  # of the writer thread
        self._marked_before = 0

    def is_closed(self, second: int) -> bool:
        """Whether the site has gone past `second`."""
        return second < self._closed_before

    async def resume(self) -> None:
        """Begin where the database says, the tracker as warm as it was. Before anything is taken.

        The last two minutes are stepped again, and nothing of it is kept but the ways of the last
        one, which were not final: they are written with the first step. Raises StoreError.
        """
        stepped_to = await self._database.read(sightings.stepped_to, self._site_id)
        if stepped_to is None:  # written at once: what comes before the first step must be found
            stepped_to = self._due()
            await self._database.write(sightings.set_stepped_to, self._site_id, stepped_to)
        self._second = self._closed_before = self._marked_before = stepped_to
        self._pipeline = await self._new_pipeline()
        since = self._second - REPLAY_S
        stored = await self._database.read(sightings.windows_between, since, self._second)
        for second in range(since, self._second):
            found = await self._step(second, [one.window for one in stored if one.second == second])
            self._routes.note(found.told)
            self._replayed.append(found.told)
        self._replayed_since = self._second - HELD_S

    async def run(self) -> None:
        """Step until cancelled, but not before the time is known; `resume` comes first."""
        while not self._clock.synced():
            self._beat()
            await asyncio.sleep(LONGEST_SLEEP_S / self._clock.rate)
        if self._second < self._due():
            await asyncio.sleep(REJOIN_S / self._clock.rate)
        while True:
            self._beat()
            await self.catch_up()
            wait_s = max(0.0, self._second + 1 + self._lateness_s - self._clock.utc())
            await asyncio.sleep(min(LONGEST_SLEEP_S, wait_s / self._clock.rate))

    async def catch_up(self) -> None:
        """Take every step that is due."""
        while self._second < (due := self._due()):
            async with self._stepping:
                await self._pass_over(due)
                if self._second == due:
                    break
                windows = await self._insist(self._close, self._second)
                self._marked_before = self._second + 1
                found = await self._step(self._second, windows)
                told = await self._insist(self._write, found)
                self._replayed.clear()
                self._routes.note(found.told)
                self._audience.suspicions(found.suspicions)
                self._audience.positions(found.positions)
                self._audience.alerts(told)
                self._second += 1
        if due < self._second - CLOCK_BACK_S:
            await self._go_back(due)
        if self._clock.setting.offset_s != self._went_by_s:
            by_s = self._clock.setting.offset_s - self._went_by_s
            self._went_by_s = self._clock.setting.offset_s
            self._ahead = (due, by_s) if by_s > CLOCK_BACK_S else None

    async def _go_back(self, due: int) -> None:
        """Go on under the new time, as after a restart.

        A step back may be the wrong one of two. Only where a time server vouches for the new time,
        and we saw the old one be set ahead by as much, is what it wrote since then put right.
        """
        ahead_s = round(self._went_by_s - self._clock.setting.offset_s)
        _log.warning("the hub's clock was set back; steps go on under the new time", by_s=ahead_s)
        async with self._stepping:
            since, by_s = self._ahead or (due, 0.0)
            if self._clock.vouched() and abs(by_s - ahead_s) <= SET_TWICE_S < by_s:
                since = max(since, due - PUT_RIGHT_S)
                await self._insist(set_back, since=since, by_s=ahead_s)
            await self._insist(sightings.set_stepped_to, self._site_id, due)
            self._news, self._watch = News(), Watch(self._site.receivers)
            self._routes.begin_anew()
            self._replayed.clear()
            await self.resume()

    async def retune(self) -> None:
        """Go on by the calibration in force: with a new tracker, as warm as the one before it.

        Beside the steps it goes through the last minute, second by second; what it finds there was
        told by the other, and is not told again. Raises StoreError: then nothing has changed.
        """
        pipeline = await self._new_pipeline()
        warm_to = await self._warm_up(pipeline, self._second - WARM_UP_S)
        async with self._stepping:
            await self._warm_up(pipeline, warm_to)
            self._pipeline = pipeline

    async def _new_pipeline(self) -> Pipeline:
        return await asyncio.to_thread(self._tuning.pipeline, self._registry.directory)

    async def _warm_up(self, pipeline: Pipeline, since: int) -> int:
        """Step `pipeline` from `since`, but a minute at most, to where the site is now."""
        until = self._second
        windows = await self._database.read(sightings.windows_between, since, until)
        for second in range(max(since, until - WARM_UP_S), until):
            heard = [one.window for one in windows if one.second == second]
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._executor, pipeline.step, second, heard)
        return until

    def _due(self) -> int:
        return floor(self._clock.utc() - self._lateness_s)

    async def _pass_over(self, due: int) -> None:
        """Leave out what is too old for news, and a minute or more without windows (a pause)."""
        since = self._second
        self._second = max(since, due - CATCH_UP_S)
        if due - self._second > WARM_UP_S:
            following = await self._insist(sightings.next_second, self._second, due)
            target = due if following is None else following
            if target - self._second > WARM_UP_S:
                self._second = target
        self.counts["passed_over"] += self._second - since

    def _close(self, connection: Connection, second: int) -> list[Window]:
        if self._marked_before < second:
            sightings.mark_late(connection, self._marked_before, second)
        self._closed_before = second + 1
        stored = sightings.windows_between(connection, second, second + 1)
        return [one.window for one in stored]

    async def _insist(
        self, call: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`call(connection, …)` in a transaction, again and again while the database fails.

        Each is begun anew, and also one that only reads can fail: writes share their commits.
        """
        while True:
            self._beat()
            try:
                result = await self._database.write(call, *args, **kwargs)
            except StoreError as error:
                if not self._failing:
                    _log.error("steps wait for the database", reason=str(error))
                self._failing = True
                self.counts["write_failed"] += 1
                await asyncio.sleep(RETRY_S / self._clock.rate)
            else:
                if self._failing:
                    _log.info("steps go on")
                self._failing = False
                return result

    async def _step(self, second: int, windows: Sequence[Window]) -> _Found:
        self._pipeline.directory = self._registry.directory
        self._tell_strangers(windows)
        loop = asyncio.get_running_loop()
        step, told, doubts = await loop.run_in_executor(
            self._executor, self._track, second, windows
        )
        self.counts["steps"] += 1
        self.counts["fixes"] += len(step.positions)
        worth = tuple(one for one in step.positions if self._news.worth_saying(one))
        return _Found(second, worth, step.events, step.retracted, told, doubts)

    def _track(
        self, second: int, windows: Sequence[Window]
    ) -> tuple[Step, Told, tuple[Suspicion, ...]]:
        step = self._pipeline.step(second, windows)
        doubts = self._watch.step(second, windows, self._pipeline.directory.find)
        return step, self._routes.follow(step), doubts

    def _tell_strangers(self, windows: Sequence[Window]) -> None:
        """Say once of each receiver that is not on the site; what it heard is kept, not used."""
        heard = {reading.receiver for window in windows for reading in window.readings}
        strangers = heard - self._site_receivers
        self.counts["unknown_receivers"] += len(strangers)
        for receiver in sorted(strangers - self._strangers)[
            : MOST_STRANGERS - len(self._strangers)
        ]:
            self._strangers.add(receiver)
            _log.warning("a receiver is not on the site; add it to the GeoJSON", receiver=receiver)

    def _write(self, connection: Connection, found: _Found) -> list[Alert]:
        now = self._clock.utc()
        positions.add(connection, found.positions)
        positions.add_events(connection, found.events)
        positions.remove_events(connection, found.retracted)
        for replayed in self._replayed:
            routes.write(connection, replayed, since=self._replayed_since)
        routes.write(connection, found.told)
        queue_positions(connection, found.positions, now=now, out=self._out)
        retracted = [CrossingRetracted(event) for event in found.retracted]
        doubted = [TagSuspected(one) for one in found.suspicions if suspicions.add(connection, one)]
        happenings: Sequence[Happening] = (*found.events, *retracted, *doubted)
        told = record_happenings(connection, happenings, now=now, out=self._out)
        sightings.set_stepped_to(connection, self._site_id, found.second + 1)
        return told
