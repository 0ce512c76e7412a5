"""A million adverts of a hundred thousand addresses at one receiver: what of them stays in memory.

From bleak's callback to the rows of the outbox, 10,000 new addresses a minute, each with ten
adverts. Most are phones, computers and the like; a third dress as what is followed: encrypted
frames, rotating identifiers, and a followed prefix with numbers of their own. What is remembered of
senders has its room, and that is full after the first of them; from then on memory is not to grow.
"""

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from gateway.app.hearing import Hearing
from gateway.clock import ClockSetting
from gateway.link.outbox_file import Append
from gateway.model import EdgeOrders, Lane
from gateway.tags.scan_adverts import Adverts
from tests.bench.figure import Figure
from tests.fuzz import seeds

ADDRESSES_A_MINUTE, ADVERTS_EACH = 10_000, 10  # as the busiest air has them
ADVERTS = 1_000_000
FULL_AFTER = 400_000  # the rooms for 16,384 devices, and for fewer addresses and senders, are full
LIMIT_MB = 2.0

APPLE, MICROSOFT = 0x004C, 0x0006
EDDYSTONE, BTHOME, EXPOSURE = (
    f"0000{uuid}-0000-1000-8000-00805f9b34fb" for uuid in ("feaa", "fcd2", "fd6f")
)

Carried = tuple[dict[int, bytes], dict[str, bytes]]


def measure() -> Sequence[Figure]:
    """Growth while most of the million passes, in memory of the process and in objects."""
    return asyncio.run(_measure())


async def _measure() -> Sequence[Figure]:
    street = Street()
    await street.hear(FULL_AFTER)
    before_mb, before_blocks = _resident_mb(), _blocks()
    await street.hear(ADVERTS - FULL_AFTER)
    grown_mb, grown = _resident_mb() - before_mb, _blocks() - before_blocks
    many = f"{ADVERTS - FULL_AFTER:,} adverts after {FULL_AFTER:,}"
    return [
        Figure(f"memory: {many}", grown_mb, "MB", "limit", LIMIT_MB),
        Figure(f"memory: objects more, {many}", grown, "objects", "there before", before_blocks),
    ]


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def _blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()


@dataclass
class Clock:
    """Runs with the adverts."""

    now: float = 1_800_000_000.0

    def utc(self) -> float:
        """Unix seconds."""
        return self.now

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    def synced(self) -> bool:
        """Always."""
        return True

    @property
    def setting(self) -> ClockSetting:
        """Always the same."""
        return ClockSetting()


@dataclass
class Counts:
    """A spool that only counts its rows."""

    rows: Counter[str] = field(default_factory=Counter)

    async def put(self, row: Append) -> None:
        """Forget `row`."""
        self.rows[row.kind] += 1


class Street:
    """An edge with one adapter, from the callback of its scan to its rows.

    Of each of its 10,000 addresses a minute it hears so many adverts.
    """

    def __init__(self, *, adverts_each: int = ADVERTS_EACH) -> None:
        self.clock = Clock()
        self.spool = Counts()
        self.hearing = Hearing(
            clock=self.clock,
            spool=self.spool,
            heard_until=None,
            lane=lambda: Lane.LIVE,
            receiver_timeout_s=150.0,
        )
        self.hearing.follow(EdgeOrders((), (), seeds.ALLOW))
        self.hearing.running(frozenset({"pole-01"}))
        self.adverts = Adverts("pole-01", self.hearing.advert, utc=self.clock.utc, counts=Counter())
        self._heard = _crowd(adverts_each)
        self._step_s = 60 / ADDRESSES_A_MINUTE / adverts_each

    async def hear(self, count: int) -> None:
        """The next `count` adverts, and each second what an edge does then."""
        take = self.adverts.begin(frozenset())
        second = int(self.clock.now)
        for _ in range(count):
            take(*next(self._heard))
            self.clock.now += self._step_s
            if int(self.clock.now) != second:
                second = int(self.clock.now)
                await self.hearing.urgent.store_waiting()
                await self.hearing.close_windows(second)
                await self.hearing.tell()


def _crowd(adverts_each: int) -> Iterator[tuple[BLEDevice, AdvertisementData]]:
    """Minute after minute, each with its addresses, one after the other, again and again."""
    minute = 0
    while True:
        first = minute * ADDRESSES_A_MINUTE
        for turn in range(adverts_each):
            for number in range(first, first + ADDRESSES_A_MINUTE):
                yield _heard(number, turn)
        minute += 1


def _heard(number: int, turn: int) -> tuple[BLEDevice, AdvertisementData]:
    """As bleak gives it, with objects of its own: by them the scan tells new from old."""
    address = (0xC00000000000 + number).to_bytes(6, "big").hex(":").upper()
    manufacturer, services = _SORTS[number % len(_SORTS)](number, turn)
    rssi = -60 - turn - number % 30
    path = "/org/bluez/hci0/dev_" + address.replace(":", "_")
    properties = {"RSSI": rssi, "ServiceData": services, "ManufacturerData": manufacturer}
    data = AdvertisementData(None, manufacturer, services, [], None, rssi, (path, properties))
    return BLEDevice(address, None, properties), data


def _phone(number: int, turn: int) -> Carried:
    return {APPLE: bytes.fromhex("1005441cbd") + number.to_bytes(4, "big")}, {}


def _computer(number: int, turn: int) -> Carried:
    return {MICROSOFT: bytes.fromhex("01092002") + number.to_bytes(4, "big")}, {}


def _exposure(number: int, turn: int) -> Carried:
    return {}, {EXPOSURE: bytes(14) + number.to_bytes(4, "big")}


def _sealed(number: int, turn: int) -> Carried:
    counter = (number * ADVERTS_EACH + turn).to_bytes(4, "little")
    return {}, {BTHOME: seeds.SEALED[:7] + counter + seeds.SEALED[11:]}


def _rotating(number: int, turn: int) -> Carried:
    return {}, {EDDYSTONE: seeds.EID[:2] + number.to_bytes(8, "big")}


def _lookalike(number: int, turn: int) -> Carried:
    return {APPLE: seeds.IBEACON[:18] + number.to_bytes(4, "big") + b"\xc5"}, {}


_SORTS: tuple[Callable[[int, int], Carried], ...] = (
    *(_phone,) * 8,
    *(_computer,) * 3,
    *(_exposure,) * 2,
    *(_sealed,) * 3,
    *(_rotating,) * 3,
    _lookalike,
)
