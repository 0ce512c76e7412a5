"""Tags for trials: each advert says in its own bytes with which strength it comes."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

NAMESPACE = bytes.fromhex("7b1f2c5894e34d0a9c6e3a2d51f08e47")
_FLAGS = b"\x02\x01\x06"
_IBEACON = _FLAGS + b"\x1a\xff\x4c\x00\x02\x15" + NAMESPACE
_EDDYSTONE = _FLAGS + b"\x03\x03\xaa\xfe\x17\x16\xaa\xfe\x00"

NEAREST_DBM = -60
USUAL_DBM = -59
NOISE_DB = 2.0


class Ether(Protocol):
    """Where adverts go to: an adapter."""

    def advert(self, address: str, rssi_dbm: int, data: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Beacon:
    """One tag, from 0: an iBeacon where even, an Eddystone-UID where odd.

    With `truth` the octet that tells a tag's power tells the RSSI of this advert in its place, so
    that a receiver can tell it from another advert's; an iBeacon's minor also counts its adverts.
    Without, the payload never changes.
    """

    number: int
    truth: bool = True

    @property
    def address(self) -> str:
        """A static random address."""
        high, low = divmod(self.number, 0x100)
        return f"C0:00:00:00:{high:02X}:{low:02X}"

    def data(self, *, rssi_dbm: int, count: int) -> bytes:
        """The AD structures of advert number `count`, which comes with `rssi_dbm`."""
        power = (rssi_dbm if self.truth else USUAL_DBM).to_bytes(1, "big", signed=True)
        if self.number % 2 == 0:
            minor = (count if self.truth else 0) % 0x10000
            return _IBEACON + self.number.to_bytes(2, "big") + minor.to_bytes(2, "big") + power
        return _EDDYSTONE + power + NAMESPACE[:10] + self.number.to_bytes(6, "big") + b"\x00\x00"

    def rssi_dbm(self, chance: random.Random) -> int:
        """What a receiver measures now: each tag a little farther away, with noise."""
        return round(NEAREST_DBM - self.number % 30 + chance.gauss(0.0, NOISE_DB))


async def send(
    beacons: Sequence[Beacon],
    ethers: Sequence[Ether],
    *,
    interval_s: float,
    chance: random.Random,
    monotonic: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Send for ever: every beacon once each `interval_s`, one after the other, evenly spread. What
    is late is made up for: no advert is left out."""
    step_s = interval_s / len(beacons)
    due_s = monotonic()
    count = 0
    while True:
        for beacon in beacons:
            rssi_dbm = beacon.rssi_dbm(chance)
            data = beacon.data(rssi_dbm=rssi_dbm, count=count)
            for ether in ethers:
                ether.advert(beacon.address, rssi_dbm, data)
            due_s += step_s
            await sleep(max(0.0, due_s - monotonic()))
        count += 1
