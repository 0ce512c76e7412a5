"""Adverts from BlueZ to the windows: what one core sustains, and where its time goes.

A simulated BlueZ runs as a process, with a real dbus-daemon between; the gateway's side is bleak,
the scanner and the edge's hearing, all in this process. Its share of a core says how many adverts a
whole core could take; what gate and hearing have of it is timed on the same adverts again. Half of
the air are followed tags, half are strangers.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from firmware_sim.bluez.beacons import NAMESPACE

from gateway.app.hearing import Hearing
from gateway.clock import Clock
from gateway.link.outbox_file import Append
from gateway.model import Advert, EdgeOrders, Lane
from gateway.tags.gate import Gate
from gateway.tags.scan import Scanner
from tests.bench.figure import Figure, seconds
from tests.needs import ROOT
from tests.system.rig import until

TAGS = 200
RATES_PER_S = (500, 2_000)
STARTS_WITHIN_S = 30.0
SETTLES_S, MEASURED_S = 3.0, 6.0
KEPT = 2_000  # adverts that are taken again
LIMIT_US = 8.0  # to decode and to identify
CROWD_PER_S = 1_000.0
ORDERS = EdgeOrders((), (), (f"uid:{NAMESPACE[:10].hex()}", "eid", "bthome"))


@dataclass
class Nowhere:
    """A spool that keeps nothing."""

    async def put(self, row: Append) -> None:
        """Forget `row`."""


@dataclass
class Ear:
    """Hears what the scanner gives, counts it, and keeps some."""

    hearing: Hearing
    heard: int = 0
    kept: list[Advert] = field(default_factory=list)
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, advert: Advert) -> None:
        """One advert of the scanner."""
        self.heard += 1
        self.has_begun.set()
        if len(self.kept) < KEPT:
            self.kept.append(advert)
        self.hearing.advert(advert)


def measure() -> Sequence[Figure]:
    """At some rates, the share of a core and its parts."""
    return [figure for rate in RATES_PER_S for figure in asyncio.run(_at(rate))]


async def _at(rate_per_s: int) -> Sequence[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "bus"
        bluez = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "firmware_sim", "bluez", "--socket", str(socket)),
            *("--tags", str(TAGS), "--interval", str(TAGS / rate_per_s)),
            cwd=ROOT,
            stdout=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'firmware-sim'}"},
        )
        try:
            await until(socket.exists, within_s=STARTS_WITHIN_S, what="a simulated BlueZ")
            os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={socket}"
            return await _listen(rate_per_s, bluez.pid)
        finally:
            bluez.terminate()
            await bluez.wait()


async def _listen(rate_per_s: int, bluez: int) -> Sequence[Figure]:
    clock = Clock()
    ear = Ear(_hearing(clock))
    scanner = Scanner({"hci0": "pole-01"}, ear.take, utc=clock.utc)
    async with asyncio.TaskGroup() as tasks:
        scanning = tasks.create_task(scanner.run(), name="scan")
        async with asyncio.timeout(STARTS_WITHIN_S):
            await ear.has_begun.wait()
        await asyncio.sleep(SETTLES_S)
        (daemon,) = _children(bluez)
        before, cpu_s, daemon_s = ear.heard, time.process_time(), _cpu_s(daemon)
        begun = time.monotonic()
        await asyncio.sleep(MEASURED_S)
        heard, spent_s = ear.heard - before, time.monotonic() - begun
        cpu_s, daemon_s = time.process_time() - cpu_s, _cpu_s(daemon) - daemon_s
        scanning.cancel()
    return _figures(rate_per_s, ear, heard / spent_s, 1e6 * cpu_s / heard, 1e6 * daemon_s / heard)


def _figures(
    rate_per_s: int, ear: Ear, heard_per_s: float, all_us: float, daemon_us: float
) -> Sequence[Figure]:
    gate, hearing = Gate(ORDERS.allow), _hearing(Clock())
    gate_us = _each_us(gate.read, ear.kept)
    hearing_us = _each_us(hearing.advert, ear.kept) - gate_us
    at = f"air, {rate_per_s:,}/s"
    bus_us = all_us - gate_us - hearing_us
    return [
        Figure(f"{at}: adverts heard", heard_per_s, "1/s", "sent", rate_per_s),
        Figure(f"{at}: adverts a core can take", 1e6 / all_us, "1/s", "a crowd", CROWD_PER_S),
        Figure(f"{at}: dbus-fast, bleak, scanner, an advert", bus_us, "µs", "all", all_us),
        Figure(f"{at}: decode and identify, an advert", gate_us, "µs", "limit", LIMIT_US),
        Figure(f"{at}: window, memory, an advert", hearing_us, "µs", "all", all_us),
        Figure(f"{at}: dbus-daemon beside it, an advert", daemon_us, "µs", "all of ours", all_us),
    ]


def _hearing(clock: Clock) -> Hearing:
    hearing = Hearing(
        clock=clock,
        spool=Nowhere(),
        heard_until=None,
        lane=lambda: Lane.LIVE,
        receiver_timeout_s=150.0,
    )
    hearing.follow(ORDERS)
    return hearing


def _each_us(take: Callable[[Advert], object], adverts: Sequence[Advert]) -> float:
    work = list(adverts) * 10

    def take_all() -> None:
        for advert in work:
            take(advert)

    return 1e6 * seconds(take_all) / len(work)


def _children(pid: int) -> list[int]:
    """The processes that `pid` started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(one) for one in text.split()]


def _cpu_s(pid: int) -> float:
    """What a process has had of the cores."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
