"""Sealed frames and presses: at once, within their room, whatever the crowd."""

import pytest

from gateway.link.envelope import Kind
from gateway.model import (
    Lane,
    Press,
    Sealed,
)
from gateway.tags.bursts import KNOWN
from tests.unit.app.hearing_pieces import (
    SEALED,
    SENSOR,
    START,
    TAG,
    FakeClock,
    Remembers,
    eid,
    hearing_of,
    local,
    of,
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def spool() -> Remembers:
    return Remembers()


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
