from zoneinfo import ZoneInfo

import pytest

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
from gateway.lights.sun import Sky
from gateway.lights.validation_program import program_findings
from gateway.lights.validation_values import Finding
from tests.unit.lights.nights import STREET, sky

DUSK_TO_DAWN = AstronomicalPeriod()
LOW = (FixedTimeControl(time="12:00", level=20),)


def hours(start: str, end: str) -> AbsolutePeriod:
    return AbsolutePeriod(start=start, end=end)


def fixed(time: str, level: float = 50) -> FixedTimeControl:
    return FixedTimeControl(time=time, level=level)


def control(operation: Operation, value: float, **changes: object) -> DynamicControl:
    return DynamicControl(operation=operation, value=value, **({"hold_time": 30.0} | changes))


def findings(program: Program, over: Sky | None = None) -> list[Finding]:
    return list(program_findings(program, sky=over, sensors=None))


def errors(program: Program, over: Sky | None = None) -> list[str]:
    return [finding.where for finding in findings(program, over) if not finding.warning]


def warnings(program: Program, over: Sky | None = None) -> list[str]:
    return [finding.where for finding in findings(program, over) if finding.warning]


def of_periods(*periods: ActivePeriod) -> Program:
    return Program(id="p", active_periods=periods)


def of_fixed(*controls: FixedTimeControl, period: ActivePeriod = DUSK_TO_DAWN) -> Program:
    return Program(id="p", active_periods=(period,), fixed_time_controls=controls)


def of_dynamic(*controls: DynamicControl, levels: tuple[FixedTimeControl, ...] = LOW) -> Program:
    return Program(
        id="p",
        active_periods=(DUSK_TO_DAWN,),
        fixed_time_controls=levels,
        dynamic_controls=controls,
    )


def test_a_good_program_has_no_finding() -> None:
    assert findings(STREET, sky()) == []


def test_a_program_without_periods_is_warned_of() -> None:
    assert warnings(of_periods()) == ["activePeriods"]


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (hours("18:00", "23:00"), hours("22:00", "06:00"), True),
        (hours("18:00", "06:00"), hours("05:59", "07:00"), True),
        (hours("23:00", "01:00"), hours("00:30", "00:45"), True),
        (hours("18:00", "06:00"), hours("20:00", "21:00"), True),
        (hours("18:00", "23:00"), hours("23:00", "06:00"), False),
        (hours("05:00", "07:00"), hours("17:00", "00:00"), False),
    ],
)
def test_absolute_periods_that_overlap_are_refused(
    one: AbsolutePeriod, other: AbsolutePeriod, overlap: bool
) -> None:
    expected = ["activePeriods[1]"] if overlap else []
    assert errors(of_periods(one, other)) == expected
    assert errors(of_periods(other, one)) == expected


def test_two_astronomical_periods_are_refused() -> None:
    assert errors(of_periods(DUSK_TO_DAWN, AstronomicalPeriod(sunset_offset=-10))) == [
        "activePeriods[1]"
    ]


def test_a_photocell_within_an_astronomical_period_never_decides() -> None:
    within = AstronomicalAndSensorPeriod(on_below_lx=10, off_above_lx=20)
    wider = AstronomicalAndSensorPeriod(on_below_lx=10, off_above_lx=20, sunset_offset=-30)
    assert errors(of_periods(DUSK_TO_DAWN, within)) == ["activePeriods[1]"]
    assert errors(of_periods(within, DUSK_TO_DAWN)) == ["activePeriods[0]"]
    assert errors(of_periods(DUSK_TO_DAWN, wider)) == []


def test_the_same_period_twice_is_refused() -> None:
    cell = SensorPeriod(on_below_lx=10, off_above_lx=20)
    assert errors(of_periods(cell, cell)) == ["activePeriods[1]"]


