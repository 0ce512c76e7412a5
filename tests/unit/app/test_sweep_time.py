"""A clock that leaps ahead deletes nothing, until somebody vouches for it."""

import pytest

from gateway.app.sweep_time import LEAP_S, SweepTime
from gateway.clock import Clock

DAY_S = 86_400.0


class LeapingClock(Clock):
    """Two clocks that the test moves."""

    def __init__(self) -> None:
        super().__init__()
        self.at, self.passed = 1_000 * DAY_S, 50.0

    def utc(self) -> float:
        """As the test says."""
        return self.at

    def monotonic(self) -> float:
        """As the test says."""
        return self.passed

    def wait(self, seconds: float) -> None:
        """Time passes, on both."""
        self.at += seconds
        self.passed += seconds


class Hub:
    """A hub that was stepped to the beginning of the test before it started."""

    def __init__(self, *, newest: float | None = 1_000 * DAY_S) -> None:
        self.clock = LeapingClock()
        self.vouched = False
        self.time = SweepTime(self.clock, vouched=lambda: self.vouched)
        self.time.begin(newest)


def test_a_clock_that_runs_is_believed() -> None:
    hub = Hub()
    for _ in range(10):
        hub.clock.wait(600.0)
        assert hub.time.now() == hub.clock.at


def test_a_clock_that_leaps_ahead_moves_nothing_but_the_time_that_passed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hub = Hub()
    before = hub.time.now()
    hub.clock.at += 27_000 * DAY_S
    for passed in (0.0, 600.0, 1_200.0):
        assert hub.time.now() == pytest.approx(before + passed)
        hub.clock.wait(600.0)
    assert capsys.readouterr().out.count("days ahead") == 1


def test_a_start_years_after_the_last_step_is_not_believed_until_a_time_server_vouches() -> None:
    hub = Hub(newest=10.0)
    assert hub.time.now() == 10.0
    hub.vouched = True
    assert hub.time.now() == hub.clock.at


def test_what_is_believed_once_stays_when_the_time_server_is_gone() -> None:
    hub = Hub(newest=10.0)
    hub.vouched = True
    hub.time.now()
    hub.vouched = False
    hub.clock.wait(600.0)
    assert hub.time.now() == hub.clock.at


def test_a_hub_that_was_off_over_a_weekends_night_is_believed() -> None:
    hub = Hub(newest=1_000 * DAY_S - LEAP_S + 1.0)
    assert hub.time.now() == hub.clock.at


def test_a_clock_that_is_set_back_is_believed_and_may_come_again() -> None:
    hub = Hub()
    hub.clock.at += 27_000 * DAY_S
    hub.time.now()
    hub.clock.at -= 27_000 * DAY_S
    assert hub.time.now() == hub.clock.at


def test_a_leap_that_nobody_mends_in_a_week_is_believed() -> None:
    hub = Hub(newest=10.0)
    for _ in range(7 * 144):
        assert hub.time.now() < 8 * DAY_S
        hub.clock.wait(600.0)
    assert hub.time.now() == hub.clock.at


def test_a_new_database_has_nothing_to_lose() -> None:
    hub = Hub(newest=None)
    assert hub.time.now() == hub.clock.at
