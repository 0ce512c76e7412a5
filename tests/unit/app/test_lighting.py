from dataclasses import replace

import msgspec
import pytest_asyncio
import structlog

from gateway.app.lamp_rows import OPEN_EVENTS
from gateway.app.lighting import READINGS_EVERY_S
from gateway.lamps import Authority, LampEvent, LampEventKind
from gateway.lights.bus_words import Failure
from gateway.lights.orders import Overrides
from gateway.link.envelope import Kind
from gateway.model import Lane
from tests.unit.app.lit_street import (
    FALLBACK_LEVEL,
    NOW,
    PROGRAM_LEVEL,
    WATCHDOG_S,
    Street,
    lamp_order,
    light_orders,
)
from tests.unit.app.town import until
from tests.unit.lights.deciding import override

BOOT = 12.0  # a clock that was not set
STAFF = Authority.STAFF


@pytest_asyncio.fixture
async def street() -> Street:
    """Its orders have come, and each lamp has its level."""
    made = Street()
    made.lighting.order(light_orders())
    await made.passes(0)
    return made


async def test_without_orders_no_lamp_is_polled_or_told_anything() -> None:
    street = Street()
    await street.passes(5)
    assert (street.known(), street.commands(), street.spool.rows) == (set(), [], [])


async def test_each_lamp_is_told_its_level_its_own_fallback_and_its_watchdog(
    street: Street,
) -> None:
    told = [(one.lamp, one.level, one.fallback_level, one.watchdog_s) for one in street.commands()]
    settings = (PROGRAM_LEVEL, FALLBACK_LEVEL, WATCHDOG_S)
    assert told == [(lamp, *settings) for lamp in ("l-1", "l-2", "l-3")]
    assert {one.lamp for one in street.buses["bus-2"].lamps} == {"l-3"}


async def test_a_lamp_that_has_its_level_is_left_alone(street: Street) -> None:
    for _ in range(20):
        street.poll("l-1")
        await street.passes(1)
    assert len(street.commands("l-1")) == 1


async def test_an_override_is_told_and_acknowledged_when_the_lamp_follows(street: Street) -> None:
    await street.say(override("o-1", 20.0, STAFF, "l-1", "l-3", made_at=NOW))
    assert (street.level("l-1"), street.level("l-3")) == (20, 20)
    assert street.level("l-2") == PROGRAM_LEVEL
    assert street.outcomes() == []
    street.poll("l-1")
    await street.passes(0)
    assert street.outcomes() == [("o-1", "l-1", "done", "")]
    street.poll("l-3")
    await street.passes(0)
    assert street.outcomes()[1:] == [("o-1", "l-3", "done", "")]
    assert {row.lane for row in street.told(Kind.OUTCOMES)} == {Lane.URGENT}
    await street.passes(601)
    assert street.level("l-1") == PROGRAM_LEVEL


async def test_a_lamp_that_does_not_answer_is_said_to_have_failed_and_later_done(
    street: Street,
) -> None:
    street.buses["bus-1"].failing["l-1"] = Failure.SILENCE
    await street.say(override("o-1", 20.0, made_at=NOW))
    street.poll("l-1", Failure.SILENCE)
    await street.passes(2.0)
    assert street.outcomes() == [("o-1", "l-1", "failed", "no_answer")]
    street.buses["bus-1"].failing.clear()
    for _ in range(2):
        street.poll("l-1")
        await street.passes(1)
    assert street.outcomes()[1:] == [("o-1", "l-1", "done", "")]


async def test_a_bus_that_is_down_is_the_reason_of_the_failure(street: Street) -> None:
    street.buses["bus-1"].failing["l-1"] = Failure.BUS_DOWN
    await street.say(override("o-1", 20.0, made_at=NOW))
    await street.passes(2.0)
    assert street.outcomes() == [("o-1", "l-1", "failed", "bus_down")]


async def test_what_ended_while_the_process_was_away_is_not_said_to_have_failed(
    street: Street,
) -> None:
    done = override("o-1", 20.0, STAFF, "l-1", made_at=NOW - 10_000)
    street.lighting.order(Overrides((done,)), stored=True)
    await street.passes(5)
    assert street.outcomes() == []


async def test_orders_of_an_unknown_time_zone_leave_the_lamps_to_the_last_ones(
    street: Street,
) -> None:
    beyond = light_orders(lamp_order("l-9"), version=2)
    street.lighting.order(msgspec.structs.replace(beyond, time_zone="Mars/Olympus"))
    with structlog.testing.capture_logs() as logs:
        await street.passes(1)
    assert [one["version"] for one in logs if one["log_level"] == "error"] == [2]
    street.poll("l-1", motion=True)
    await street.passes(1)
    assert street.level("l-1") == 90
    street.lighting.order(light_orders(version=3))
    await street.passes(30)
    assert street.level("l-1") == PROGRAM_LEVEL


