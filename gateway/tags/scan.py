"""The gateway's own Bluetooth adapters, through BlueZ.

Each adapter is a receiver of its own (scan_adapter.py): a failing one is told once, in words that
say what to do, and tried again for ever, and the others go on. docs/decisions/0017 says why it is
bleak, and what stands beside it.

    bleak ─► Adverts ─► on_advert          Silence, Losses ─► on_event, statuses
    (scan_adverts.py)                      (scan_watch.py, scan_loss.py)
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from gateway.model import AdapterStatus, Advert, ReceiverEvent
from gateway.tags.scan_adapter import AdapterScan, Radio, World
from gateway.tags.scan_bleak import BluezRadio
from gateway.tags.scan_bluez import OnChange
from gateway.tags.scan_watch import Patience

TAG_INTERVAL_S = 1.0


class OpenRadio(Protocol):
    """Opens the radio for these adapters."""

    def __call__(self, adapters: frozenset[str], on_change: OnChange) -> "ClosableRadio": ...


class ClosableRadio(Radio, Protocol):
    """A radio with an end."""

    def close(self) -> None:
        """Let it go."""
        ...


async def pause(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, no longer than `seconds`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _ignore(_event: ReceiverEvent) -> None:
    pass


class Scanner:
    """Scans with each adapter of `adapters` (adapter → receiver) while `run` runs.

    `counts` counts adverts (`adverts`), those left out (`no_rssi`, `old_rssi`, `first_word`,
    `bare`: without any data), steps of the watchdog and problems by their reason. `utc` stamps,
    `monotonic` measures. `tag_interval_s` is the interval at which the site's tags advertise as
    they move. A scan that only looks on, beside the gateway's own, leaves the adapters' power alone
    (`power_cycle`).
    """

    def __init__(
        self,
        adapters: Mapping[str, str],
        on_advert: Callable[[Advert], None],
        *,
        utc: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
        on_event: Callable[[ReceiverEvent], None] = _ignore,
        tag_interval_s: float = TAG_INTERVAL_S,
        power_cycle: bool = True,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        open_radio: OpenRadio = BluezRadio,
        wait: Callable[[asyncio.Event, float], Awaitable[None]] = pause,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._radio = open_radio(frozenset(adapters), self._changed)
        world = World(
            radio=self._radio,
            on_advert=on_advert,
            on_event=on_event,
            utc=utc,
            monotonic=monotonic,
            pause=wait,
            patience=patience,
            tag_interval_s=tag_interval_s,
            power_cycle=power_cycle,
            counts=self.counts,
        )
        self._scans = {
            adapter: AdapterScan(adapter, receiver, world) for adapter, receiver in adapters.items()
        }

    @property
    def running(self) -> frozenset[str]:
        """The receivers that scan now, have heard, and are not silent for longer than usual."""
        return frozenset(scan.receiver for scan in self._scans.values() if scan.running)

    def statuses(self) -> dict[str, AdapterStatus]:
        """Every adapter, as a gateway's status tells it."""
        return {adapter: scan.status() for adapter, scan in self._scans.items()}

    async def run(self) -> None:
        """Scan until cancelled; returns at once where there is no adapter to scan with."""
        try:
            async with asyncio.TaskGroup() as group:
                for adapter, scan in self._scans.items():
                    group.create_task(scan.run(), name=f"scan {adapter}")
        finally:
            self._radio.close()

    def _changed(self, adapter: str, *, here: bool) -> None:
        for name, scan in self._scans.items():
            if adapter in ("", name):
                scan.changed(here=here)
