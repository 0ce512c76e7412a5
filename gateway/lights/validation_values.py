"""What is wrong with single values of a program: out of range, unreadable, unknown."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

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
)
from gateway.lights.program import FULL, bad_time
from gateway.lights.times import parse_time

OFFSET_MAX_MIN = 360.0
RAMP_MAX_S = 3_600.0
HOLD_MAX_S = 7_200.0
DELAY_MAX_S = 3_600.0
FACTOR_MAX = 10.0
WAVE_HOPS_MAX = 20
WAVE_DELAY_MAX_S = 60.0
PARTS_MAX = 32
"""Periods, fixed controls, dynamic controls: of each."""

HOLD_SHORT_S = 5.0
"""Lamps are asked about motion about once a second; a shorter hold lets them flicker."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a place of a document; see `validation.Problem`."""

    where: str
    what: str
    remedy: str
    warning: bool = False


def value_findings(program: Program) -> Iterator[Finding]:
    """What is wrong with its values, each by itself."""
    for where, parts in (
        ("activePeriods", program.active_periods),
        ("fixedTimeControls", program.fixed_time_controls),
        ("dynamicControls", program.dynamic_controls),
    ):
        if len(parts) > PARTS_MAX:
            yield too_many(where, len(parts), PARTS_MAX)
    yield from _periods(program.active_periods)
    yield from _fixed(program.fixed_time_controls)
    yield from _dynamic(program.dynamic_controls)


def too_many(where: str, count: int, most: int) -> Finding:
    """Of a list that is longer than anybody can mean, and than a gateway should be given."""
    return Finding(
        where, f"{count} are too many", f"write at most {most}; make two documents of it"
    )


def sensor_findings(program: Program, sensors: Collection[str]) -> Iterator[Finding]:
    """Sensors that there are not; `sensors` are the ids of lamps and groups."""
    named = [
        (f"activePeriods[{number}]", period.sensor)
        for number, period in enumerate(program.active_periods)
        if isinstance(period, SensorPeriod | AstronomicalAndSensorPeriod)
    ]
    named += [
        (f"dynamicControls[{number}]", control.sensor)
        for number, control in enumerate(program.dynamic_controls)
    ]
    for where, sensor in named:
        if sensor != "self" and sensor not in sensors:
            yield Finding(
                f"{where}.sensor",
                f"there is no lamp or group {sensor!r}",
                'name a lamp or a group of the site, or "self" for the lamp\'s own sensor',
            )


def _periods(periods: Sequence[ActivePeriod]) -> Iterator[Finding]:
    for number, period in enumerate(periods):
        where = f"activePeriods[{number}]"
        match period:
            case AbsolutePeriod():
                yield from _time(f"{where}.start", period.start)
                yield from _time(f"{where}.end", period.end)
                if period.start == period.end:
                    yield Finding(
                        where,
                        "it ends when it begins: the lamp is lit day and night",
                        "change one of them, if that is not meant",
                        warning=True,
                    )
            case AstronomicalPeriod():
                yield from _offsets(where, period)
            case SensorPeriod():
                yield from _thresholds(where, period)
            case AstronomicalAndSensorPeriod():
                yield from _offsets(where, period)
                yield from _thresholds(where, period)


def _fixed(controls: Sequence[FixedTimeControl]) -> Iterator[Finding]:
    for number, control in enumerate(controls):
        where = f"fixedTimeControls[{number}]"
        yield from _time(f"{where}.time", control.time)
        yield from _between(f"{where}.level", control.level, 0, FULL, "%")
        yield from _between(
            f"{where}.rampToLevelTime", control.ramp_to_level_time, 0, RAMP_MAX_S, "s"
        )


def _dynamic(controls: Sequence[DynamicControl]) -> Iterator[Finding]:
    for number, control in enumerate(controls):
        where = f"dynamicControls[{number}]"
        if control.operation is Operation.MUL:
            yield from _between(f"{where}.value", control.value, 0, FACTOR_MAX, "times")
        else:
            yield from _between(f"{where}.value", control.value, 0, FULL, "%")
        yield from _between(f"{where}.holdTime", control.hold_time, 1, HOLD_MAX_S, "s")
        for key, ramp_s in (
            ("rampToLevelTime", control.ramp_to_level_time),
            ("rampFromLevelTime", control.ramp_from_level_time),
        ):
            yield from _between(f"{where}.{key}", ramp_s, 0, RAMP_MAX_S, "s")
        if 1 <= control.hold_time < HOLD_SHORT_S:
            yield Finding(
                f"{where}.holdTime",
                f"{control.hold_time:g} s is so short that the light may flicker",
                f"hold {HOLD_SHORT_S:g} s or longer",
                warning=True,
            )
        if control.wave is not None:
            yield from _between(f"{where}.wave.hops", control.wave.hops, 1, WAVE_HOPS_MAX, "lamps")
            yield from _between(f"{where}.wave.delay", control.wave.delay, 0, WAVE_DELAY_MAX_S, "s")


def _time(where: str, text: str) -> Iterator[Finding]:
    if parse_time(text) is None:
        fault = bad_time(text)
        yield Finding(where, fault.what, fault.remedy)


def _between(where: str, value: float, least: float, most: float, unit: str) -> Iterator[Finding]:
    if not least <= value <= most:
        yield Finding(
            where, f"{value:g} {unit} is out of range", f"give {least:g} to {most:g} {unit}"
        )


def _offsets(
    where: str, period: AstronomicalPeriod | AstronomicalAndSensorPeriod
) -> Iterator[Finding]:
    for key, offset in (
        ("sunsetOffset", period.sunset_offset),
        ("sunriseOffset", period.sunrise_offset),
    ):
        yield from _between(f"{where}.{key}", offset, -OFFSET_MAX_MIN, OFFSET_MAX_MIN, "min")


def _thresholds(
    where: str, period: SensorPeriod | AstronomicalAndSensorPeriod
) -> Iterator[Finding]:
    yield from _between(f"{where}.delay", period.delay, 0, DELAY_MAX_S, "s")
    if not (isfinite(period.off_above_lx) and 0 < period.on_below_lx < period.off_above_lx):
        yield Finding(
            f"{where}.offAboveLx",
            f"on below {period.on_below_lx:g} lx and off above {period.off_above_lx:g} lx leaves no"
            " room between: the lamp would switch on and off",
            "give onBelowLx above 0, and offAboveLx above it, best twice as much",
        )