async def test_a_lamp_that_was_away_is_told_everything_again(street: Street) -> None:
    for _ in range(3):
        street.poll("l-1", Failure.SILENCE)
        await street.passes(1)
    before = len(street.commands("l-1"))
    street.poll("l-1", feedback_level=FALLBACK_LEVEL)
    await street.passes(1)
    assert len(street.commands("l-1")) > before
    assert street.commands("l-1")[before].watchdog_s == WATCHDOG_S


async def test_readings_are_told_when_they_are_news_and_once_a_minute_in_one_row(
    street: Street,
) -> None:
    for second in range(int(READINGS_EVERY_S) + 10):
        for lamp in ("l-1", "l-2"):
            street.poll(lamp, temperature_c=30.0 + second / 10)
        await street.passes(1)
    rows = [
        msgspec.json.decode(row.items, type=list[dict[str, object]])
        for row in street.told(Kind.LAMP_READINGS)
    ]
    assert [sorted(str(one["lamp"]) for one in row) for row in rows] == [["l-1", "l-2"]] * 2
    first = street.readings()[0]
    assert (first.target_level, first.authority) == (PROGRAM_LEVEL, Authority.PROGRAM)
    assert first.reason


async def test_a_change_of_level_is_news(street: Street) -> None:
    street.poll("l-1")
    await street.passes(1)
    await street.say(override("o-1", 20.0, made_at=NOW))
    for actual_level in (PROGRAM_LEVEL, PROGRAM_LEVEL - 3, 20.0):
        street.poll("l-1", actual_level=actual_level)
        await street.passes(1)
    told = [(one.authority, one.target_level, one.actual_level) for one in street.readings()]
    assert told == [
        (Authority.PROGRAM, PROGRAM_LEVEL, PROGRAM_LEVEL),
        (STAFF, 20.0, PROGRAM_LEVEL),
        (STAFF, 20.0, 20.0),
    ]


async def test_motion_is_obeyed_by_the_lamp_that_saw_it(street: Street) -> None:
    street.poll("l-1")
    street.poll("l-1", motion=True)
    await street.passes(0)
    assert (street.level("l-1"), street.level("l-2")) == (90, PROGRAM_LEVEL)


# --- faults -------------------------------------------------------------------------------------


async def break_lamp(street: Street) -> None:
    """l-1 takes no power though it should be lit, until that is told."""
    for _ in range(120):
        street.poll("l-1", active_power_w=0.5)
        await street.passes(1)
        if street.events():
            return


async def test_a_fault_is_told_with_the_faults_that_are_open_in_one_row(street: Street) -> None:
    await break_lamp(street)
    (row,) = street.told(Kind.LAMP_EVENTS)
    assert row.lane is Lane.URGENT
    assert row.documents[OPEN_EVENTS] == row.items
    assert street.events()[0].kind is LampEventKind.LAMP_FAILURE


async def test_a_lamp_that_answers_no_command_is_missed_though_it_is_never_polled(
    street: Street,
) -> None:
    """A bus polls what fails ever more seldom: each command that is not answered counts, too."""
    street.buses["bus-1"].failing["l-1"] = Failure.SILENCE
    await street.say(override("o-1", 30.0, made_at=NOW))
    for _ in range(60):
        await street.passes(1)
    assert [(one.lamp, one.kind) for one in street.events()] == [
        ("l-1", LampEventKind.COMMUNICATION_FAILURE)
    ]


async def test_a_fault_that_the_last_process_told_is_ended_by_this_one() -> None:
    known = LampEvent("l-1", LampEventKind.LAMP_FAILURE, NOW - 3_600, {"active_power_w": 0.5})
    street = Street(open_events=(known,))
    street.lighting.order(light_orders())
    for _ in range(120):
        await street.passes(1)
        street.poll("l-1")
    (ended,) = street.events()
    assert (ended.kind, ended.start) == (known.kind, known.start)
    assert ended.end is not None
    assert street.told(Kind.LAMP_EVENTS)[0].documents[OPEN_EVENTS] == b"[]"


async def test_faults_of_a_lamp_that_is_no_longer_ours_are_over(street: Street) -> None:
    await break_lamp(street)
    street.lighting.order(light_orders(lamp_order("l-2"), version=2))
    await street.passes(1)
    begun, ended = street.events()
    assert (ended.start, ended.end) == (begun.start, street.clock.now)
    assert street.known() == {"l-2"}


