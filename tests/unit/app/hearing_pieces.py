"""Pieces of the tests of what is heard: a clock, a spool that remembers, adverts and messages."""

import json
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from gateway.app.hearing import Hearing
from gateway.clock import ClockSetting
from gateway.link.envelope import Kind
from gateway.link.outbox_file import Append
from gateway.link.topics import Message
from gateway.model import (
    Advert,
    EdgeOrders,
    Gap,
    Lane,
    ReceiverSource,
    Window,
)

START = 1_800_000_000.0
SOURCE = ReceiverSource("r-1", "openmqttgateway", "home/OMG_1")
T = TypeVar("T")
UUID = "fda50693-a4e2-4fb1-afcf-c6eb07647825"
SENSOR = "A4:C1:38:00:00:01"
ALLOW = (f"ibeacon:{UUID}", "eid", "bthome", f"bthome:{SENSOR.lower()}")
TAG = "AA:BB:CC:DD:EE:FF"
SEALED = "41a47266c95f730011223378237214"


@dataclass
class FakeClock:
    """Time that the test moves; monotonic and utc run together, unless it is `set`."""

    now: float = START
    known: bool = True
    set_by_s: float = 0.0

    def utc(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now - self.set_by_s - START

    def synced(self) -> bool:
        return self.known

    @property
    def setting(self) -> ClockSetting:
        return ClockSetting("b-1", START + self.set_by_s, self.known)

    def set(self, by_s: float, hearing: Hearing) -> None:
        """It is right from now on."""
        old = self.setting
        self.now += by_s
        self.set_by_s += by_s
        self.known = True
        hearing.clock_changed(old, self.setting)


@dataclass
class Remembers:
    """A spool that keeps rows for the test to look at."""

    rows: list[Append] = field(default_factory=list)

    async def put(self, row: Append) -> None:
        self.rows.append(row)

    def of(self, kind: Kind) -> list[Append]:
        return [row for row in self.rows if row.kind == kind]

    def windows(self) -> list[Window]:
        return [one_of(row, Window) for row in self.of(Kind.SIGHTINGS)]

    def gaps(self) -> list[Gap]:
        return [one_of(row, Gap) for row in self.of(Kind.GAP)]


def one_of(row: Append, kind: type[T]) -> T:
    (item,) = msgspec.json.decode(row.items)
    return msgspec.convert(item, kind)


def hearing_of(
    clock: FakeClock,
    spool: Remembers,
    *,
    heard_until: float | None = None,
    lane: Lane = Lane.LIVE,
) -> Hearing:
    hearing = Hearing(
        clock=clock,
        spool=spool,
        heard_until=heard_until,
        lane=lambda: lane,
        receiver_timeout_s=150.0,
    )
    hearing.follow(EdgeOrders((SOURCE,), (f"ibeacon:{UUID}:1:2",), ALLOW))
    return hearing


def of(kind: type[T], rows: list[Append]) -> list[T]:
    """The items of rows."""
    return [item for row in rows for item in msgspec.json.decode(row.items, type=list[kind])]  # type: ignore[valid-type] # a type of the caller's


def local(
    clock: FakeClock,
    *,
    address: str = TAG,
    receiver: str = "pole-1",
    company: dict[int, bytes] | None = None,
    **services: str,
) -> Advert:
    """An advert of an adapter; services in hex, by their UUID."""
    data = {uuid.removeprefix("x"): bytes.fromhex(one) for uuid, one in services.items()}
    return Advert(clock.now, receiver, address, -70, company or {}, data)


def eid(number: int = 1) -> str:
    return f"30ee{number:016x}"


def advert(*, minor: int = 1, rssi: int = -70, **more: int) -> Message:
    body = {
        "id": "AA:BB:CC:DD:EE:FF",
        "rssi": rssi,
        "mfid": "4c00",
        "uuid": UUID.replace("-", ""),
        "major": 1,
        "minor": minor,
    } | more
    return Message("home/OMG_1/BTtoMQTT/AABBCCDDEEFF", json.dumps(body).encode(), retained=False)


async def live_second(hearing: Hearing, clock: FakeClock) -> None:
    hearing.message(advert())
    clock.now += 1.0
    await hearing.close_windows(clock.now)
