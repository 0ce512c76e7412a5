"""A program's night: steps without holes, each with its level, its reason, and what may change it.

Periods and controls recur every day of the clocks; a night is cut out of them. So a period that
goes through the end of a night goes on in the next, where that has the same program.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from gateway.lamps import Authority
from gateway.lights.calendar import Fault
from gateway.lights.documents import AbsolutePeriod, FixedTimeControl, Program, SensorPeriod
from gateway.lights.dynamic import Photocell
from gateway.lights.program_spans import Span, photocell_of, spans_of
from gateway.lights.program_words import dynamic_words, photocell_words
from gateway.lights.sun import Sky
from gateway.lights.times import instant, parse_time, seconds_of

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


class _State(NamedTuple):
    """A step without its times: the fields are Step's."""

    level: float
    reason: str
    ramp_s: float
    by_sensor: str
    lit_level: float
    steady: bool
    cells: tuple[Cell, ...]

    def same(self, other: "_State") -> bool:
        """For the lamp, whatever the reason was."""
        if self.level == other.level == 0 and not (self.by_sensor or other.by_sensor):
            return True
        return (self.level, self.lit_level, self.steady, self.cells, self.by_sensor) == (
            other.level,
            other.lit_level,
            other.steady,
            other.cells,
            other.by_sensor,
        )


class Schedule:
    """A program, read once; `night` cuts a night out of it. Its times must be readable: see
    `read_program`.
    """

    def __init__(self, program: Program, *, authority: Authority = Authority.PROGRAM) -> None:
        self.program = program
        self._authority = authority
        cells = [(period, photocell_of(period)) for period in program.active_periods]
        self.photocells = tuple(cell for _, cell in cells if cell is not None)
        self._always = [
            Cell(cell, unheard=False)
            for period, cell in cells
            if cell and isinstance(period, SensorPeriod)
        ]
        self._words = {cell: photocell_words(cell) for cell in self.photocells}
        self._controls = sorted(
            ((seconds_of(control.time), control) for control in program.fixed_time_controls),
            key=_first,
        )
        self._dynamic_words = "; ".join(dynamic_words(one) for one in program.dynamic_controls)

    def night(self, bounds: tuple[float, float], night: date, sky: Sky) -> tuple[Step, ...]:
        """The steps from the first bound to the second."""
        begins, ends = bounds
        days = [night + timedelta(days=number) for number in (-1, 0, 1, 2)]
        spans = list(spans_of(self.program.active_periods, days, sky))
        switches = [
            (instant(day, second, sky.zone), control)
            for day in days[:-1]
            for second, control in self._controls
        ]
        edges = {begins, *map(_begins, spans), *map(_ends, spans)}
        edges.update(
            at
            for at, _ in switches
            if self._always or any(span.begins < at < span.ends for span in spans)
        )
        states: list[tuple[float, _State]] = []
        for at in sorted(edge for edge in edges if begins <= edge < ends):
            state = self._state(at, spans, switches, sky)
            if not states or not state.same(states[-1][1]):
                states.append((at, state))
        return tuple(self._steps(states, ends))

    def _steps(self, states: Sequence[tuple[float, _State]], ends: float) -> Iterator[Step]:
        until = [at for at, _ in states[1:]] + [ends]
        for (at, state), end in zip(states, until, strict=True):
            yield Step(
                at,
                end,
                state.level,
                self.program.id,
                state.reason,
                state.ramp_s,
                self._authority,
                state.by_sensor,
                state.lit_level,
                state.steady,
                state.cells,
            )

    def _state(
        self,
        at: float,
        spans: Sequence[Span],
        switches: Sequence[tuple[float, FixedTimeControl]],
        sky: Sky,
    ) -> _State:
        covering = [span for span in spans if span.begins <= at < span.ends]
        steady = any(span.cell is None for span in covering)
        cells = () if steady or not self.photocells else tuple(self._cells(covering))
        switched = bisect_right(switches, at, key=_first)
        switched_at, control = switches[switched - 1] if switched else (0.0, None)
        lit_level = control.level if control else FULL
        begun = min(covering, key=_begins, default=None)
        if begun is None:
            coming = min((span for span in spans if span.begins > at), key=_begins, default=None)
            words = f"off until {coming.begin_words(sky)}" if coming else "off"
        elif control and switched_at > begun.begins:
            words = f"{control.time} → {lit_level:g} %"
        else:
            words = f"{begun.begin_words(sky)} → {lit_level:g} %"
        return _State(
            level=lit_level if covering else 0.0,
            reason=f"{self.program.id}: {words}",
            ramp_s=control.ramp_to_level_time if control and switched_at == at else 0.0,
            by_sensor=self._sensor_words(cells) if covering or cells else "",
            lit_level=lit_level,
            steady=steady,
            cells=cells,
        )

    def _cells(self, covering: Sequence[Span]) -> Iterator[Cell]:
        inside = [span.cell for span in covering if span.cell]
        yield from (Cell(cell, unheard=True) for cell in inside)
        yield from (cell for cell in self._always if cell.photocell not in inside)

    def _sensor_words(self, cells: Sequence[Cell]) -> str:
        words = [self._words[cell.photocell] for cell in cells]
        return "; ".join([*words, self._dynamic_words] if self._dynamic_words else words)


def read_program(program: Program) -> Schedule | Fault:
    """The program made ready, or what makes it unusable."""
    times = [control.time for control in program.fixed_time_controls]
    for period in program.active_periods:
        if isinstance(period, AbsolutePeriod):
            times += (period.start, period.end)
    bad = next((text for text in times if parse_time(text) is None), None)
    return Schedule(program) if bad is None else bad_time(bad)


def bad_time(text: str) -> Fault:
    """Of a text that is no time of day."""
    return Fault(
        f"{text!r} is no time of day",
        'write the local time as "HH:MM" or "HH:MM:SS", from 00:00 to 23:59:59',
    )


def _begins(span: Span) -> float:
    return span.begins


def _ends(span: Span) -> float:
    return span.ends


def _first(pair: tuple[float, FixedTimeControl]) -> float:
    return pair[0]
