"""A bus of lamps: asks each lamp in turn, tells commands in between, and outlives its adapter.

What is asked when is decided in polling.py, what counts as an answer in bus_wire.py.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from gateway.lights.bus_wire import PortError, Wire
from gateway.lights.bus_words import BusState, Commanded, Failure, Line, NodeCommand, Polled
from gateway.lights.polling import OnBus, Polling, Read, Tell

log = structlog.get_logger()

REOPEN_S = 1.0
# How often the lamps of a bus that is down are told so: a miss of a poll for each of them.
DOWN_TOLD_S = 5.0


class Bus:
    """The lamps of one line. `on_polled` and `on_commanded` are called from `run`.

    `counts`: `polls` and `commands` that were asked, `answers`, each Failure by its name, `late`
    (bytes that came after their time-out), `opened` and `lost` (of the port).
    """

    def __init__(
        self,
        line: Line,
        lamps: Sequence[OnBus],
        *,
        on_polled: Callable[[Polled], None],
        on_commanded: Callable[[Commanded], None],
        utc: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._line = line
        self._polling = Polling(lamps, round_s=line.round_s)
        self._on_polled = on_polled
        self._on_commanded = on_commanded
        self._utc = utc
        self._monotonic = monotonic
        self._wake = asyncio.Event()
        self._up = False
        self._problem = ""
        self._answered_at: float | None = None
        self._down_told_at: float | None = None

    def command(self, command: NodeCommand) -> None:
        """Tell a lamp, ahead of all polls. KeyError where it is not on this bus.

        Of what waits for one lamp the newest stands, and only that is told to `on_commanded`.
        """
        self._polling.command(command)
        self._wake.set()

    def follow(self, lamps: Sequence[OnBus]) -> None:
        """These are the lamps from now on; commands to one that left are dropped."""
        self._polling.follow(lamps)
        self._wake.set()

    def state(self) -> BusState:
        """How the bus is now."""
        now = self._monotonic()
        return BusState(
            up=self._up,
            problem=self._problem,
            silent_s=None if self._answered_at is None else now - self._answered_at,
            round_s=self._polling.last_round_s,
            backing_off=self._polling.backing_off(now),
        )

    async def run(self) -> None:
        """Poll and command until cancelled, whatever becomes of the adapter."""
        while True:
            try:
                async with Wire(self._line, counts=self.counts, on_lost=self._wake.set) as wire:
                    self._opened()
                    await self._serve(wire)
                self.counts["lost"] += 1
                self._down(f"bus {self._line.name}: {self._line.device} was unplugged")
            except PortError as error:
                self._down(str(error))
            finally:
                self._up = False
            await self._stay_down()

    def _opened(self) -> None:
        self._up, self._problem, self._down_told_at = True, "", None
        self.counts["opened"] += 1
        log.info("bus is up", bus=self._line.name, device=self._line.device)

    def _down(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            log.warning("bus is down; it is tried again for ever", problem=problem)

    async def _stay_down(self) -> None:
        """Tell what waits and, now and then, every lamp that there is no bus; `REOPEN_S` long."""
        until = self._monotonic() + REOPEN_S
        while (wait_s := until - self._monotonic()) > 0:
            for command in self._polling.take_commands():
                self._tell_commanded(command, Failure.BUS_DOWN)
            now = self._monotonic()
            if self._down_told_at is None or now - self._down_told_at >= DOWN_TOLD_S:
                self._down_told_at = now
                for lamp in self._polling.lamps:
                    self._tell_failed(lamp, Failure.BUS_DOWN)
            await self._woken(wait_s)

    async def _serve(self, wire: Wire) -> None:
        """Do one thing after the other until the port is lost."""
        while not wire.lost:
            await wire.free()
            now = self._monotonic()
            match self._polling.next(now):
                case Read() as read:
                    await self._read(wire, read)
                case Tell() as tell:
                    await self._command(wire, tell)
                case None:
                    await self._woken(self._polling.due_at(now) - now)

    async def _woken(self, within_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._wake.wait()
        self._wake.clear()

    async def _read(self, wire: Wire, read: Read) -> None:
        self.counts["polls"] += 1
        answer = await wire.read(read.on.unit, read.block)
        if not self._polling.has(read.on):
            return  # what another node says is not this lamp's
        if isinstance(answer, Failure):
            self._failed(read, answer)
            if answer is not Failure.BUS_DOWN:
                self._tell_failed(read.on.lamp, answer)
            return
        self._answered(read)
        decoded = read.on.profile.decode(read.block, answer)
        self._on_polled(Polled(read.on.lamp, self._utc(), decoded.values, decoded.masked))

    async def _command(self, wire: Wire, tell: Tell) -> None:
        failure = None
        for write in tell.on.profile.writes(tell.command):
            self.counts["commands"] += 1
            await wire.free()
            failure = await wire.write(tell.on.unit, write)
            if not self._polling.has(tell.on):
                return
            if failure is not None:
                self._failed(tell, failure)
                break
            self._answered(tell)
        self._tell_commanded(tell.command, failure)

    def _answered(self, job: Read | Tell) -> None:
        self.counts["answers"] += 1
        self._answered_at = self._monotonic()
        self._polling.answered(job, self._answered_at)

    def _failed(self, job: Read | Tell, failure: Failure) -> None:
        self.counts[failure] += 1
        now = self._monotonic()
        if failure is Failure.EXCEPTION:
            self._answered_at = now
        if failure is not Failure.BUS_DOWN:
            self._polling.failed(job, failure, now)

    def _tell_failed(self, lamp: str, failure: Failure) -> None:
        self._on_polled(Polled(lamp, self._utc(), failure=failure))

    def _tell_commanded(self, command: NodeCommand, failure: Failure | None) -> None:
        self._on_commanded(Commanded(command, self._utc(), failure))
