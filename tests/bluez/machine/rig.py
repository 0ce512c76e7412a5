"""One machine in one set-up: its controllers, the tags around them, and what its job wrote."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from firmware_sim.bluez.beacons import Beacon, send

from tests.bluez.machine.controller import RadioController
from tests.bluez.machine.image import SUITES, image
from tests.bluez.machine.machine import Outcome, run_machine
from tests.bluez.setups import INTERVAL_S, Setup


async def run_setup(
    setup: Setup, job: str, *, folder: Path, airs: Sequence[Sequence[Beacon]]
) -> Outcome:
    """Run `job` in a machine of `setup` with a controller for each of `airs`, the beacons that send
    around it, on its serial lines 1, 2, …; `folder` is its /job."""
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
        group = await stack.enter_async_context(asyncio.TaskGroup())
        sending = [
            group.create_task(_send(beacons, controller), name=f"air {controller.line.name}")
            for beacons, controller in zip(airs, controllers, strict=True)
        ]
        lines = [controller.line for controller in controllers]
        try:
            return await run_machine(image(suite), job, folder=folder, lines=lines)
        finally:
            for task in sending:
                task.cancel()


async def _send(beacons: Sequence[Beacon], controller: RadioController) -> None:
    await send(
        beacons,
        [controller],
        interval_s=INTERVAL_S,
        chance=random.Random(1),
        monotonic=time.monotonic,
    )
