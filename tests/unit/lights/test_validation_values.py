from math import inf, nan

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
from gateway.lights.validation_values import sensor_findings, value_findings
from tests.unit.lights.nights import STREET


def places(program: Program) -> list[str]:
    return [finding.where for finding in value_findings(program)]


def of_period(period: ActivePeriod) -> Program:
    return Program(id="p", active_periods=(period,))


def of_control(**changes: object) -> Program:
    given = {"operation": Operation.MAX, "value": 80.0, "hold_time": 30.0}
    return Program(
        id="p", active_periods=(), dynamic_controls=(DynamicControl(**(given | changes)),)
    )


def test_good_values_are_left_alone() -> None:
    assert places(STREET) == []
    assert places(of_control(wave=Wave())) == []


@pytest.mark.parametrize(
    ("period", "where"),
    [
        (AbsolutePeriod(start="24:00", end="06:00"), ".start"),
        (AbsolutePeriod(start="18:00", end="6"), ".end"),
        (AbsolutePeriod(start="18:00", end="18:00"), ""),
        (AstronomicalPeriod(sunset_offset=361), ".sunsetOffset"),
        (AstronomicalPeriod(sunrise_offset=nan), ".sunriseOffset"),
        (SensorPeriod(on_below_lx=20, off_above_lx=20), ".offAboveLx"),
        (SensorPeriod(on_below_lx=0, off_above_lx=20), ".offAboveLx"),
        (SensorPeriod(on_below_lx=10, off_above_lx=inf), ".offAboveLx"),
        (SensorPeriod(on_below_lx=10, off_above_lx=20, delay=-1), ".delay"),
        (
            AstronomicalAndSensorPeriod(on_below_lx=10, off_above_lx=20, sunset_offset=-900),
            ".sunsetOffset",
        ),
        (AstronomicalAndSensorPeriod(on_below_lx=30, off_above_lx=20), ".offAboveLx"),
    ],
)
def test_a_periods_bad_value_is_told(period: ActivePeriod, where: str) -> None:
    assert places(of_period(period)) == [f"activePeriods[0]{where}"]


@pytest.mark.parametrize(
    ("control", "where"),
    [
        (FixedTimeControl(time="23.00", level=50), "time"),
        (FixedTimeControl(time="23:00", level=101), "level"),
        (FixedTimeControl(time="23:00", level=-1), "level"),
        (FixedTimeControl(time="23:00", level=nan), "level"),
        (FixedTimeControl(time="23:00", level=50, ramp_to_level_time=3601), "rampToLevelTime"),
    ],
)
def test_a_fixed_controls_bad_value_is_told(control: FixedTimeControl, where: str) -> None:
    program = Program(id="p", active_periods=(), fixed_time_controls=(control,))
    assert places(program) == [f"fixedTimeControls[0].{where}"]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"value": 101.0}, "value"),
        ({"operation": Operation.MUL, "value": 11.0}, "value"),
        ({"hold_time": 0.0}, "holdTime"),
        ({"hold_time": 2.0}, "holdTime"),
        ({"hold_time": 7_201.0}, "holdTime"),
        ({"ramp_to_level_time": -1.0}, "rampToLevelTime"),
        ({"ramp_from_level_time": inf}, "rampFromLevelTime"),
        ({"wave": Wave(hops=0)}, "wave.hops"),
        ({"wave": Wave(delay=61)}, "wave.delay"),
    ],
)
def test_a_dynamic_controls_bad_value_is_told(changes: dict[str, object], where: str) -> None:
    assert places(of_control(**changes)) == [f"dynamicControls[0].{where}"]


def test_a_short_hold_is_only_warned_of() -> None:
    (finding,) = value_findings(of_control(hold_time=2.0))
    assert finding.warning


def test_more_parts_than_anybody_can_mean_are_refused() -> None:
    many = (FixedTimeControl(time="23:00", level=50),) * 33
    assert places(Program(id="p", active_periods=(), fixed_time_controls=many)) == [
        "fixedTimeControls"
    ]
    assert places(Program(id="p", active_periods=(AstronomicalPeriod(),) * 33)) == ["activePeriods"]


def test_a_sensor_that_there_is_not_is_told() -> None:
    program = Program(
        id="p",
        active_periods=(SensorPeriod(on_below_lx=10, off_above_lx=20, sensor="lamp-9"),),
        dynamic_controls=(
            DynamicControl(operation=Operation.MAX, value=80, hold_time=30, sensor="entrance"),
            DynamicControl(operation=Operation.MAX, value=80, hold_time=30),
        ),
    )
    known = sensor_findings(program, {"entrance"})
    assert [finding.where for finding in known] == ["activePeriods[0].sensor"]
    assert len(list(sensor_findings(program, set()))) == 2
    assert list(sensor_findings(program, {"entrance", "lamp-9"})) == []
