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
    """What a step is for the lamp: the fields are Step's."""

    lit_level: float
    steady: bool
    cells: tuple[Cell, ...]


_DARK = _State(FULL, steady=False, cells=())


class _Change(NamedTuple):
    """A moment at which the state changes: what it is then, and what brought it."""

    at: float
    state: _State
    begun: Span | None
    control: FixedTimeControl | None
    switched_at: float


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
            key=_second,
        )
        self._dynamic_words = "; ".join(dynamic_words(one) for one in program.dynamic_controls)

    def night(self, bounds: tuple[float, float], night: date, sky: Sky) -> tuple[Step, ...]:
        """The steps from the first bound to the second."""
        begins, ends = bounds
        days = [night + timedelta(days=number) for number in (-1, 0, 1, 2)]
        spans = [
            span for span in spans_of(self.program.active_periods, days, sky) if span.ends > begins
        ]
        switches = [
            instant(day, second, sky.zone) for day in days[:-1] for second, _ in self._controls
        ]
        edges = {begins, *switches, *map(_begins, spans), *map(_ends, spans)}
        changes: list[_Change] = []
        for at in sorted(edge for edge in edges if begins <= edge < ends):
            change = self._change(at, spans, switches)
            if not changes or change.state != changes[-1].state:
                changes.append(change)
        until = [change.at for change in changes[1:]] + [ends]
        return tuple(
            self._step(change, end, spans, sky) for change, end in zip(changes, until, strict=True)
        )

    def _change(self, at: float, spans: Sequence[Span], switches: Sequence[float]) -> _Change:
        """What is so from `at`. `switches` are the times of the controls, over and over."""
        covering = [span for span in spans if span.begins <= at < span.ends]
        if not (covering or self._always):
            return _Change(at, _DARK, None, None, 0.0)
        passed = bisect_right(switches, at)
        control, switched_at, lit_level = None, 0.0, FULL
        if passed:
            _, control = self._controls[(passed - 1) % len(self._controls)]
            switched_at, lit_level = switches[passed - 1], control.level
        steady = any(span.cell is None for span in covering)
        cells = () if steady else tuple(self._cells(covering))
        begun = min(covering, key=_begins, default=None)
        return _Change(at, _State(lit_level, steady, cells), begun, control, switched_at)

    def _step(self, change: _Change, until: float, spans: Sequence[Span], sky: Sky) -> Step:
        at, state, begun, control, switched_at = change
        if begun is None:
            coming = min((span for span in spans if span.begins > at), key=_begins, default=None)
            words = f"off until {coming.begin_words(sky)}" if coming else "off"
        elif control and switched_at > begun.begins:
            words = f"{control.time} → {state.lit_level:g} %"
        else:
            words = f"{begun.begin_words(sky)} → {state.lit_level:g} %"
        return Step(
            at,
            until,
            state.lit_level if begun else 0.0,
            self.program.id,
            f"{self.program.id}: {words}",
            control.ramp_to_level_time if control and switched_at == at else 0.0,
            self._authority,
            self._sensor_words(state.cells) if begun or state.cells else "",
            *state,
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


def _second(control: tuple[int, FixedTimeControl]) -> int:
    return control[0]
