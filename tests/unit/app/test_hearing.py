"""What is heard becomes windows, presses and gaps."""

import pytest

from gateway.clock import ClockSetting
from gateway.link.envelope import Kind
from gateway.link.outbox_file import Append
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


async def test_a_broker_found_lost_long_after_its_last_word_is_a_gap_since_then(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    for _ in range(20):
        await live_second(hearing, clock)
    hearing.connection(up=False, silent_s=12.5)
    clock.now += 1.0
    hearing.connection(up=True)
    await live_second(hearing, clock)
    assert spool.gaps()[0] == Gap(START + 7, START + 21, "broker_lost")


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


# --- a clock that is set ------------------------------------------------------------------------

HOUR_S = 3_600.0


def by_setting(spool: Remembers) -> list[tuple[str, float, float, ClockSetting | None]]:
    return [(row.kind, row.since, row.until, row.setting) for row in spool.rows]


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S, 0.7])
async def test_what_was_heard_before_the_clock_was_set_keeps_the_old_time_and_its_name(
    clock: FakeClock, spool: Remembers, by_s: float
) -> None:
    hearing, old = hearing_of(clock, spool), clock.setting
    await live_second(hearing, clock)
    hearing.message(advert())
    clock.now += 0.5
    clock.set(by_s, hearing)
    hearing.message(advert())
    clock.now += 1.0
    await hearing.close_windows(clock.now)
    heard = [
        (window.second, row.setting)
        for row, window in zip(spool.of(Kind.SIGHTINGS), spool.windows(), strict=True)
        if window.readings
    ]
    begun = int(START + 1.5 + by_s)
    assert heard == [(START, old), (START + 1, old), (begun, clock.setting)]
    assert spool.gaps() == []


async def test_what_has_no_time_yet_is_no_heartbeat_and_the_gap_since_the_last_waits(
    clock: FakeClock, spool: Remembers
) -> None:
    clock.now, clock.set_by_s, clock.known = 40.0, 40.0 - START, False
    hearing, unset = hearing_of(clock, spool, heard_until=START - 600), clock.setting
    hearing.connection(up=True)
    for _ in range(3):
        await live_second(hearing, clock)
    assert spool.gaps() == []
    assert {row.heartbeat for row in spool.rows} == {None}
    assert [window.synced for window in spool.windows()] == [False] * 3
    clock.set(START - 43.0, hearing)  # it is START now, so the first was heard at START - 3
    await live_second(hearing, clock)
    assert spool.gaps() == [Gap(START - 600, START - 3, "restart")]
    assert spool.of(Kind.GAP)[0].setting == clock.setting
    assert [row.setting for row in spool.of(Kind.SIGHTINGS)] == [unset] * 3 + [clock.setting]
    assert spool.rows[-1].heartbeat == START + 1


async def test_a_clock_that_is_known_before_anything_is_heard_leaves_the_ordinary_gap(
    clock: FakeClock, spool: Remembers
) -> None:
    clock.now, clock.set_by_s, clock.known = 40.0, 40.0 - START, False
    hearing = hearing_of(clock, spool, heard_until=START - 600)
    clock.set(START - 40.0, hearing)
    hearing.connection(up=True)
    await live_second(hearing, clock)
    assert spool.gaps() == [Gap(START - 600, START, "restart")]


async def test_a_gap_over_a_clock_that_was_set_has_its_true_length(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    await live_second(hearing, clock)
    hearing.connection(up=False)
    for second in range(20):
        clock.now += 1.0
        await hearing.close_windows(clock.now)
        if second == 10:
            clock.set(HOUR_S, hearing)
    hearing.connection(up=True)
    await live_second(hearing, clock)
    since, until = START + 1 + HOUR_S, START + 21 + HOUR_S
    assert [(gap.since, gap.until) for gap in spool.gaps()] == [(since, until)]


async def test_a_press_that_waits_while_the_clock_is_set_is_told_by_the_new_time(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    hearing.message(advert(minor=2))
    clock.now += 2.0
    clock.set(HOUR_S, hearing)
    await hearing.urgent.store_waiting()
    (row,) = spool.of(Kind.PRESS)
    assert one_of(row, Press).at == row.since == START + HOUR_S
    assert row.setting == clock.setting


async def test_events_and_states_that_wait_while_the_clock_is_set_are_of_now(
    clock: FakeClock, spool: Remembers
) -> None:
    hearing = hearing_of(clock, spool)
    hearing.receiver_event(ReceiverEvent(clock.now, "pole-1", Condition.DOWN))
    hearing.advert(local(clock, address=SENSOR, xfcd2="4001642d01"))
    clock.set(HOUR_S, hearing)
    await hearing.tell()
    (event,) = of(ReceiverEvent, spool.of(Kind.RECEIVER_EVENTS))
    (state,) = of(TagState, spool.of(Kind.TAG_STATES))
    assert event.at == state.at == START + HOUR_S


async def test_a_clock_set_while_a_window_is_on_its_way_to_the_disk_changes_nothing_of_it(
    clock: FakeClock,
) -> None:
    class Slow(Remembers):
        async def put(self, row: Append) -> None:
            if not self.rows:
                clock.set(HOUR_S, hearing)
            await super().put(row)

    spool = Slow()
    hearing, old = hearing_of(clock, spool), clock.setting
    hearing.message(advert())
    clock.now += 1.0
    hearing.message(advert())
    clock.now += 1.0
    await hearing.close_windows(clock.now)
    heard = [one for one in by_setting(spool) if one[0] == Kind.SIGHTINGS]
    assert heard[:2] == [(Kind.SIGHTINGS, START + n, START + n + 1, old) for n in (0, 1)]
