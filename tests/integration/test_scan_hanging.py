"""A bluetoothd that hangs in the middle of a scan's start, and does not answer later either."""

import asyncio

import pytest
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback
from firmware_sim.bluez.simulated import SimulatedBluez

from gateway.tags import scan_bleak, scan_bluez, scan_monitor
from gateway.tags.scan_bleak import BOTH, BluezRadio
from tests.integration.bluez_rig import bluez

__all__ = ["bluez"]

SHORT_S = 0.3


def ignore_change(_adapter: str, *, here: bool) -> None:
    pass


def ignore(_device: BLEDevice, _data: AdvertisementData) -> None:
    pass


async def test_a_start_that_is_not_answered_ends_and_the_next_one_succeeds(
    bluez: SimulatedBluez, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (scan_bleak, scan_bluez, scan_monitor):
        monkeypatch.setattr(module, "ANSWER_S", SHORT_S)
    bluez.add_adapter("hci0")
    radio = BluezRadio(frozenset({"hci0"}), ignore_change)

    def hang_after_the_monitor(_existing: frozenset[str]) -> AdvertisementDataCallback:
        bluez.hang()
        return ignore

    async with asyncio.timeout(20 * SHORT_S):
        with pytest.raises(TimeoutError):
            await radio.open("hci0", hang_after_the_monitor)
    bluez.wake()
    scan = await radio.open("hci0", lambda _existing: ignore)
    assert scan.mode == BOTH
    await scan.stop()
    radio.close()
