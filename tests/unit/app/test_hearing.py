"""What is heard becomes windows, presses and gaps; a fake clock and a spool that only remembers."""

import json
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import pytest

from gateway.app.hearing import Hearing
from gateway.link.envelope import Kind
from gateway.link.outbox_file import Append
from gateway.link.topics import Message
from gateway.model import EdgeOrders, Gap, Lane, Press, ReceiverSource, Window

START = 1_800_000_000.0
SOURCE = ReceiverSource("r-1", "openmqttgateway", "home/OMG_1")
T = TypeVar("T")
UUID = "fda50693-a4e2-4fb1-afcf-c6eb07647825"


@dataclass
class FakeClock:
    """Time that the test moves; monotonic and utc run together."""

    now: float = START

    def utc(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now - START

    def synced(self) -> bool:
        return True


@dataclass
class Remembers:
    """A spool that keeps rows for the test to look at."""

    rows: list[Append] = field(default_factory=list)

    async def put(self, row: Append) -> None:
        self.rows.append(row)

    def of(self, kind: Kind) -> list[Append]:
        return [row for row in self.rows if row.kind == kind]

    def windows(self) -> list[Window]:
        return [_one(row, Window) for row in self.of(Kind.SIGHTINGS)]

    def gaps(self) -> list[Gap]:
        return [_one(row, Gap) for row in self.of(Kind.GAP)]


def _one(row: Append, kind: type[T]) -> T:
    (item,) = msgspec.json.decode(row.items)
    return msgspec.convert(item, kind)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def spool() -> Remembers:
    return Remembers()


def hearing_of(clock: FakeClock, spool: Remembers, *, heard_until: float | None = None) -> Hearing:
    hearing = Hearing(
        clock=clock,
        spool=spool,
        heard_until=heard_until,
        lane=lambda: Lane.LIVE,
        receiver_timeout_s=150.0,
    )
    hearing.follow(EdgeOrders((SOURCE,), (f"ibeacon:{UUID}:1:2",)))
    return hearing


def advert(*, minor: int = 1, rssi: int = -70) -> Message:
    body = {
        "id": "AA:BB:CC:DD:EE:FF",
        "rssi": rssi,
        "mfid": "4c00",
        "uuid": UUID.replace("-", ""),
        "major": 1,
        "minor": minor,
    }
    return Message("home/OMG_1/BTtoMQTT/AABBCCDDEEFF", json.dumps(body).encode(), retained=False)


async def live_second(hearing: Hearing, clock: FakeClock) -> None:
    hearing.message(advert())
    clock.now += 1.0
    await hearing.close_windows(clock.now)


async def test_a_second_becomes_one_live_row_that_names_who_was_alive(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    hearing.message(advert(rssi=-70))
    hearing.message(advert(rssi=-60))
    clock.now += 1.0
    await hearing.close_windows(clock.now)
    (row,) = spool.of(Kind.SIGHTINGS)
    assert (row.lane, row.since, row.heartbeat) == (Lane.LIVE, START, START + 1)
    (window,) = spool.windows()
    assert window.alive == ("r-1",)
    assert window.readings == (("r-1", f"ibeacon:{UUID}:1:1", -65.0, -60, 2),)


async def test_seconds_without_a_living_receiver_are_no_windows_but_a_gap_afterwards(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    await live_second(hearing, clock)
    hearing.connection(up=False)
    clock.now += 3.5
    await hearing.close_windows(clock.now)
    assert len(spool.windows()) == 1
    hearing.connection(up=True)
    await live_second(hearing, clock)
    assert spool.gaps()[0] == Gap(START + 1, START + 5, "broker_lost")
    assert spool.windows()[-1].alive == ("r-1",)


async def test_a_broker_that_was_lost_for_a_moment_leaves_a_gap_too(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    await live_second(hearing, clock)
    clock.now += 0.2
    hearing.connection(up=False)
    clock.now += 0.3
    hearing.connection(up=True)
    await live_second(hearing, clock)
    assert spool.gaps()[0] == Gap(START + 1, START + 2, "broker_lost")


async def test_a_restart_is_a_gap_from_the_last_heartbeat_on(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool, heard_until=START - 60)
    clock.now += 0.4
    hearing.connection(up=True)
    await live_second(hearing, clock)
    assert spool.gaps()[0] == Gap(START - 60, START + 1, "restart")


async def test_a_first_start_is_no_gap(clock: FakeClock, spool: Remembers) -> None:
    hearing = hearing_of(clock, spool)
    hearing.connection(up=True)
    await live_second(hearing, clock)
    assert spool.gaps() == []


async def test_a_button_is_an_urgent_row_at_once_and_a_burst_is_one_row(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    for _ in range(5):
        hearing.message(advert(minor=2))
        clock.now += 0.1
    await hearing.store_waiting_presses()
    (row,) = spool.of(Kind.PRESS)
    assert row.lane is Lane.URGENT
    assert _one(row, Press) == Press(START, "r-1", f"ibeacon:{UUID}:1:2", -70)
    clock.now += 2.0
    hearing.message(advert(minor=2))
    await hearing.store_waiting_presses()
    assert len(spool.of(Kind.PRESS)) == 2


async def test_what_is_no_message_of_a_receiver_is_counted_and_dropped(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    hearing.message(Message("home/OMG_1/BTtoMQTT/AABBCCDDEEFF", b"{not json", retained=False))
    hearing.message(Message("home/OMG_9/BTtoMQTT/AABBCCDDEEFF", b"{}", retained=False))
    clock.now += 1.0
    await hearing.close_windows(clock.now)
    assert spool.rows == []
    refused = {name: n for name, n in hearing.counts.items() if name.startswith("remote_")}
    assert sum(refused.values()) == 2


async def test_a_connection_lost_twice_between_two_ticks_is_one_gap_over_both(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    await live_second(hearing, clock)
    for moment in (1.9, 2.1):
        clock.now = START + moment
        hearing.connection(up=False)
        clock.now += 0.05
        hearing.connection(up=True)
    clock.now = START + 3
    await hearing.close_windows(clock.now)
    assert spool.gaps()[0] == Gap(START + 1, START + 3, "broker_lost")


async def test_a_clock_that_is_not_set_yet_makes_no_gap_that_ends_before_it_began(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool, heard_until=START + 3_600)
    hearing.connection(up=True)
    await live_second(hearing, clock)
    assert spool.gaps() == []
