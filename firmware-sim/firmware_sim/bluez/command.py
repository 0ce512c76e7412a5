"""The command `bluez`: a simulated BlueZ as a process, with tags in its air."""

import argparse
import asyncio
import random
import signal
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import structlog

from firmware_sim.bluez.adapter import SimulatedAdapter
from firmware_sim.bluez.beacons import Beacon, send
from firmware_sim.bluez.control import control_port
from firmware_sim.bluez.habits import Version
from firmware_sim.bluez.simulated import SimulatedBluez

log = structlog.get_logger()


def add_bluez(parser: argparse.ArgumentParser) -> None:
    """The options of `firmware_sim bluez`."""
    parser.add_argument("--adapter", action="append", metavar="NAME", help="hci0 by default")
    parser.add_argument("--socket", type=Path, required=True, help="where its D-Bus listens")
    parser.add_argument("--version", type=_version, default=(5, 66), metavar="5.66")
    parser.add_argument("--le-only", action="store_true", help="a controller without BR/EDR")
    parser.add_argument("--duplicates", choices=("none", "address"), default="none")
    parser.add_argument("--no-monitors", action="store_true", help="as bluetoothd without -E")
    parser.add_argument("--control", type=int, metavar="PORT", help="to break it; 0: a free one")
    parser.add_argument("--tags", type=int, default=10, help="in the air of each adapter")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds from advert to advert")
    parser.add_argument("--seed", type=int, default=1)
    parser.set_defaults(command=run_bluez)


def run_bluez(given: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT."""
    asyncio.run(_run(given))


async def _run(given: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack:
        bluez = await stack.enter_async_context(SimulatedBluez(socket=given.socket))
        adapters = [
            bluez.add_adapter(
                name,
                version=given.version,
                le_only=given.le_only,
                duplicates=given.duplicates,
                monitors=not given.no_monitors,
            )
            for name in given.adapter or ["hci0"]
        ]
        port = None
        if given.control is not None:
            port = await stack.enter_async_context(control_port(given.control, bluez))
        log.info("bluez runs", bus=bluez.address, adapters=list(bluez.adapters), control=port)
        sending = asyncio.create_task(_air(given, adapters), name="air")
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, sending.cancel)
        with suppress(asyncio.CancelledError):
            await sending


async def _air(given: argparse.Namespace, adapters: Sequence[SimulatedAdapter]) -> None:
    if not given.tags:
        await asyncio.Event().wait()
    await send(
        [Beacon(number) for number in range(given.tags)],
        adapters,
        interval_s=given.interval,
        chance=random.Random(given.seed),
        monotonic=time.monotonic,
    )


def _version(text: str) -> Version:
    major, minor = text.split(".")
    return int(major), int(minor)
