"""A program's night: steps without holes, each with its level, its reason, and what may change it.

Periods and controls recur every day of the clocks; a night is cut out of them. So a period that
goes through the end of a night goes on in the next, where that has the same program.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from gateway.lamps import Authority
from gateway.lights.calendar import Fault
from gateway.lights.documents import (
    AbsolutePeriod,
    ActivePeriod,
    AstronomicalAndSensorPeriod,
    DynamicControl,
    FixedTimeControl,
    Operation,
    Program,
    SensorPeriod,
)
from gateway.lights.dynamic import Photocell
from gateway.lights.sun import Dark, Sky
from gateway.lights.times import clock, instant, minute, parse_time, seconds_of

FULL = 100.0


@dataclass(frozen=True, slots=True)
class Cell:
    """A photocell that may light the lamp in a step; `unheard` says whether it is lit where the
    photocell says nothing.
    """

    photocell: Photocell
    unheard: bool


@dataclass(frozen=True, slots=True)
class Step:
    """From `at` until `until` (Unix seconds) this `level`, where no sensor says otherwise.

    `by_sensor` says in words what sensors may change, empty where nothing. `lit_level` is the level
    where it is lit; it is lit where `steady`, or one of the `cells` says so.
    """

    at: float
    until: float
    level: float
    program: str
    reason: str
    ramp_s: float = 0.0
    authority: Authority = Authority.PROGRAM
    by_sensor: str = ""
    lit_level: float = FULL
    steady: bool = False
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A time that an active period covers. `cell` decides within it, where there is one."""

    begins: float
    ends: float
    begin_words: str
    end_words: str
    cell: Photocell | None = None


class Lighting:
    """A program, read once; `night` cuts a night out of it. Its times must be readable: see
    `read_program`.
    """

    def __init__(self, program: Program, *, authority: Authority = Authority.PROGRAM) -> None:
        self.program = program
        self._authority = authority
        self.photocells = tuple(
            _photocell(period)
            for period in program.active_periods
            if isinstance(period, SensorPeriod | AstronomicalAndSensorPeriod)
        )
        self._always = [
            _photocell(period)
            for period in program.active_periods
            if isinstance(period, SensorPeriod)
        ]
        self._controls = sorted(
            ((seconds_of(control.time), control) for control in program.fixed_time_controls),
            key=_second,
        )
        self._dynamic_words = "; ".join(dynamic_words(one) for one in program.dynamic_controls)

    def night(self, bounds: tuple[float, float], night: date, sky: Sky) -> tuple[Step, ...]:
        """The steps from the first bound to the second."""
        begins, ends = bounds
        days = [night + timedelta(days=number) for number in (-1, 0, 1, 2)]
        spans = [span for span in self._spans(days, sky) if span.begins < span.ends]
        switches = list(self._switches(days, sky))
        edges = {begins, ends}
        edges.update(at for at, _ in switches)
        for span in spans:
            edges.update((span.begins, span.ends))
        inside = sorted(edge for edge in edges if begins <= edge <= ends)
        steps: list[Step] = []
        for at, until in pairwise(inside):
            step = self._step(at, until, spans, switches, sky)
            if steps and _same(steps[-1], step):
                steps[-1] = replace(steps[-1], until=until)
            else:
                steps.append(step)
        return tuple(steps)

    def _spans(self, days: Sequence[date], sky: Sky) -> Iterator[Span]:
        """Of every period on these days, as long as they are."""
        for period in self.program.active_periods:
            for day in days:
                if isinstance(period, AbsolutePeriod):
                    yield _absolute_span(period, day, sky)
                elif (dark := sky.dark(day)) is not None:
                    yield _dark_span(period, dark, sky)

    def _switches(self, days: Sequence[date], sky: Sky) -> Iterator[tuple[float, FixedTimeControl]]:
        """When each control begins on these days, in order."""
        for day in days:
            for second, control in self._controls:
                yield instant(day, second, sky.zone), control

    def _step(
        self,
        at: float,
        until: float,
        spans: Sequence[Span],
        switches: Sequence[tuple[float, FixedTimeControl]],
        sky: Sky,
    ) -> Step:
        covering = [span for span in spans if span.begins <= at < span.ends]
        cells = [Cell(span.cell, unheard=True) for span in covering if span.cell]
        cells += [
            Cell(cell, unheard=False)
            for cell in self._always
            if not any(one.photocell == cell for one in cells)
        ]
        past = [switch for switch in switches if switch[0] <= at]
        switched_at, control = past[-1] if past else (0.0, None)
        lit_level = control.level if control else FULL
        steady = any(span.cell is None for span in covering)
        begun = min(covering, key=_begins, default=None)
        if begun is None:
            words = _dark_words(at, spans)
        elif control and switched_at > begun.begins:
            words = f"{clock(switched_at, sky.zone)} → {lit_level:g} %"
        else:
            words = f"{begun.begin_words} → {lit_level:g} %"
        return Step(
            at,
            until,
            lit_level if covering else 0.0,
            self.program.id,
            f"{self.program.id}: {words}",
            ramp_s=control.ramp_to_level_time if control and switched_at == at else 0.0,
            authority=self._authority,
            by_sensor=self._sensor_words(lit=bool(covering), steady=steady, cells=cells),
            lit_level=lit_level,
            steady=steady,
            cells=() if steady else tuple(cells),
        )

    def _sensor_words(self, *, lit: bool, steady: bool, cells: Sequence[Cell]) -> str:
        if not (lit or cells):
            return ""
        words = [] if steady else [photocell_words(cell.photocell) for cell in cells]
        return "; ".join([*words, self._dynamic_words] if self._dynamic_words else words)


