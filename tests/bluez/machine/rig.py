"""One machine in one set-up: its controllers, the tags around them, and what its job wrote."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from firmware_sim.bluez.beacons import Beacon, send

from tests.bluez.facts import Heard
from tests.bluez.machine.controller import RadioController
from tests.bluez.machine.image import SUITES, MachineError, image
from tests.bluez.machine.machine import Outcome, run_machine
from tests.bluez.setups import BEACONS, INTERVAL_S, TAGS, Setup

MOST_LOST = 0.01
SETTLE_S = 2.0
_NUMBERS = {beacon.address: beacon.number for beacon in BEACONS}


async def run_setup(
    setup: Setup,
    job: str,
    *,
    folder: Path,
    airs: Sequence[Sequence[Beacon]],
    may_lose: bool = False,
) -> Outcome:
    """Run `job` in a machine of `setup` with a controller for each of `airs`, the beacons that send
    around it, on its serial lines 1, 2, …; `folder` is its /job.

    Raises MachineError where the machine fails, or is too slow to take what the controllers report
    (not where it `may_lose` that, as with a controller that is pulled out).
    """
    suite = next(suite for suite in SUITES if suite.bluez == setup.version)
    async with AsyncExitStack() as stack:
        controllers = [
            await stack.enter_async_context(
                RadioController(
                    folder / f"line{number}",
                    address=f"00:AA:00:00:00:{number:02X}",
                    le_only=setup.le_only,
                    duplicates=setup.duplicates,
                )
            )
            for number in range(1, len(airs) + 1)
        ]
        lines = [controller.line for controller in controllers]
        async with _on_air(airs, controllers):
            outcome = await run_machine(image(suite), job, folder=folder, lines=lines)
        lost = sum(controller.lost for controller in controllers)
        reported = sum(controller.reported for controller in controllers)
        if lost > MOST_LOST * reported and not may_lose:
            raise MachineError(
                f"this host is too busy: the machine took {reported} adverts, and was behind for "
                f"{lost} more. Run `make test-bluez` when nothing else runs."
            )
        return outcome


@asynccontextmanager
async def _on_air(
    airs: Sequence[Sequence[Beacon]], controllers: Sequence[RadioController]
) -> AsyncIterator[None]:
    """The beacons send while within; what fails within is raised as it is."""
    failed: MachineError | None = None
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_send(beacons, controller), name=f"air {controller.line.name}")
            for beacons, controller in zip(airs, controllers, strict=True)
        ]
        try:
            yield
        except MachineError as error:
            failed = error
        for task in tasks:
            task.cancel()
    if failed is not None:
        raise failed


async def _send(beacons: Sequence[Beacon], controller: RadioController) -> None:
    await send(
        beacons,
        [controller],
        interval_s=INTERVAL_S,
        chance=random.Random(1),
        monotonic=time.monotonic,
    )


def by_the_tags_clock(heard: Heard) -> Heard:
    """The same adverts, and how long the tags sent them, by the counts in them.

    A machine on a busy host is late, and hears all the same: its own clock tells how fast it is,
    not what BlueZ passes on.
    """
    sent_s = [
        INTERVAL_S * (row.count + _NUMBERS[row.address] / TAGS)
        for row in heard.rows
        if row.count is not None
    ]
    between_s = INTERVAL_S / sum(1 for number in _NUMBERS.values() if number % 2 == 0)
    return replace(heard, seconds=max(sent_s) - min(sent_s) + between_s)


def once_settled(heard: Heard) -> Heard:
    """What was heard without the first seconds, where every tag goes on being heard.

    An emulated bluetoothd takes seconds to start a scan, and then has much to tell at once.
    """
    begin_s = heard.rows[0].at_s + SETTLE_S
    rows = tuple(row for row in heard.rows if row.at_s >= begin_s)
    if {row.address for row in rows} != {row.address for row in heard.rows}:
        return heard
    return replace(heard, seconds=heard.seconds - begin_s, rows=rows)
