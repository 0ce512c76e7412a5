"""The gateway's own Bluetooth adapters, through BlueZ; the only module that knows bleak.

An adapter that cannot scan is told once, in words that say what to do, and tried again for ever:
the remote receivers go on without it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog
from bleak import BleakScanner
from bleak.args.bluez import BlueZDiscoveryFilters, BlueZScannerArgs
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakDBusError,
    BleakError,
)

from gateway.model import Advert
from gateway.tags.frames.ad import short_uuid

log = structlog.get_logger()

RETRY_FIRST_S = 2.0
RETRY_MOST_S = 60.0
# bluetoothd can hang without an answer, and a scan can die without a word: an unplugged adapter or
# a restarted bluetoothd leaves bleak silent for ever, so a silent scan is started anew.
ANSWER_S = 20.0
SILENCE_S = 60.0
# What bleak gives where BlueZ did not say.
RSSI_UNKNOWN_DBM = -127

SCAN_ERRORS = (BleakError, OSError, EOFError, ValueError, TimeoutError)


class Scan(Protocol):
    """One scan of one adapter, as bleak's."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an adapter does not scan: a reason to count, and what a person should know and do."""

    reason: str
    what: str
    remedy: str


def open_scan(adapter: str, on_detection: AdvertisementDataCallback) -> Scan:
    """An active scan. With an RSSI filter BlueZ gives every advert its own RSSI; without, it keeps
    changes of less than 8 dB to itself."""
    return BleakScanner(
        on_detection,
        bluez=BlueZScannerArgs(
            adapter=adapter, filters=BlueZDiscoveryFilters(RSSI=RSSI_UNKNOWN_DBM)
        ),
    )


class Scanner:
    """Scans with each adapter of `adapters` (adapter → receiver) while `run` runs.

    `running` holds the receivers whose adapters scan now; `counts` counts adverts (`adverts`,
    `no_rssi`) and problems by their reason.
    """

    def __init__(
        self,
        adapters: Mapping[str, str],
        on_advert: Callable[[Advert], None],
        *,
        utc: Callable[[], float],
        open_scan: Callable[[str, AdvertisementDataCallback], Scan] = open_scan,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.running: frozenset[str] = frozenset()
        self._adapters = dict(adapters)
        self._on_advert = on_advert
        self._utc = utc
        self._open_scan = open_scan
        self._sleep = sleep

    async def run(self) -> None:
        """Scan until cancelled; returns at once where there is no adapter to scan with."""
        async with asyncio.TaskGroup() as group:
            for adapter, receiver in self._adapters.items():
                group.create_task(self._keep_scanning(adapter, receiver), name=f"scan {adapter}")

    async def _keep_scanning(self, adapter: str, receiver: str) -> None:
        told = ""
        wait_s = RETRY_FIRST_S
        while True:
            problem = await self._scan(adapter, receiver)
            if problem is None:
                told, wait_s = "", RETRY_FIRST_S
                continue
            self.counts[problem.reason] += 1
            if problem.reason != told:
                told = problem.reason
                log.warning(
                    "adapter does not scan; remote receivers go on",
                    adapter=adapter,
                    receiver=receiver,
                    problem=problem.what,
                    remedy=problem.remedy,
                )
            await self._sleep(wait_s)
            wait_s = min(2 * wait_s, RETRY_MOST_S)

    async def _scan(self, adapter: str, receiver: str) -> Problem | None:
        """Scan until nothing was heard for `SILENCE_S`, which is no problem, only a restart."""
        heard = 0

        def on_detection(device: BLEDevice, data: AdvertisementData) -> None:
            nonlocal heard
            heard += 1
            self._take(receiver, device, data)

        scan = self._open_scan(adapter, on_detection)
        try:
            async with asyncio.timeout(ANSWER_S):
                await scan.start()
        except SCAN_ERRORS as error:
            return explain(error, adapter)
        log.info("adapter scans", adapter=adapter, receiver=receiver)
        self.running |= {receiver}
        try:
            heard_before = -1
            while heard != heard_before:
                heard_before = heard
                await self._sleep(SILENCE_S)
        finally:
            self.running -= {receiver}
            await self._stop(scan, adapter)
        self.counts["silent"] += 1
        return None

    async def _stop(self, scan: Scan, adapter: str) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                await scan.stop()
        except SCAN_ERRORS as error:
            self.counts["stop_failed"] += 1
            log.info("scan did not stop cleanly", adapter=adapter, error=str(error))

    def _take(self, receiver: str, device: BLEDevice, data: AdvertisementData) -> None:
        if data.rssi == RSSI_UNKNOWN_DBM:
            self.counts["no_rssi"] += 1
            return
        self.counts["adverts"] += 1
        services = ((short_uuid(uuid), value) for uuid, value in data.service_data.items())
        self._on_advert(
            Advert(
                at=self._utc(),
                receiver=receiver,
                address=device.address,
                rssi_dbm=data.rssi,
                manufacturer=data.manufacturer_data,
                services={uuid: value for uuid, value in services if uuid is not None},
            )
        )


_START_BLUETOOTHD = "systemctl enable --now bluetooth, or remove the adapter from edge.adapters"
_POWER_ON = "rfkill unblock bluetooth; bluetoothctl power on"

_REFUSALS: Mapping[str, Problem] = {
    "org.freedesktop.DBus.Error.ServiceUnknown": Problem(
        "no_bluetoothd", "bluetoothd does not run", _START_BLUETOOTHD
    ),
    "org.freedesktop.DBus.Error.AccessDenied": Problem(
        "not_permitted", "D-Bus does not let this user scan", "add the user to group bluetooth"
    ),
    "org.bluez.Error.NotReady": Problem("powered_off", "the adapter is powered off", _POWER_ON),
}


def explain(error: Exception, adapter: str) -> Problem:
    """What an error of bleak's start means to the person who installs the gateway."""
    match error:
        case BleakBluetoothNotAvailableError():
            return Problem("not_permitted", str(error), "add the user to group bluetooth")
        case BleakDBusError() if error.dbus_error in _REFUSALS:
            return _REFUSALS[error.dbus_error]
        case BleakDBusError():
            return Problem("refused", f"bluetoothd refused: {error}", "see journalctl -u bluetooth")
        case BleakError():
            return Problem(
                "no_adapter",
                f"no Bluetooth adapter {adapter} ({error})",
                "plug it in, or remove it from edge.adapters; see bluetoothctl list",
            )
        case TimeoutError():
            return Problem(
                "no_answer",
                f"bluetoothd gave no answer in {ANSWER_S:.0f} s",
                "systemctl restart bluetooth",
            )
        case _:
            return Problem("no_dbus", f"the system D-Bus is not there ({error})", _START_BLUETOOTHD)
