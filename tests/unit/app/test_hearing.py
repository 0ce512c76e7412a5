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
from gateway.model import (
    Advert,
    Condition,
    EdgeOrders,
    Gap,
    Lane,
    Press,
    ReceiverEvent,
    ReceiverSource,
    Sealed,
    TagState,
    Window,
)
from gateway.tags.bursts import KNOWN

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
    await hearing.urgent.store_waiting()
    (row,) = spool.of(Kind.PRESS)
    assert row.lane is Lane.URGENT
    assert _one(row, Press) == Press(START, "r-1", f"ibeacon:{UUID}:1:2", -70)
    clock.now += 2.0
    hearing.message(advert(minor=2))
    await hearing.urgent.store_waiting()
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


async def test_strangers_are_counted_and_nothing_else_is_made_of_them(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    await hearing.tell()
    await hearing.close_windows(clock.now)
    for number in range(1_000):
        stranger = {0x004C: bytes.fromhex("1005441cbd08") + number.to_bytes(2, "big")}
        hearing.advert(local(clock, address=f"stranger {number}", company=stranger))
    hearing.follow(EdgeOrders((SOURCE,), (), ()))
    hearing.message(advert())
    clock.now += 1.0
    await hearing.tell()
    await hearing.close_windows(clock.now)
    (window,) = spool.windows()
    assert window.readings == ()
    assert hearing.counts["advert_not_ours"] == 1_001
    assert hearing.adverts_per_s()["pole-1"] > 0


async def test_orders_of_a_hub_that_knows_no_list_let_everybody_through(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    hearing.follow(EdgeOrders((SOURCE,), (f"ibeacon:{UUID}:1:2",)))
    hearing.message(advert(minor=2))
    await hearing.urgent.store_waiting()
    assert len(of(Press, spool.of(Kind.PRESS))) == 1


async def test_a_known_frame_that_waited_goes_before_those_of_strangers(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    for _ in range(4):
        hearing.advert(local(clock, xfeaa=eid()))
        clock.now += 1.0
    for number in range(KNOWN.own_burst + 1):
        hearing.advert(local(clock, xfcd2=SEALED + f"{number:02x}"))
    await hearing.urgent.store_waiting()
    spool.rows.clear()
    clock.now += 3.0
    hearing.advert(local(clock, address="a stranger", xfcd2=SEALED))
    await hearing.tell()
    await hearing.urgent.store_waiting()
    assert [one.address for one in of(Sealed, spool.of(Kind.SEALED))] == [TAG, "a stranger"]


# --- frames that only the hub can read ----------------------------------------------------------


async def test_an_encrypted_frame_is_an_urgent_row_at_once_that_says_who_was_near(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    hearing.advert(local(clock, xfeaa=eid()))
    for _ in range(5):
        hearing.advert(local(clock, xfcd2=SEALED))
        clock.now += 0.1
    await hearing.urgent.store_waiting()
    (row,) = spool.of(Kind.SEALED)
    assert row.lane is Lane.URGENT
    assert of(Sealed, [row]) == [
        Sealed(START, "pole-1", TAG, SEALED, -70, near="eid:0000000000000001")
    ]


async def test_an_encrypted_frame_of_nobody_known_goes_on_too(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    hearing.advert(local(clock, xfcd2=SEALED))
    hearing.advert(local(clock, address=SENSOR, xfcd2=SEALED))
    await hearing.urgent.store_waiting()
    assert [(one.address, one.near) for one in of(Sealed, spool.of(Kind.SEALED))] == [
        (SENSOR, f"bthome:{SENSOR.lower()}"),
        (TAG, ""),
    ]


async def test_while_the_hub_is_away_strangers_frames_go_with_the_windows(
    clock: FakeClock, spool: Remembers
) -> None:
    """Else those of hours would stand before an SOS of the moment when it is back."""
    hearing = hearing_of(clock, spool, lane=Lane.BACKLOG)
    hearing.advert(local(clock, xfcd2=SEALED))
    hearing.advert(local(clock, address=SENSOR, xfcd2=SEALED))
    await hearing.urgent.store_waiting()
    assert [row.lane for row in spool.of(Kind.SEALED)] == [Lane.URGENT, Lane.BACKLOG]


async def test_an_old_frame_that_comes_with_each_later_advert_is_not_sent_for_ever(
    clock: FakeClock, spool: Remembers
) -> None:
    """BlueZ gives what it last knew of a device, for as long as the device is heard."""
    hearing = hearing_of(clock, spool)
    for _ in range(600):
        hearing.advert(local(clock, xfcd2=SEALED, xfeaa=eid()))
        clock.now += 1.0
        await hearing.tell()
        await hearing.urgent.store_waiting()
    assert len(of(Sealed, spool.of(Kind.SEALED))) == 6
    assert hearing.counts["sealed_old"] > 500


async def test_a_flood_of_strangers_does_not_keep_a_known_tag_waiting(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    for _ in range(4):
        hearing.advert(local(clock, xfeaa=eid()))
        clock.now += 1.0
    for number in range(10_000):
        stranger = f"11:22:33:44:{number // 256:02X}:{number % 256:02X}"
        hearing.advert(local(clock, address=stranger, xfeaa=eid(number + 1_000)))
        hearing.advert(local(clock, address=stranger, xfcd2=SEALED))
        clock.now += 60 / 10_000
    hearing.advert(local(clock, xfcd2=SEALED))
    await hearing.urgent.store_waiting()
    first = of(Sealed, spool.of(Kind.SEALED))[0]
    assert (first.address, first.near) == (TAG, "eid:0000000000000001")
    assert len(of(Sealed, spool.of(Kind.SEALED))) < 1_600
    assert hearing.counts["sealed_dropped"] > 7_000


@pytest.mark.parametrize(
    ("frame", "presses"), [("4000013a01", 1), ("4000023a00", 0), ("4000030164", 0)]
)
async def test_a_plain_button_of_a_followed_sensor_is_a_press(
    clock: FakeClock, spool: Remembers, frame: str, presses: int
) -> None:
    hearing = hearing_of(clock, spool)
    for _ in range(3):
        hearing.advert(local(clock, address=SENSOR, xfcd2=frame))
    hearing.advert(local(clock, address=TAG, xfcd2=frame))
    await hearing.urgent.store_waiting()
    pressed = of(Press, spool.of(Kind.PRESS))
    assert [one.identifier for one in pressed] == [f"bthome:{SENSOR.lower()}"] * presses


# --- what tags say of themselves ----------------------------------------------------------------

TLM = "20000b54188000000c8b00003a5e"


async def test_what_a_tag_says_of_itself_is_told_under_what_its_address_sent_before(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    hearing.advert(local(clock, xfeaa=TLM))
    for _ in range(4):
        hearing.advert(local(clock, xfeaa=eid()))
        clock.now += 1.0
    hearing.advert(local(clock, xfeaa=TLM))
    await hearing.tell()
    (state,) = of(TagState, spool.of(Kind.TAG_STATES))
    assert state.identifier == "eid:0000000000000001"
    assert state.values["battery_v"] == 2.9
    assert hearing.counts["states_of_nobody"] == 1


async def test_an_encrypted_state_is_passed_on_as_it_came(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    etlm = "2001" + "ab" * 12 + "1234" + "5678"
    for _ in range(4):
        hearing.advert(local(clock, xfeaa=eid()))
        clock.now += 1.0
    hearing.advert(local(clock, xfeaa=etlm))
    await hearing.tell()
    (state,) = of(TagState, spool.of(Kind.TAG_STATES))
    assert (state.identifier, state.sealed) == ("eid:0000000000000001", etlm)


async def test_a_door_that_opens_is_told_in_the_same_second(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    for frame in ("4000001100", "4000011100", "4000021101"):
        hearing.advert(local(clock, address=SENSOR, xfcd2=frame))
        await hearing.tell()
        clock.now += 60.0
    states = of(TagState, spool.of(Kind.TAG_STATES))
    assert [dict(state.values) for state in states] == [{"opening": 0.0}, {"opening": 1.0}]


async def test_the_battery_that_a_remote_receiver_read_is_told(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    for _ in range(4):
        hearing.message(advert(batt=81))
        clock.now += 1.0
    await hearing.tell()
    (state,) = of(TagState, spool.of(Kind.TAG_STATES))
    assert state == TagState(START + 3, "r-1", f"ibeacon:{UUID}:1:1", {"battery_percent": 81.0})


# --- receivers ----------------------------------------------------------------------------------


async def test_a_receiver_that_goes_is_told_and_so_is_its_coming_back(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    hearing.connection(up=True)
    await live_second(hearing, clock)
    await hearing.tell()
    spool.rows.clear()
    hearing.message(Message("home/OMG_1/LWT", b"offline", retained=False))
    for _ in range(90):
        clock.now += 1.0
        await hearing.tell()
    hearing.message(Message("home/OMG_1/LWT", b"online", retained=False))
    await hearing.tell()
    rows = spool.of(Kind.RECEIVER_EVENTS)
    events = of(ReceiverEvent, rows)
    assert [(one.receiver, one.condition, one.over) for one in events] == [
        ("r-1", Condition.DOWN, False),
        ("r-1", Condition.DOWN, True),
    ]
    assert {row.lane for row in rows} == {Lane.LIVE}


async def test_what_a_scanner_says_of_its_receiver_is_told_and_its_silence_is_no_evidence(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    hearing.running(frozenset({"pole-1", "pole-2"}))
    await hearing.close_windows(clock.now)
    event = ReceiverEvent(clock.now, "pole-1", Condition.LOSES_ADVERTS)
    hearing.receiver_event(event)
    clock.now += 1.0
    hearing.running(frozenset({"pole-1", "pole-2"}))
    await hearing.tell()
    await hearing.close_windows(clock.now)
    assert event in of(ReceiverEvent, spool.of(Kind.RECEIVER_EVENTS))
    assert spool.windows()[-1].alive == ("pole-2",)


async def test_settings_of_a_receiver_that_hide_tags_are_a_problem(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    hearing.message(Message("home/OMG_1/BTtoMQTT", b'{"pubadvdata":false}', retained=False))
    assert "pubadvdata" in hearing.problems()["r-1"]


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
