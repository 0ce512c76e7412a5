import pytest

from gateway.lamps import LampReading
from gateway.lights.fault_cycles import FRESH_S, Cycles
from gateway.lights.fault_stance import Stance
from gateway.lights.limits import limits_of
from tests.unit.lights.watched import LED


def stance(at: float, *, lit: bool | None = True, wanted: float = 100.0, **more) -> Stance:
    count = more.pop("count", None)
    flags = {"supply_sound": True, "restarted": False, "at_rest": True, "settled": True} | more
    return Stance(LampReading(at, "l-1", switch_on_counter=count), wanted, lit=lit, **flags)


@pytest.fixture
def cycles() -> Cycles:
    return Cycles(limits_of(LED, {}))


def flash(cycles: Cycles, at: float, times: int, *, every_s: float = 100.0) -> list[bool | None]:
    found = []
    for turn in range(times):
        cycles.update(stance(at + turn * every_s, lit=False))
        found.append(cycles.update(stance(at + turn * every_s + 10.0)))
    return found


def test_the_third_time_within_the_hour_is_told(cycles):
    assert flash(cycles, 1_000.0, 4) == [False, False, True, True]


def test_times_that_lie_further_apart_are_not(cycles):
    assert flash(cycles, 1_000.0, 6, every_s=1_900.0) == [False] * 6


def test_neither_lit_nor_dark_is_no_change(cycles):
    for turn in range(10):
        cycles.update(stance(1_000.0 + turn, lit=None if turn % 2 else True))
    assert cycles.counted == 0


def test_what_a_loss_of_supply_explains_is_forgiven_and_what_came_before_is_not(cycles):
    flash(cycles, 1_000.0, 2)
    flash(cycles, 2_000.0, 1)
    cycles.update(stance(2_060.0, restarted=True))
    assert cycles.counted == 2


def test_a_lamp_that_is_to_be_off_says_nothing(cycles):
    assert cycles.update(stance(1_000.0, wanted=0.0, lit=None)) is None


def test_the_counter_tells_what_no_poll_saw(cycles):
    cycles.update(stance(1_000.0, count=5))
    assert cycles.update(stance(1_000.0 + FRESH_S, count=8)) is True


def test_the_counter_and_the_power_do_not_count_the_same_twice(cycles):
    cycles.update(stance(1_000.0, count=5))
    flash(cycles, 1_200.0, 1)
    cycles.update(stance(1_240.0, count=6))
    assert cycles.counted == 1


def test_what_it_counts_soon_after_a_command_may_be_the_command(cycles):
    cycles.update(stance(1_000.0, count=5))
    cycles.update(stance(1_100.0, count=5, wanted=0.0, lit=None))
    cycles.update(stance(1_200.0, count=5))
    cycles.update(stance(1_260.0, count=6))
    assert cycles.counted == 0


def test_a_counter_that_began_anew_is_no_cycle(cycles):
    cycles.update(stance(1_000.0, count=500))
    cycles.update(stance(1_300.0, count=1))
    assert cycles.counted == 0