async def test_a_clock_that_is_set_makes_no_faults(street: Street) -> None:
    for _ in range(5):
        street.poll("l-1", active_power_w=0.5)
        await street.passes(1)
    street.clock.now += 7_200  # and no time has passed
    await street.passes(0)
    street.poll("l-1", active_power_w=0.5)
    await street.passes(1)
    street.poll("l-1")
    await street.passes(1)
    assert street.events() == []


# --- orders that change, and clocks that are wrong ----------------------------------------------


async def test_a_lamp_that_cannot_be_driven_is_told_and_the_others_are_driven() -> None:
    street = Street()
    odd = [
        lamp_order("l-4", bus="bus-9"),
        lamp_order("l-5", profile="nobody"),
        lamp_order("l-6", lamp_type="gas"),
    ]
    street.lighting.order(light_orders(*odd, lamp_order("l-1")))
    with structlog.testing.capture_logs() as logs:
        await street.passes(0)
    assert {one.lamp for one in street.commands()} == street.known() == {"l-1"}
    told = {str(one["lamps"]): str(one["reason"]) for one in logs if "reason" in one}
    assert "[edge.buses] has no bus-9" in told["['l-4']"]
    assert "no profile nobody" in told["['l-5']"]
    assert "no type gas" in told["['l-6']"]


async def test_changed_orders_keep_what_is_known_of_a_lamp(street: Street) -> None:
    street.poll("l-1")
    await street.passes(1)
    changed = lamp_order("l-1", fallback_level=50.0, limits={"temperature_c": 50.0})
    street.lighting.order(light_orders(changed, version=2))
    await street.passes(1)
    assert street.commands("l-1")[-1].fallback_level == 50.0
    street.poll("l-1")
    await street.passes(1)
    assert len(street.readings()) == 1, "it is no news"


async def test_with_a_clock_that_is_not_set_lamps_have_their_fallback_and_nothing_is_told() -> None:
    street = Street(now=BOOT)
    street.lighting.order(Overrides((override("o", 0.0, made_at=NOW),)), stored=True)
    street.lighting.order(light_orders())
    for _ in range(3):
        await street.passes(1)
        street.poll("l-1", active_power_w=0.5)
    assert street.level("l-1") == FALLBACK_LEVEL
    assert street.spool.rows == []
    street.clock.now = NOW
    await street.passes(1)
    assert (street.level("l-1"), street.level("l-2")) == (0, PROGRAM_LEVEL)
    assert street.readings() == [], "that was at another time"
    street.poll("l-1")
    await street.passes(1)
    assert [one.at for one in street.readings()] == [NOW + 1]


# --- what runs, and what breaks -----------------------------------------------------------------


async def test_orders_that_come_while_it_runs_are_obeyed_at_once() -> None:
    street = Street()
    async with street.running():
        street.lighting.order(light_orders())
        await until(lambda: street.level("l-3") == PROGRAM_LEVEL)
        street.poll("l-3")
        street.lighting.order(Overrides((override("o", 20.0, STAFF, "l-3", made_at=NOW),)))
        await until(lambda: street.level("l-3") == 20)
        await until(lambda: len(street.readings()) == 1)


async def test_a_bus_that_fails_leaves_the_others_alone_and_is_counted() -> None:
    street = Street()
    street.buses["bus-2"].breaks = True
    async with street.running():
        street.lighting.order(light_orders())
        await until(lambda: street.level("l-1") == PROGRAM_LEVEL)
        await until(lambda: street.lighting.counts["bus_bus-2_failed"] == 1)
        assert street.buses["bus-1"].runs == 1


async def test_a_status_has_the_buses() -> None:
    street = Street()
    street.buses["bus-1"].counts["polls"] = 7
    assert street.lighting.silent_s() == {"bus-1": 0.5, "bus-2": 0.5}
    assert street.lighting.problems() == {}
    assert street.lighting.counts == {"bus-1_polls": 7}


async def test_a_status_says_why_a_bus_is_down_and_for_how_long() -> None:
    street = Street()
    bus = street.buses["bus-2"]
    bus.told = replace(bus.told, up=False, problem="plug the adapter in", silent_s=None)
    street.clock.passed_s += 90.0
    assert street.lighting.silent_s() == {"bus-1": 0.5, "bus-2": 90.0}
    assert street.lighting.problems() == {"bus-2": "plug the adapter in"}