def read_program(program: Program) -> Lighting | Fault:
    """The program made ready, or what makes it unusable."""
    times = [control.time for control in program.fixed_time_controls]
    for period in program.active_periods:
        if isinstance(period, AbsolutePeriod):
            times += (period.start, period.end)
    bad = next((text for text in times if parse_time(text) is None), None)
    return Lighting(program) if bad is None else bad_time(bad)


def bad_time(text: str) -> Fault:
    """Of a text that is no time of day."""
    return Fault(
        f"{text!r} is no time of day",
        'write the local time as "HH:MM" or "HH:MM:SS", from 00:00 to 23:59:59',
    )


def photocell_words(cell: Photocell) -> str:
    """What a photocell does, for staff."""
    whose = "its photocell" if cell.sensor == "self" else f"photocell of {cell.sensor}"
    return f"{whose}: on below {cell.on_below_lx:g} lx, off above {cell.off_above_lx:g} lx"


def dynamic_words(control: DynamicControl) -> str:
    """What a dynamic control does, for staff."""
    where = "here" if control.sensor == "self" else f"at {control.sensor}"
    wave = f" and {control.wave.hops} lamps around" if control.wave else ""
    effect = operation_words(control)
    return f"motion {where}{wave}: {effect}, held {control.hold_time:g} s"


def operation_words(control: DynamicControl) -> str:
    """ "at least 80 %"."""
    value = f"{control.value:g}"
    return {
        Operation.SET: f"{value} %",
        Operation.MAX: f"at least {value} %",
        Operation.MIN: f"at most {value} %",
        Operation.ADD: f"{value} % more",
        Operation.SUB: f"{value} % less",
        Operation.MUL: f"× {value}",
    }[control.operation]


def _photocell(period: SensorPeriod | AstronomicalAndSensorPeriod) -> Photocell:
    return Photocell(period.sensor, period.on_below_lx, period.off_above_lx, period.delay)


def _absolute_span(period: AbsolutePeriod, day: date, sky: Sky) -> Span:
    start, end = seconds_of(period.start), seconds_of(period.end)
    last = day if end > start else day + timedelta(days=1)
    begins, ends = instant(day, start, sky.zone), instant(last, end, sky.zone)
    return Span(begins, ends, clock(begins, sky.zone), clock(ends, sky.zone))


def _dark_span(period: ActivePeriod, dark: Dark, sky: Sky) -> Span:
    cell = None
    before = after = 0.0
    if not isinstance(period, AbsolutePeriod | SensorPeriod):
        before, after = period.sunset_offset, period.sunrise_offset
    if isinstance(period, SensorPeriod | AstronomicalAndSensorPeriod):
        cell = _photocell(period)
    begins, ends = dark.begins + before * 60, dark.ends + after * 60
    begin = "sunset" if dark.sunset else "noon, the sun stays down,"
    end = "sunrise" if dark.sunrise else "noon, the sun stays down,"
    return Span(
        begins,
        ends,
        f"{begin}{_offset(before)} {minute(begins, sky.zone)}",
        f"{end}{_offset(after)} {minute(ends, sky.zone)}",
        cell,
    )


def _offset(minutes: float) -> str:
    return f" {minutes:+g} min" if minutes else ""


def _dark_words(at: float, spans: Sequence[Span]) -> str:
    coming = min((span for span in spans if span.begins > at), key=_begins, default=None)
    return "off" if coming is None else f"off until {coming.begin_words}"


def _begins(span: Span) -> float:
    return span.begins


def _second(switch: tuple[int, FixedTimeControl]) -> int:
    return switch[0]


def _same(one: Step, other: Step) -> bool:
    """But for when and why."""
    return (one.level, one.lit_level, one.steady, one.cells, one.by_sensor) == (
        other.level,
        other.lit_level,
        other.steady,
        other.cells,
        other.by_sensor,
    ) or (not one.by_sensor and not other.by_sensor and one.level == other.level == 0)
