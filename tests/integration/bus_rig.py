"""A bus on simulated lines, and what the wire itself needs: for tests and the bench."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from gateway.lights.bus import Bus
from gateway.lights.bus_words import Commanded, Line, Polled
from gateway.lights.polling import OnBus
from gateway.lights.profiles import Block, Identity, Profile
from gateway.lights.registers import Kind, Number, WordOrder
from tests.integration.bus_slave import STALL_S, TURNAROUND_S, Slaves, truth
from tests.needs import ROOT

LEVEL_ADDRESS = 100
STEP_S = 0.02


def plain_profile(*blocks: tuple[int, int, int]) -> Profile:
    """A map whose values are single registers, each named by its function and address."""
    return Profile(
        name="plain",
        vendor="",
        model="",
        meter_class=None,
        blocks=tuple(_block(*block) for block in blocks),
        commands={"level": Number(LEVEL_ADDRESS, Kind.UINT16, WordOrder.BIG)},
        write_function=16,
        identity=Identity(Block(3, 0, 1, 0.0), (0,), None),
    )


def _block(function: int, address: int, count: int) -> Block:
    numbers = (Number(address + at, Kind.UINT16, WordOrder.BIG) for at in range(count))
    values = tuple(
        (f"{function}/{number.address}", number, at) for at, number in enumerate(numbers)
    )
    return Block(function, address, count, 0.0, values)


def lamps(profile: Profile, units: range) -> list[OnBus]:
    """A lamp at each unit, named by it."""
    return [OnBus(str(unit), unit, profile) for unit in units]


def limit_s(line: Line, block: Block) -> float:
    """What the wire itself needs for one poll: the bytes of request and answer, a silence after
    each, and the time that a node takes to turn around."""
    characters = 8 + 5 + 2 * block.count
    return characters * line.character_s + 2 * line.gap_s + TURNAROUND_S


TEN = plain_profile((3, 0, 10))
# Two blocks whose answers look alike: a late one of the first would pass for one of the second.
ALIKE = plain_profile((3, 0, 10), (3, 100, 10))


@dataclass
class Nodes:
    """Running slaves: their device, and what they told so far."""

    device: str
    process: subprocess.Popen[str]
    log: Path

    def told(self, key: str) -> list[Any]:
        """The lines with a `write`, a `fault` or a `stall` so far."""
        lines = (json.loads(line) for line in self.log.read_text().splitlines()[1:])
        return [line for line in lines if key in line]

    def unplug(self) -> None:
        """The adapter goes away."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def nodes(slaves: Slaves, folder: Path, link: str = "bus") -> Iterator[Nodes]:
    """Start slaves; `folder/link` leads to their device, as /dev/serial/by-id does."""
    log = folder / f"{link}.log"
    with (
        log.open("w") as out,
        subprocess.Popen(
            [sys.executable, "-m", "tests.integration.bus_slave", slaves.as_json()],
            stdin=subprocess.PIPE,
            stdout=out,
            text=True,
            cwd=ROOT,
        ) as process,
    ):
        try:
            while not log.read_text().endswith("\n"):
                time.sleep(0.01)
            path = folder / link
            path.unlink(missing_ok=True)
            path.symlink_to(log.read_text().splitlines()[0])
            yield Nodes(str(path), process, log)
        finally:
            process.kill()


class Stalls:
    """When this machine was too busy for the process, as a thread sees it that only sleeps.

    A busy machine is not to be measured: what happened in a stall is left out, whatever it was.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stalls")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        before = time.monotonic()
        while not self._over.wait(STALL_S):
            now = time.monotonic()
            if now - before > 2 * STALL_S:
                self.seen.append((before, now))
            before = now

    def disturbed(self, begin: float, end: float, slaves: Nodes) -> bool:
        """Whether there was one between `begin` and `end`, here or at the slaves."""
        stalls = [*self.seen, *(tuple(line["stall"]) for line in slaves.told("stall"))]
        return any(since < end and until > begin for since, until in stalls)


@dataclass
class Heard:
    """What a bus said, and what of it was another's."""

    polled: list[Polled] = field(default_factory=list)
    commanded: list[Commanded] = field(default_factory=list)
    answers: int = 0
    wrong: list[tuple[str, str, float | bool | None]] = field(default_factory=list)

    def on_polled(self, polled: Polled) -> None:
        """Compare each value with the truth of its unit and register."""
        self.polled.append(polled)
        self.answers += polled.failure is None
        for name, value in polled.values.items():
            function, address = map(int, name.split("/"))
            if value != truth(int(polled.lamp), function, address):
                self.wrong.append((polled.lamp, name, value))

    def on_commanded(self, commanded: Commanded) -> None:
        """Keep it."""
        self.commanded.append(commanded)


@contextlib.asynccontextmanager
async def running(line: Line, on_bus: list[OnBus]) -> AsyncIterator[tuple[Bus, Heard]]:
    """A bus that runs, and what it says."""
    heard = Heard()
    bus = Bus(
        line,
        on_bus,
        on_polled=heard.on_polled,
        on_commanded=heard.on_commanded,
        utc=time.time,
        monotonic=time.monotonic,
    )
    task = asyncio.create_task(bus.run())
    try:
        yield bus, heard
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.contextmanager
def first_of_all() -> Iterator[None]:
    """This process goes before others where it may, as paced slaves do: what else runs on this
    machine is not to be measured."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


async def until(what: Callable[[], object], *, within_s: float = 10.0) -> None:
    """Wait until it is so."""
    for _ in range(round(within_s / STEP_S)):
        if what():
            return
        await asyncio.sleep(STEP_S)
    raise TimeoutError
