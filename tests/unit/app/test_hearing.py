"""What is heard becomes windows, presses and gaps."""

import pytest

from gateway.link.envelope import Kind
from gateway.link.topics import Message
from gateway.model import (
    Condition,
    EdgeOrders,
    Gap,
    Lane,
    Press,
    ReceiverEvent,
    TagState,
)
from tests.unit.app.hearing_pieces import (
    SENSOR,
    SOURCE,
    START,
    UUID,
    FakeClock,
    Remembers,
    advert,
    eid,
    hearing_of,
    live_second,
    local,
    of,
    one_of,
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def spool() -> Remembers:
    return Remembers()


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
    assert one_of(row, Press) == Press(START, "r-1", f"ibeacon:{UUID}:1:2", -70)
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
