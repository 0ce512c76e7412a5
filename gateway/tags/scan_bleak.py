"""Opening a scan: bleak's active one with an RSSI filter, and a monitor beside it where BlueZ can.

With an RSSI filter BlueZ gives every advert its own RSSI; without, it keeps changes of less than
8 dB to itself. With `DuplicateData` it repeats all that each advert carries.
"""

import asyncio
from collections import Counter

import structlog
from bleak import BleakScanner
from bleak.args.bluez import BlueZDiscoveryFilters, BlueZScannerArgs
from bleak.exc import BleakDBusError

from gateway.tags.scan_adverts import Begin
from gateway.tags.scan_bluez import Bluez, OnChange
from gateway.tags.scan_monitor import Monitor
from gateway.tags.scan_problems import ANSWER_S

log = structlog.get_logger()

WEAKEST_DBM = -127

BOTH = "both"
ACTIVE = "active"


class BleakScan:
    """A scan that runs."""

    def __init__(self, scanner: BleakScanner, monitor: Monitor | None) -> None:
        self._scanner = scanner
        self._monitor = monitor

    @property
    def mode(self) -> str:
        """`both` while BlueZ uses the monitor, otherwise `active`."""
        return BOTH if self._monitor is not None and self._monitor.active else ACTIVE

    async def stop(self) -> None:
        """Raises one of SCAN_ERRORS where the scan was dead already; it is gone in any case."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._scanner.stop()
        finally:
            if self._monitor is not None:
                await self._monitor.stop()


class BluezRadio:
    """The adapters through BlueZ. Everything raises one of SCAN_ERRORS where it fails."""

    def __init__(self, adapters: frozenset[str], on_change: OnChange) -> None:
        self.counts: Counter[str] = Counter()
        self._bluez = Bluez(adapters, on_change)

    @property
    def connected(self) -> bool:
        """Whether the system bus is there; without it every scan is dead."""
        return self._bluez.connected

    def close(self) -> None:
        """Leave the bus."""
        self._bluez.close()

    async def power_cycle(self, adapter: str) -> None:
        """Switch the adapter off and on, unless another program is connected through it."""
        await self._bluez.power_cycle(adapter)

    async def open(self, adapter: str, begin: Begin) -> BleakScan:
        """Start a scan; the monitor comes first, so that no filter is on when the scan begins."""
        sight = await self._bluez.look(adapter)
        monitor = await self._monitor(adapter) if sight.monitors else None
        try:
            scanner = BleakScanner(
                begin(sight.devices),
                bluez=BlueZScannerArgs(
                    adapter=adapter,
                    filters=BlueZDiscoveryFilters(RSSI=WEAKEST_DBM, DuplicateData=True),
                ),
            )
            async with asyncio.timeout(ANSWER_S):
                await scanner.start()
        except BaseException:
            if monitor is not None:
                await monitor.stop()
            raise
        return BleakScan(scanner, monitor)

    async def _monitor(self, adapter: str) -> Monitor | None:
        """None where BlueZ refuses: the active scan alone is still worth having."""
        try:
            return await self._bluez.monitor(adapter)
        except (BleakDBusError, TimeoutError) as error:
            self.counts["monitor_refused"] += 1
            log.warning("no monitor beside the scan", adapter=adapter, error=str(error))
            return None
