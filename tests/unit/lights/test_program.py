from datetime import date
from zoneinfo import ZoneInfo

import pytest

from gateway.lights.calendar import Fault
from gateway.lights.documents import (
    AbsolutePeriod,
    ActivePeriod,
    AstronomicalAndSensorPeriod,
    AstronomicalPeriod,
    DynamicControl,
    FixedTimeControl,
    Operation,
    Program,
    SensorPeriod,
    Wave,
)
from gateway.lights.program import Schedule, Step, read_program
from gateway.lights.program_words import dynamic_words
from gateway.lights.sun import Sky
from gateway.lights.times import night_bounds
from tests.unit.lights.nights import BERLIN, STREET, TOKYO, shown, sky

NIGHT = date(2026, 11, 20)


def steps_of(
    program: Program, night: date = NIGHT, over: Sky | None = None, *, day_offset_h: float = 12.0
) -> tuple[Step, ...]:
    over = over or sky()
    bounds = night_bounds(night, over.zone, day_offset_h=day_offset_h)
    steps = Schedule(program).night(bounds, night, over)
    assert [steps[0].at, *(step.until for step in steps)] == [
        *(step.at for step in steps),
        bounds[1],
    ]
    assert steps[0].at == bounds[0]
    return steps


def levels(steps: tuple[Step, ...], zone: ZoneInfo = TOKYO) -> list[tuple[str, float]]:
    """When each begins, as HH:MM:SS of the site, and its level."""
    return [(shown(step.at, zone)[11:19], step.level) for step in steps]


def lit(*periods: ActivePeriod, controls: tuple[FixedTimeControl, ...] = ()) -> Program:
    return Program(id="p", active_periods=periods, fixed_time_controls=controls)


def test_a_street_is_full_half_and_full_again_from_sunset_to_sunrise() -> None:
    steps = steps_of(STREET)
    assert levels(steps) == [
        ("12:00:00", 0),
        ("16:23:33", 100),
        ("23:00:00", 50),
        ("05:00:00", 100),
        ("06:20:42", 0),
    ]
    assert [step.reason for step in steps] == [
        "street: off until sunset 16:24",
        "street: sunset 16:24 → 100 %",
        "street: 23:00 → 50 %",
        "street: 05:00 → 100 %",
        "street: off until sunset 16:23",
    ]


def test_a_ramp_belongs_to_the_step_that_its_control_begins() -> None:
    controls = (
        FixedTimeControl(time="23:00", level=50, ramp_to_level_time=60),
        FixedTimeControl(time="05:00", level=100, ramp_to_level_time=30),
    )
    steps = steps_of(lit(AstronomicalPeriod(), controls=controls))
    assert [step.ramp_s for step in steps] == [0, 0, 60, 30, 0]


def test_without_controls_it_is_lit_in_full() -> None:
    assert [level for _, level in levels(steps_of(lit(AstronomicalPeriod())))] == [0, 100, 0]


def test_offsets_move_sunset_and_sunrise() -> None:
    steps = steps_of(lit(AstronomicalPeriod(sunset_offset=-30, sunrise_offset=15)))
    assert levels(steps) == [("12:00:00", 0), ("15:53:33", 100), ("06:35:42", 0)]
    assert steps[1].reason == "p: sunset -30 min 15:54 → 100 %"


def test_offsets_that_leave_nothing_leave_it_off() -> None:
    steps = steps_of(lit(AstronomicalPeriod(sunset_offset=420, sunrise_offset=-420)))
    assert levels(steps) == [("12:00:00", 0)]


def test_an_absolute_period_goes_through_midnight() -> None:
    steps = steps_of(lit(AbsolutePeriod(start="18:00", end="06:00")))
    assert levels(steps) == [("12:00:00", 0), ("18:00:00", 100), ("06:00:00", 0)]
    assert steps[1].reason == "p: 18:00 → 100 %"


def test_periods_add_up_and_what_is_lit_already_does_not_change() -> None:
    steps = steps_of(lit(AbsolutePeriod(start="16:00", end="17:00"), AstronomicalPeriod()))
    assert levels(steps) == [("12:00:00", 0), ("16:00:00", 100), ("06:20:42", 0)]


def test_a_period_that_begins_when_another_ends_leaves_no_gap() -> None:
    steps = steps_of(
        lit(AbsolutePeriod(start="18:00", end="21:00"), AbsolutePeriod(start="21:00", end="23:00"))
    )
    assert levels(steps) == [("12:00:00", 0), ("18:00:00", 100), ("23:00:00", 0)]


def test_a_day_that_begins_at_midnight_has_the_end_of_a_night_and_the_beginning_of_one() -> None:
    steps = steps_of(STREET, day_offset_h=0)
    assert levels(steps) == [
        ("00:00:00", 50),
        ("05:00:00", 100),
        ("06:19:40", 0),
        ("16:23:33", 100),
        ("23:00:00", 50),
    ]
    assert steps[0].reason == "street: 23:00 → 50 %"


