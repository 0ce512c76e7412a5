"""One clock, real or simulated."""

import time

import pytest

from gateway.clock import EARLIEST_TRUE_TIME, Clock


def test_a_plain_clock_tells_the_time_of_the_machine() -> None:
    before = time.time()
    assert before <= Clock().utc() <= time.time()


def test_a_simulated_clock_runs_from_its_start_at_its_rate() -> None:
    anchor = time.time() - 10.0
    clock = Clock(start=EARLIEST_TRUE_TIME, anchor=anchor, rate=60.0)
    elapsed_s = clock.utc() - EARLIEST_TRUE_TIME
    assert 600.0 <= elapsed_s <= (time.time() - anchor) * 60.0


def test_processes_with_the_same_numbers_tell_the_same_time() -> None:
    numbers = {"start": EARLIEST_TRUE_TIME, "anchor": time.time(), "rate": 1.0}
    assert Clock(**numbers).utc() == pytest.approx(Clock(**numbers).utc(), abs=0.1)


def test_intervals_grow_at_the_rate_of_the_clock() -> None:
    clock = Clock(start=EARLIEST_TRUE_TIME, rate=10.0)
    before = time.monotonic()
    assert before * 10.0 <= clock.monotonic() <= time.monotonic() * 10.0


def test_a_gateway_that_boots_in_1970_knows_that_its_clock_is_wrong() -> None:
    now = time.time()
    assert not Clock(start=0.0, anchor=now).synced()
    assert Clock(start=EARLIEST_TRUE_TIME, anchor=now).synced()
