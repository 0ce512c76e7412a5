import pytest

from gateway.lights.documents import DynamicControl, Operation
from gateway.lights.dynamic import (
    PHOTOCELL_STALE_S,
    Motion,
    Photocell,
    Stretch,
    Twilight,
    operate,
)


@pytest.mark.parametrize(
    ("operation", "value", "expected"),
    [
        (Operation.SET, 80, 80),
        (Operation.MAX, 80, 80),
        (Operation.MAX, 20, 50),
        (Operation.MIN, 80, 50),
        (Operation.MIN, 20, 20),
        (Operation.ADD, 30, 80),
        (Operation.ADD, 70, 100),
        (Operation.SUB, 30, 20),
        (Operation.SUB, 70, 0),
        (Operation.MUL, 0.5, 25),
        (Operation.MUL, 3, 100),
    ],
)
def test_an_operation_changes_a_level_of_50(
    operation: Operation, value: float, expected: float
) -> None:
    assert operate(50, DynamicControl(operation=operation, value=value, hold_time=1)) == expected


# --- motion -------------------------------------------------------------------------------------


def moved(*times: float, join_within_s: float = 10.0) -> Motion:
    motion = Motion()
    for at in times:
        motion.update(at, moving=True, join_within_s=join_within_s)
    return motion


def test_a_control_holds_from_the_first_word_of_motion_until_its_time_after_the_last() -> None:
    motion = moved(100, 101, 102)
    assert motion.last(99, hold_s=30, delay_s=0) is None
    assert motion.last(100, hold_s=30, delay_s=0) == Stretch(100, 132)
    assert motion.last(500, hold_s=30, delay_s=0) == Stretch(100, 132)


def test_a_follower_begins_and_ends_later_while_the_motion_goes_on() -> None:
    motion = moved(*range(100, 161))
    assert motion.last(101, hold_s=10, delay_s=2) is None
    for at in range(102, 161):
        stretch = motion.last(at, hold_s=10, delay_s=2)
        assert stretch is not None
        assert stretch.begins == 102
        assert stretch.ends > at
    assert motion.last(161, hold_s=10, delay_s=2) == Stretch(102, 172)


def test_bursts_apart_from_each_other_are_told_apart() -> None:
    motion = moved(100, 200)
    assert motion.last(150, hold_s=20, delay_s=0) == Stretch(100, 120)
    assert motion.last(201, hold_s=20, delay_s=0) == Stretch(200, 220)


def test_bursts_within_the_hold_of_a_control_are_one_stretch_of_it() -> None:
    motion = moved(100, 120, join_within_s=5)
    assert motion.last(121, hold_s=30, delay_s=0) == Stretch(100, 150)


def test_no_motion_is_no_burst() -> None:
    motion = Motion()
    motion.update(100, moving=False, join_within_s=10)
    assert motion.last(101, hold_s=60, delay_s=0) is None


def test_a_word_at_an_earlier_time_makes_it_forget_the_later_ones() -> None:
    motion = moved(1_000)
    motion.update(500, moving=False, join_within_s=10)
    assert motion.last(1_001, hold_s=60, delay_s=0) is None


def test_old_bursts_are_dropped() -> None:
    motion = moved(100, 200)
    assert not motion.forget(150)
    assert motion.last(110, hold_s=60, delay_s=0) is None
    assert motion.forget(201)


# --- photocells ---------------------------------------------------------------------------------


def twilight(delay_s: float = 60) -> Twilight:
    return Twilight(Photocell("self", 10, 20, delay_s))


def answers(cell: Twilight, readings: list[tuple[float, float]]) -> list[bool | None]:
    told = []
    for at, lux in readings:
        cell.update(at, illuminance_lx=lux)
        told.append(cell.dark(at))
    return told


def test_the_first_clear_reading_decides_at_once() -> None:
    assert answers(twilight(), [(0, 15)]) == [None]
    assert answers(twilight(), [(0, 15), (1, 9)]) == [None, True]
    assert answers(twilight(), [(0, 21)]) == [False]


def test_a_change_must_last_for_the_delay() -> None:
    readings = [(0.0, 50.0), (10.0, 5.0), (60.0, 5.0), (70.0, 5.0)]
    assert answers(twilight(), readings) == [False, False, False, True]


def test_a_cloud_that_is_shorter_than_the_delay_changes_nothing() -> None:
    readings = [(0.0, 50.0), (10.0, 5.0), (40.0, 50.0), (50.0, 5.0), (100.0, 5.0), (110.0, 5.0)]
    assert answers(twilight(), readings) == [False, False, False, False, False, True]


def test_between_the_thresholds_nothing_changes() -> None:
    readings = [(0.0, 5.0), (100.0, 15.0), (200.0, 19.9), (300.0, 20.1), (360.0, 20.1)]
    assert answers(twilight(), readings) == [True, True, True, True, False]


def test_its_own_light_does_not_make_it_flicker() -> None:
    cell = twilight(delay_s=0)
    lit, switches = False, 0
    for at in range(1_000):
        cell.update(at, illuminance_lx=8 + (6 if lit else 0))
        now = bool(cell.dark(at))
        switches += now != lit
        lit = now
    assert (lit, switches) == (True, 1)


def test_a_photocell_that_was_silent_for_long_says_nothing() -> None:
    cell = twilight()
    cell.update(0, illuminance_lx=5)
    assert cell.dark(PHOTOCELL_STALE_S) is True
    assert cell.dark(PHOTOCELL_STALE_S + 1) is None
    cell.update(10_000, illuminance_lx=50)
    assert cell.dark(10_000) is False


def test_a_clock_that_goes_back_starts_the_delay_anew() -> None:
    cell = twilight()
    assert answers(cell, [(10_000, 50), (10_010, 5), (9_900, 5), (9_955, 5), (9_960, 5)]) == [
        False,
        False,
        False,
        False,
        True,
    ]
