"""The life of one adapter: scan, watch what is heard, begin anew by steps; never give up."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from gateway.model import AdapterStatus, Advert, Condition, ReceiverEvent
from gateway.tags.scan_adverts import Adverts, Begin
from gateway.tags.scan_bleak import BOTH
from gateway.tags.scan_loss import Losses
from gateway.tags.scan_problems import (
    SCAN_ERRORS,
    Problem,
    explain,
    hears_nothing,
    loses_adverts,
)
from gateway.tags.scan_watch import Patience, Rate, Retries, Silence, Step

log = structlog.get_logger()


class Scan(Protocol):
    """A scan that runs."""

    @property
    def mode(self) -> str:
        """`both` or `active`."""
        ...

    async def stop(self) -> None:
        """Raises one of SCAN_ERRORS where it was dead already."""
        ...


class Radio(Protocol):
    """Where scans come from; everything raises one of SCAN_ERRORS where it fails."""

    @property
    def connected(self) -> bool:
        """Whether the bus is there; without it every scan is dead."""
        ...

    async def open(self, adapter: str, begin: Begin) -> Scan:
        """Start a scan."""
        ...

    async def power_cycle(self, adapter: str) -> None:
        """Switch the adapter off and on."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """What all adapters share. `pause` waits for the event, no longer than the seconds."""

    radio: Radio
    on_advert: Callable[[Advert], None]
    on_event: Callable[[ReceiverEvent], None]
    utc: Callable[[], float]
    monotonic: Callable[[], float]
    pause: Callable[[asyncio.Event, float], Awaitable[None]]
    patience: Patience
    tag_interval_s: float
    power_cycle: bool
    counts: Counter[str]


class AdapterScan:
    """One adapter, one receiver. `run` until cancelled."""

    def __init__(self, adapter: str, receiver: str, world: World) -> None:
        self._adapter = adapter
        self.receiver = receiver
        self._world = world
        self._silence = Silence(world.patience)
        self._retries = Retries(world.patience)
        self._losses = Losses(tag_interval_s=world.tag_interval_s)
        self._rate = Rate()
        self._gone = asyncio.Event()
        self._back = asyncio.Event()
        self._scan: Scan | None = None
        self._state = "starting"
        self._problem: Problem | None = None
        self._told = ""
        self._conditions: set[Condition] = set()
        self._starts = 0
        self._blind = False
        self._down_since = self._born = world.monotonic()

    @property
    def running(self) -> bool:
        """Whether its silence says anything: it scans, has heard, and is not silent for longer
        than usual. One that never heard anybody may be deaf."""
        has_heard = self._silence.heard_at is not None
        return self._scan is not None and has_heard and not self._silence.overdue

    def status(self) -> AdapterStatus:
        """How it is now."""
        heard_at = self._silence.heard_at
        problem = self._problem_now()
        return AdapterStatus(
            receiver=self.receiver,
            state=self._state,
            mode="" if self._scan is None else self._scan.mode,
            adverts_per_s=round(self._rate.per_s, 2),
            last_advert_s=None if heard_at is None else self._world.monotonic() - heard_at,
            restarts=max(self._starts - 1, 0),
            problem="" if problem is None else problem.what,
            remedy="" if problem is None else problem.remedy,
        )

    def changed(self, *, here: bool) -> None:
        """BlueZ says that the adapter came or went."""
        (self._back if here else self._gone).set()

    async def run(self) -> None:
        """Scan for ever."""
        step = Step.NEW_SCAN
        while True:
            if step is not Step.NEW_SCAN:
                await self._power_cycle()
            self._gone.clear()
            self._back.clear()
            step = await self._attempt()

    async def _attempt(self) -> Step:
        adverts = Adverts(self.receiver, self._hear, utc=self._world.utc, counts=self._world.counts)
        try:
            scan = await self._world.radio.open(self._adapter, adverts.begin)
        except SCAN_ERRORS as error:
            return await self._wait(explain(error, self._adapter))
        self._scanning(scan)
        try:
            return await self._listen(adverts)
        finally:
            self._scan = None
            self._state = "starting"
            self._rate = Rate()
            self._down_since = self._world.monotonic()
            await self._stop(scan)

    def _scanning(self, scan: Scan) -> None:
        now = self._world.monotonic()
        self._scan = scan
        self._state = "scanning"
        self._problem = None
        self._told = ""
        self._starts += 1
        self._retries.succeeded()
        self._silence.scanning(now)
        self._losses.restart(now)
        self._tell(Condition.DOWN, over=True)
        log.info("adapter scans", adapter=self._adapter, receiver=self.receiver, mode=scan.mode)

    async def _listen(self, adverts: Adverts) -> Step:
        """Until the scan is dead, or silent for too long."""
        world = self._world
        heard, at = 0, world.monotonic()
        while True:
            await world.pause(self._gone, world.patience.tick_s)
            now = world.monotonic()
            self._look(adverts.heard - heard, now - at, now)
            heard, at = adverts.heard, now
            if self._gone.is_set() or not world.radio.connected:
                world.counts["gone"] += 1
                return Step.NEW_SCAN
            is_blind = adverts.blind > 0 and adverts.heard == 0
            step = self._silence.due(now, is_sure=is_blind)
            if step is not None:
                self._blind = is_blind
                self._silent(step)
                return step

    def _look(self, heard: int, seconds: float, now: float) -> None:
        self._rate.update(heard, seconds)
        if heard:
            self._silence.heard(now)
            self._tell(Condition.HEARS_NOTHING, over=True)
        if self._losses.look(now):
            self._tell(Condition.LOSES_ADVERTS, over=not self._losses.losing)

    def _silent(self, step: Step) -> None:
        self._world.counts[f"silent_{step.value}"] += 1
        log.info("adapter is silent", adapter=self._adapter, next=step.value)
        if step is Step.REPORT:
            self._tell(Condition.HEARS_NOTHING, over=False)

    async def _wait(self, problem: Problem) -> Step:
        """Until the next start is due, or the adapter is said to be back."""
        world = self._world
        self._state = "waiting"
        self._problem = problem
        world.counts[problem.reason] += 1
        self._log_once(problem)
        until = world.monotonic() + self._retries.failed()
        power = 0 < problem.power_after <= self._retries.failures
        while not self._back.is_set() and (left_s := until - world.monotonic()) > 0:
            await world.pause(self._back, min(left_s, world.patience.tick_s))
            if world.monotonic() - self._down_since >= world.patience.down_s:
                self._tell(Condition.DOWN, over=False)
        return Step.POWER_CYCLE if power else Step.NEW_SCAN

    async def _power_cycle(self) -> None:
        world = self._world
        if not world.power_cycle:
            return
        try:
            await world.radio.power_cycle(self._adapter)
        except SCAN_ERRORS as error:
            world.counts["power_cycle_failed"] += 1
            log.info("adapter not switched off and on", adapter=self._adapter, error=str(error))
        else:
            world.counts["power_cycles"] += 1

    async def _stop(self, scan: Scan) -> None:
        try:
            await scan.stop()
        except SCAN_ERRORS as error:
            self._world.counts["stop_failed"] += 1
            log.info("scan did not stop cleanly", adapter=self._adapter, error=str(error))

    def _hear(self, advert: Advert) -> None:
        self._losses.hear(advert, self._world.monotonic())
        self._world.on_advert(advert)

    def _problem_now(self) -> Problem | None:
        if self._problem is not None:
            return self._problem
        if Condition.HEARS_NOTHING in self._conditions:
            heard_at = self._silence.heard_at
            since = self._born if heard_at is None else heard_at
            return hears_nothing(self._world.monotonic() - since, without_rssi=self._blind)
        if Condition.LOSES_ADVERTS in self._conditions and self._losses.share is not None:
            monitors = self._scan is not None and self._scan.mode == BOTH
            return loses_adverts(self._losses.share, monitors=monitors)
        return None

    def _tell(self, condition: Condition, *, over: bool) -> None:
        """Each condition's beginning and end once."""
        if over is (condition not in self._conditions):
            return
        if over:
            self._conditions.remove(condition)
        else:
            self._conditions.add(condition)
            problem = self._problem_now()
            if problem is not None:
                self._log_once(problem)
        self._world.on_event(ReceiverEvent(self._world.utc(), self.receiver, condition, over=over))

    def _log_once(self, problem: Problem) -> None:
        if problem.reason != self._told:
            self._told = problem.reason
            log.warning(
                "adapter does not hear as it should; the other receivers go on",
                adapter=self._adapter,
                receiver=self.receiver,
                problem=problem.what,
                remedy=problem.remedy,
            )
