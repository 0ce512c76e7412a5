from datetime import date

from gateway.lamps import LampEvent
from gateway.lamps import LampEventKind as Kind
from gateway.lights.morning import URGENCY, morning_report

SINCE, UNTIL = 1_000_000.0, 1_043_200.0
LAMPS = ["l-1", "l-2", "l-3", "l-4"]


def report(events, **more):
    given = {"lamps": LAMPS, "heard": LAMPS} | more
    return morning_report(date(2026, 4, 1), since=SINCE, until=UNTIL, events=events, **given)


def test_a_fault_seen_in_the_night_is_still_there_though_it_is_over():
    over = LampEvent("l-1", Kind.LAMP_FAILURE, SINCE + 60, {"active_power_w": 0.4}, SINCE + 600)
    assert report([over]).faults == (over,)


def test_a_fault_from_before_that_stays_is_there_and_one_that_was_over_is_not():
    stays = LampEvent("l-1", Kind.LAMP_FAILURE, SINCE - 86_400, {})
    before = LampEvent("l-2", Kind.LAMP_FAILURE, SINCE - 86_400, {}, SINCE - 60)
    after = LampEvent("l-3", Kind.LAMP_FAILURE, UNTIL + 60, {})
    assert report([stays, before, after]).faults == (stays,)


def test_what_endangers_comes_first_then_darkness():
    events = [
        LampEvent("l-1", Kind.POWER_FACTOR_TOO_LOW, SINCE + 1, {}),
        LampEvent("l-2", Kind.LAMP_FAILURE, SINCE + 2, {}),
        LampEvent("l-3", Kind.LEAKAGE_DETECTED, SINCE + 3, {}),
    ]
    assert [event.lamp for event in report(events).faults] == ["l-3", "l-2", "l-1"]


def test_lamps_are_counted_once_a_kind():
    events = [
        LampEvent("l-1", Kind.LAMP_FAILURE, SINCE + 1, {}, SINCE + 2),
        LampEvent("l-1", Kind.LAMP_FAILURE, SINCE + 3, {}),
        LampEvent("l-2", Kind.LAMP_FAILURE, SINCE + 3, {}),
    ]
    found = report(events)
    assert found.counts == {Kind.LAMP_FAILURE: 2}
    assert (found.lamps, found.sound) == (4, 2)


def test_lamps_that_nobody_heard_are_named_and_not_called_sound():
    found = report([], heard=["l-1", "of another site"])
    assert found.unheard == ("l-2", "l-3", "l-4")
    assert found.sound == 1


def test_events_of_lamps_that_are_gone_are_left_out():
    assert report([LampEvent("old", Kind.LAMP_FAILURE, SINCE, {})]).faults == ()


def test_every_kind_has_its_urgency():
    assert set(URGENCY) == set(Kind)