def test_hours_that_are_dark_all_year_add_nothing_to_the_sun() -> None:
    assert warnings(of_periods(DUSK_TO_DAWN, hours("22:00", "23:00")), sky()) == [
        "activePeriods[1]"
    ]
    assert warnings(of_periods(hours("05:00", "07:00"), DUSK_TO_DAWN), sky()) == []
    tromso = sky(ZoneInfo("Europe/Oslo"), lon=18.96, lat=69.65)
    at_midnight = of_periods(DUSK_TO_DAWN, hours("00:50", "00:55"))
    assert warnings(at_midnight, sky()) == ["activePeriods[1]"]
    assert warnings(at_midnight, tromso) == [], "the sun does not set there in June"


def test_two_controls_at_one_time_are_refused() -> None:
    program = of_fixed(fixed("23:00"), fixed("05:00", 100), fixed("23:00:00", 30))
    assert errors(program) == ["fixedTimeControls[2]"]


def test_a_control_that_holds_only_by_day_never_shows() -> None:
    program = of_fixed(fixed("11:00", 30), fixed("12:00", 100), fixed("23:00"))
    assert errors(program, sky()) == ["fixedTimeControls[0]"]
    assert errors(program) == [], "without the site's sun, nobody can say"


def test_a_control_by_day_whose_level_the_evening_has_does_show() -> None:
    assert errors(of_fixed(fixed("12:00", 100), fixed("23:00")), sky()) == []


def test_a_control_that_only_winter_shows_is_left_alone() -> None:
    assert errors(of_fixed(fixed("16:45", 80), fixed("17:30", 100)), sky()) == []


def test_a_control_outside_absolute_hours_never_shows() -> None:
    program = of_fixed(
        fixed("20:00"), fixed("07:00", 10), fixed("17:59", 100), period=hours("18:00", "06:00")
    )
    assert errors(program) == ["fixedTimeControls[1]"]


def test_where_a_photocell_may_light_it_any_control_may_show() -> None:
    cell = SensorPeriod(on_below_lx=10, off_above_lx=20)
    assert errors(of_fixed(fixed("11:00", 30), fixed("12:00", 100), period=cell), sky()) == []


@pytest.mark.parametrize(
    ("above", "below", "hidden"),
    [
        (control(Operation.SET, 80), control(Operation.MAX, 90), True),
        (control(Operation.SET, 80), control(Operation.MAX, 90, hold_time=60.0), False),
        (control(Operation.SET, 80), control(Operation.MAX, 90, sensor="lamp-2"), False),
        (control(Operation.MAX, 80), control(Operation.MAX, 60), True),
        (control(Operation.MAX, 80), control(Operation.MAX, 90), False),
        (control(Operation.MIN, 10), control(Operation.MIN, 15), True),
        (control(Operation.MAX, 80), control(Operation.ADD, 10), False),
        (control(Operation.SET, 80), control(Operation.MAX, 90, wave=Wave()), False),
        (control(Operation.SET, 80, wave=Wave()), control(Operation.MAX, 90), True),
    ],
)
def test_a_dynamic_control_that_a_higher_one_undoes_never_shows(
    above: DynamicControl, below: DynamicControl, hidden: bool
) -> None:
    assert errors(of_dynamic(above, below)) == (["dynamicControls[1]"] if hidden else [])


@pytest.mark.parametrize(
    ("one", "idle"),
    [
        (control(Operation.MAX, 20), True),
        (control(Operation.MAX, 21), False),
        (control(Operation.MIN, 20), True),
        (control(Operation.MIN, 10), False),
        (control(Operation.ADD, 0), True),
        (control(Operation.SUB, 1), False),
        (control(Operation.MUL, 1), True),
        (control(Operation.SET, 20), True),
        (control(Operation.SET, 0), False),
    ],
)
def test_a_dynamic_control_that_changes_nothing_is_warned_of(
    one: DynamicControl, idle: bool
) -> None:
    assert warnings(of_dynamic(one)) == (["dynamicControls[0]"] if idle else [])


def test_light_on_demand_over_full_light_is_warned_of() -> None:
    assert warnings(of_dynamic(control(Operation.MAX, 80), levels=())) == ["dynamicControls[0]"]


def test_a_value_out_of_range_is_told_before_the_whole_is_looked_at() -> None:
    assert errors(of_fixed(fixed("23:00", 500), fixed("25:00"), fixed("23:00"))) == [
        "fixedTimeControls[0].level",
        "fixedTimeControls[1].time",
    ]