def test_a_lamp_may_be_off_for_a_part_of_the_night() -> None:
    controls = (
        FixedTimeControl(time="01:00", level=0),
        FixedTimeControl(time="04:30", level=80),
    )
    assert levels(steps_of(lit(AstronomicalPeriod(), controls=controls))) == [
        ("12:00:00", 0),
        ("16:23:33", 80),
        ("01:00:00", 0),
        ("04:30:00", 80),
        ("06:20:42", 0),
    ]


def test_controls_may_stand_in_any_order() -> None:
    turned = Program(
        id="street",
        active_periods=STREET.active_periods,
        fixed_time_controls=STREET.fixed_time_controls[::-1],
    )
    assert levels(steps_of(turned)) == levels(steps_of(STREET))


def test_without_periods_it_is_never_lit() -> None:
    steps = steps_of(lit())
    assert levels(steps) == [("12:00:00", 0)]
    assert steps[0].reason == "p: off"


@pytest.mark.parametrize(
    ("night", "expected"),
    [
        (date(2026, 3, 28), [("18:00:00", 100), ("03:00:00", 30), ("06:00:00", 0)]),
        (date(2026, 10, 24), [("18:00:00", 100), ("02:30:00", 30), ("06:00:00", 0)]),
    ],
)
def test_controls_hold_on_nights_when_the_clocks_change(
    night: date, expected: list[tuple[str, float]]
) -> None:
    controls = (
        FixedTimeControl(time="02:30", level=30),
        FixedTimeControl(time="12:00", level=100),
    )
    program = lit(AbsolutePeriod(start="18:00", end="06:00"), controls=controls)
    steps = steps_of(program, night, sky(BERLIN, lon=13.4, lat=52.5))
    assert levels(steps, BERLIN) == [("12:00:00", 0), *expected]


def test_an_hour_that_comes_twice_is_lit_twice() -> None:
    program = lit(AbsolutePeriod(start="02:30", end="03:30"))
    steps = steps_of(program, date(2026, 10, 24), sky(BERLIN, lon=13.4, lat=52.5))
    assert steps[1].until - steps[1].at == 2 * 3600


def test_a_period_that_the_clocks_leave_out_is_not_lit() -> None:
    program = lit(AbsolutePeriod(start="02:10", end="02:50"))
    steps = steps_of(program, date(2026, 3, 28), sky(BERLIN, lon=13.4, lat=52.5))
    assert levels(steps, BERLIN) == [("12:00:00", 0)]


def test_the_polar_night_is_lit_without_a_break_and_the_polar_day_not_at_all() -> None:
    tromso = sky(ZoneInfo("Europe/Oslo"), lon=18.96, lat=69.65)
    winter = steps_of(lit(AstronomicalPeriod()), date(2026, 12, 20), tromso)
    assert [step.level for step in winter] == [100]
    assert winter[0].reason == "p: noon 11:42 → 100 %"
    assert [
        step.level for step in steps_of(lit(AstronomicalPeriod()), date(2026, 6, 20), tromso)
    ] == [0]


def test_a_photocell_within_the_night_is_planned_as_dark_and_said() -> None:
    period = AstronomicalAndSensorPeriod(on_below_lx=10, off_above_lx=20, sensor="lamp-7")
    steps = steps_of(lit(period))
    assert levels(steps) == [("12:00:00", 0), ("16:23:33", 100), ("06:20:42", 0)]
    assert [step.by_sensor for step in steps] == [
        "",
        "photocell of lamp-7: on below 10 lx, off above 20 lx",
        "",
    ]


def test_a_photocell_alone_may_light_it_by_day_and_is_planned_by_the_sun() -> None:
    steps = steps_of(lit(SensorPeriod(on_below_lx=10, off_above_lx=20)))
    assert levels(steps) == [("12:00:00", 0), ("16:23:33", 100), ("06:20:42", 0)]
    assert {step.by_sensor for step in steps} == {"its photocell: on below 10 lx, off above 20 lx"}


def test_a_photocell_does_not_matter_where_another_period_covers() -> None:
    period = AstronomicalAndSensorPeriod(
        on_below_lx=10, off_above_lx=20, sunset_offset=-60, sunrise_offset=60
    )
    steps = steps_of(lit(AstronomicalPeriod(), period))
    assert [bool(step.by_sensor) for step in steps] == [False, True, False, True, False]


def test_motion_is_said_only_where_it_may_matter() -> None:
    control = DynamicControl(operation=Operation.MAX, value=80, hold_time=30, wave=Wave(hops=3))
    program = Program(id="p", active_periods=(AstronomicalPeriod(),), dynamic_controls=(control,))
    words = "motion here and 3 lamps around: at least 80 %, held 30 s"
    assert dynamic_words(control) == words
    assert [step.by_sensor for step in steps_of(program)] == ["", words, ""]


def test_an_unreadable_time_is_told_not_raised() -> None:
    control = FixedTimeControl(time="25:00", level=10)
    fault = read_program(lit(AstronomicalPeriod(), controls=(control,)))
    assert isinstance(fault, Fault)
    assert "25:00" in fault.what
    assert isinstance(read_program(lit(AbsolutePeriod(start="1800", end="06:00"))), Fault)
    assert isinstance(read_program(STREET), Schedule)
