import pytest

from gateway.lamps import LampEvent
from gateway.lamps import LampEventKind as Kind
from gateway.lights.availability import availability

DAY = 86_400.0


def event(kind: Kind, start_h: float, end_h: float | None) -> LampEvent:
    end = None if end_h is None else end_h * 3600
    return LampEvent("l-1", kind, start_h * 3600, {}, end)


def test_a_lamp_without_faults_was_up_all_the_time():
    found = availability([], since=0, until=10 * DAY)
    assert (found.days, found.up, found.faults, found.mttr_h) == (10, 1.0, 0, None)


def test_time_without_light_counts_once_where_faults_overlap():
    events = [
        event(Kind.LAMP_FAILURE, 24, 48),
        event(Kind.CIRCUIT_BREAKER_TRIPPED, 36, 60),
        event(Kind.LAMP_POWER_TOO_LOW, 0, 100),
    ]
    found = availability(events, since=0, until=10 * DAY)
    assert found.up == pytest.approx(1 - 36 / 240)
    assert found.mttr_h == pytest.approx((24 + 24 + 100) / 3)
    assert found.faults == 3


def test_what_lies_beyond_the_window_is_cut_off():
    events = [event(Kind.LAMP_FAILURE, -24, 12), event(Kind.LAMP_FAILURE, 228, None)]
    found = availability(events, since=0, until=10 * DAY)
    assert found.up == pytest.approx(0.9)
    assert found.faults == 1
    assert found.mttr_h == pytest.approx(36)


def test_what_comes_from_the_mains_is_no_repair():
    found = availability([event(Kind.SUPPLY_LOSS, 0, 24)], since=0, until=10 * DAY)
    assert found.up == pytest.approx(0.9)
    assert found.mttr_h is None
