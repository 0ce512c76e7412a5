"""What is wrong with a program as a whole: parts that overlap, and parts that never show."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate, combinations, pairwise

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
from gateway.lights.program import FULL
from gateway.lights.program_words import operation_words
from gateway.lights.sun import Sky
from gateway.lights.times import DAY_S, seconds_of
from gateway.lights.validation_values import Finding, sensor_findings, value_findings

_MINUTES = DAY_S // 60
_A_YEAR = [date(2028, 1, 1) + timedelta(days=number) for number in range(366)]

DarkPeriod = AstronomicalPeriod | AstronomicalAndSensorPeriod


def program_findings(
    program: Program, *, sky: Sky | None, sensors: Collection[str] | None
) -> Iterator[Finding]:
    """Single values first; the whole only where each can be read. See `validation.check`."""
    values = list(value_findings(program))
    yield from values
    if sensors is not None:
        yield from sensor_findings(program, sensors)
    if any(not finding.warning for finding in values):
        return
    if not program.active_periods:
        yield Finding(
            "activePeriods", "there is none: the lamp is never lit", "add one", warning=True
        )
    yield from _overlaps(program.active_periods)
    if sky is not None:
        yield from _always_dark(program.active_periods, sky)
    yield from _same_time(program.fixed_time_controls)
    yield from _never_shown(program, sky)
    yield from _hidden(program.dynamic_controls)
    yield from _without_effect(program)


def _overlaps(periods: Sequence[ActivePeriod]) -> Iterator[Finding]:
    """Of each two of them."""
    for (_, one), (number, other) in combinations(enumerate(periods), 2):
        where = f"activePeriods[{number}]"
        match one, other:
            case AbsolutePeriod(), AbsolutePeriod() if _meet(one, other):
                yield Finding(
                    where,
                    f"{other.start}-{other.end} overlaps {one.start}-{one.end}",
                    "make one period of them, or let one end where the other begins",
                )
            case AstronomicalPeriod(), AstronomicalPeriod():
                yield Finding(where, "a second astronomical period overlaps the first", "keep one")
            case AstronomicalPeriod(), AstronomicalAndSensorPeriod() if _covers(one, other):
                yield _idle_photocell(where)
            case AstronomicalAndSensorPeriod(), AstronomicalPeriod() if _covers(other, one):
                yield _idle_photocell(f"activePeriods[{periods.index(one)}]")
            case _ if one == other:
                yield Finding(where, "it is the same as an earlier one", "delete it")


def _meet(one: AbsolutePeriod, other: AbsolutePeriod) -> bool:
    return any(
        begins < other_ends and other_begins < ends
        for begins, ends in _in_a_day(one)
        for other_begins, other_ends in _in_a_day(other)
    )


def _in_a_day(period: AbsolutePeriod) -> list[tuple[int, int]]:
    """Seconds of the day that it covers; two stretches where it goes through midnight."""
    start, end = seconds_of(period.start), seconds_of(period.end)
    return [(start, end)] if start < end else [(start, DAY_S), (0, end)]


def _covers(steady: AstronomicalPeriod, other: AstronomicalAndSensorPeriod) -> bool:
    return (
        steady.sunset_offset <= other.sunset_offset
        and steady.sunrise_offset >= other.sunrise_offset
    )


def _idle_photocell(where: str) -> Finding:
    return Finding(
        where,
        "its photocell never decides: an astronomical period covers all of it",
        "delete one of the two, or make the astronomical one shorter",
    )


def _always_dark(periods: Sequence[ActivePeriod], sky: Sky) -> Iterator[Finding]:
    """Absolute periods that add nothing to an astronomical one, on any day of the year."""
    astronomical = [period for period in periods if isinstance(period, AstronomicalPeriod)]
    for number, period in enumerate(periods):
        if not (isinstance(period, AbsolutePeriod) and astronomical):
            continue
        lit = _minutes_of_every_day(astronomical, sky)
        if all(all(lit[begins // 60 : -(-ends // 60)]) for begins, ends in _in_a_day(period)):
            yield Finding(
                f"activePeriods[{number}]",
                f"{period.start}-{period.end} adds nothing: it is dark then on every day of the"
                " year, and the astronomical period covers it",
                "delete it",
                warning=True,
            )


def _minutes_of_every_day(periods: Sequence[DarkPeriod], sky: Sky) -> list[bool]:
    """The minutes of a day that one of them covers wholly on each day of the year."""
    nights = [_nights_at(period, sky, wholly=True) for period in periods]
    return [any(count == len(_A_YEAR) for count in counts) for counts in zip(*nights, strict=True)]


def _minutes_of_some_day(periods: Sequence[DarkPeriod], sky: Sky) -> list[bool]:
    """The minutes of a day of which one of them covers something on some day of the year."""
    nights = [_nights_at(period, sky, wholly=False) for period in periods]
    return [any(counts) for counts in zip(*nights, strict=True)]


def _nights_at(period: DarkPeriod, sky: Sky, *, wholly: bool) -> list[int]:
    """Of each minute of a day, how many nights of a year cover it."""
    changes = [0] * (2 * _MINUTES + 2)
    for day in _A_YEAR:
        night = _local_minutes(period, day, sky)
        if night is not None:
            begins, minutes = night
            changes[begins + wholly] += 1
            changes[begins + minutes + (0 if wholly else 2)] -= 1
    nights = list(accumulate(changes))
    return [nights[minute] + nights[minute + _MINUTES] for minute in range(_MINUTES)]


def _local_minutes(period: DarkPeriod, day: date, sky: Sky) -> tuple[int, int] | None:
    """The minute of the day at which it begins, and its length."""
    dark = sky.dark(day)
    if dark is None:
        return None
    begins = datetime.fromtimestamp(dark.begins + period.sunset_offset * 60, sky.zone)
    length_s = dark.ends - dark.begins + (period.sunrise_offset - period.sunset_offset) * 60
    if length_s <= 0:
        return None
    return begins.hour * 60 + begins.minute, min(_MINUTES, int(length_s / 60))


def _same_time(controls: Sequence[FixedTimeControl]) -> Iterator[Finding]:
    seen: dict[int, int] = {}
    for number, control in enumerate(controls):
        first = seen.setdefault(seconds_of(control.time), number)
        if first != number:
            yield Finding(
                f"fixedTimeControls[{number}]",
                f"fixedTimeControls[{first}] is at {control.time}, too: which one is meant?",
                "delete one, or change its time",
            )


def _never_shown(program: Program, sky: Sky | None) -> Iterator[Finding]:
    """Fixed controls that hold only while the lamp is never lit."""
    lit = _lit_minutes(program.active_periods, sky)
    if lit is None:
        return
    ordered = sorted(
        (seconds_of(control.time), number)
        for number, control in enumerate(program.fixed_time_controls)
    )
    for (second, number), (after, following) in pairwise([*ordered, *ordered[:1]]):
        until = after if after > second else after + DAY_S
        if any(lit[minute % _MINUTES] for minute in range(second // 60, -(-until // 60))):
            continue
        control, ends = program.fixed_time_controls[number], program.fixed_time_controls[following]
        yield Finding(
            f"fixedTimeControls[{number}]",
            f"{control.time} → {control.level:g} % never shows: until {ends.time} the lamp is not"
            " lit on any day of the year",
            "delete it, or change its time or the active periods",
        )


def _lit_minutes(periods: Sequence[ActivePeriod], sky: Sky | None) -> list[bool] | None:
    """The minutes of a day at which it may be lit; None where that cannot be said."""
    by_sun = [period for period in periods if isinstance(period, DarkPeriod)]
    if any(isinstance(period, SensorPeriod) for period in periods) or not periods:
        return None
    if by_sun and sky is None:
        return None
    lit = _minutes_of_some_day(by_sun, sky) if sky and by_sun else [False] * _MINUTES
    for period in periods:
        if isinstance(period, AbsolutePeriod):
            for begins, ends in _in_a_day(period):
                lit[begins // 60 : -(-ends // 60)] = [True] * (-(-ends // 60) - begins // 60)
    return lit


def _hidden(controls: Sequence[DynamicControl]) -> Iterator[Finding]:
    """Dynamic controls that a higher one undoes whenever they hold."""
    for (above, one), (number, other) in combinations(enumerate(controls), 2):
        if _holds_whenever(one, other) and _undoes(one, other):
            yield Finding(
                f"dynamicControls[{number}]",
                f"{operation_words(other)} never shows: dynamicControls[{above}]"
                f" ({operation_words(one)}) stands higher and holds as long, on the same sensor",
                "move it up, let it hold longer, or delete it",
            )


def _holds_whenever(one: DynamicControl, other: DynamicControl) -> bool:
    """Does `one` hold whenever `other` does?"""
    reaches = one.wave == other.wave or (other.wave is None and one.sensor == "self")
    return one.sensor == other.sensor and one.hold_time >= other.hold_time and reaches


def _undoes(one: DynamicControl, other: DynamicControl) -> bool:
    match one.operation, other.operation:
        case Operation.SET, _:
            return True
        case Operation.MAX, Operation.MAX:
            return other.value <= one.value
        case Operation.MIN, Operation.MIN:
            return other.value >= one.value
        case _:
            return False


def _without_effect(program: Program) -> Iterator[Finding]:
    """Dynamic controls that change no level that the program has."""
    levels = [control.level for control in program.fixed_time_controls] or [FULL]
    last = len(program.dynamic_controls) - 1
    for number, control in enumerate(program.dynamic_controls):
        lowest, highest = (min(levels), max(levels)) if number == last else (0.0, FULL)
        match control.operation:
            case Operation.MAX:
                idle = control.value <= lowest
            case Operation.MIN:
                idle = control.value >= highest
            case Operation.MUL:
                idle = control.value == 1
            case Operation.ADD | Operation.SUB:
                idle = control.value == 0
            case Operation.SET:
                idle = levels == [control.value] * len(levels) and number == last
        if idle:
            yield Finding(
                f"dynamicControls[{number}]",
                f"{operation_words(control)} changes nothing: the program's levels are"
                f" {min(levels):g} to {max(levels):g} %",
                "give another value, or add fixedTimeControls with a lower level",
                warning=True,
            )
