"""A simulated BlueZ for tests: bleak in this process, and in those started from it, meets it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from firmware_sim.bluez.adapter import SimulatedAdapter
from firmware_sim.bluez.beacons import Beacon, send
from firmware_sim.bluez.simulated import SimulatedBluez

from tests.needs import need

SYSTEM_BUS = "DBUS_SYSTEM_BUS_ADDRESS"
LAST_WORDS_S = 0.05


@asynccontextmanager
async def simulated_bluez(*, hurry: float = 1.0) -> AsyncIterator[SimulatedBluez]:
    """A simulated BlueZ, on the system bus of everybody in this process while within. Its clock
    runs `hurry` times as fast as ours."""
    need("dbus-daemon")
    with pytest.MonkeyPatch.context() as patch:
        async with SimulatedBluez(monotonic=lambda: hurry * time.monotonic()) as bluez:
            patch.setenv(SYSTEM_BUS, bluez.address)
            yield bluez
        await asyncio.sleep(LAST_WORDS_S)  # until bleak sees that its bus is gone, and closes it


@asynccontextmanager
async def on_air(
    adapters: Sequence[SimulatedAdapter], beacons: Sequence[Beacon], *, interval_s: float
) -> AsyncIterator[None]:
    """The beacons send to the adapters while within."""
    async with asyncio.TaskGroup() as group:
        sending = send(
            beacons,
            adapters,
            interval_s=interval_s,
            chance=random.Random(1),
            monotonic=time.monotonic,
        )
        air = group.create_task(sending, name="air")
        yield
        air.cancel()


@pytest.fixture
async def bluez() -> AsyncIterator[SimulatedBluez]:
    """A simulated BlueZ without adapters yet."""
    async with simulated_bluez() as running:
        yield running
