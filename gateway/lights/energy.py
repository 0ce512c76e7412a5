"""A lamp's readings become kilowatt-hours a night: what its meter counted, and what is estimated.

The two are never mixed. What a meter counted is metered, also over a gap in the readings. Estimated
is what no meter counted: lamps without one, and what was lost where a counter began anew.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.lamps import LampReading, LampType
from gateway.lights.counter import counted
from gateway.lights.expected import FULL_LEVEL, expected_w

LONGEST_HOLD_S = 900.0  # a longer gap: half of it as before, half as after
METER_LOST_S = 2 * 86_400.0  # a counter that says nothing for so long counts no more
LIT_SHARE = 0.2  # of the expected power: below, the lamp is out, whatever it says
LIT_LEVEL = 0.5
DAY_S = 86_400.0
HOUR_S = 3_600.0

NightOf = Callable[[float], date]


@dataclass(frozen=True, slots=True)
class MeterState:
    """What is kept of a lamp from one reading to the next.

    `power_w` and `lit` hold from `at` on. `counter_kwh` stood at `counter_at` in its meter (None:
    it has said nothing); `pending_kwh` is the estimate since, for the case that it lost its count.
    """

    at: float
    power_w: float
    lit: bool
    operating_h: float | None = None
    counter_kwh: float | None = None
    counter_at: float = 0.0
    pending_kwh: float = 0.0


@dataclass(frozen=True, slots=True)
class EnergyShare:
    """What a reading adds to a night of its lamp. `baseline_kwh` is what full light would have
    taken in the same `on_hours`.
    """

    night: date
    metered_kwh: float = 0.0
    estimated_kwh: float = 0.0
    baseline_kwh: float = 0.0
    on_hours: float = 0.0


def advance(
    state: MeterState | None, reading: LampReading, lamp_type: LampType, *, night_of: NightOf
) -> tuple[MeterState, tuple[EnergyShare, ...]]:
    """The next state, and what to add to the lamp's nights.

    A reading that is not later than the state changes nothing: readings may come twice.
    """
    power_w, lit = _taken(reading, lamp_type)
    if state is None:
        kwh = reading.active_energy_kwh
        hours = reading.operating_hours_h
        return MeterState(reading.at, power_w, lit, hours, kwh, reading.at), ()
    if reading.at <= state.at:
        return state, ()
    spent_kwh, on_hours = _between(state, reading, power_w, lit=lit)
    count = _count(state, reading, spent_kwh, lamp_type)
    full_kw = expected_w(lamp_type, FULL_LEVEL) / 1000.0
    shares: dict[date, EnergyShare] = {}
    if count.metered_kwh or count.estimated_kwh:
        share = (count.metered_kwh, count.estimated_kwh, 0.0, 0.0)
        _share_out(shares, share, (count.since, reading.at), night_of=night_of)
    if on_hours:
        share = (0.0, 0.0, full_kw * on_hours, on_hours)
        _share_out(shares, share, (state.at, reading.at), night_of=night_of)
    hours = reading.operating_hours_h
    after = MeterState(
        reading.at,
        power_w,
        lit,
        state.operating_h if hours is None else hours,
        count.counter_kwh,
        count.counter_at,
        count.pending_kwh,
    )
    return after, tuple(shares.values())


@dataclass(frozen=True, slots=True)
class _Count:
    """The meter's part of a step: energy since `since`, and the counter's part of the state."""

    since: float
    counter_kwh: float | None
    counter_at: float
    pending_kwh: float = 0.0
    metered_kwh: float = 0.0
    estimated_kwh: float = 0.0


def _count(
    state: MeterState, reading: LampReading, spent_kwh: float, lamp_type: LampType
) -> _Count:
    at, kwh, before = reading.at, reading.active_energy_kwh, state.counter_kwh
    if before is None:
        return _Count(state.at, kwh, at, estimated_kwh=spent_kwh)
    pending_kwh = state.pending_kwh + spent_kwh
    since = state.counter_at
    if kwh is None:
        if at - since <= METER_LOST_S:
            return _Count(since, before, since, pending_kwh)
        return _Count(since, None, at, estimated_kwh=pending_kwh)
    most_kwh = expected_w(lamp_type, FULL_LEVEL) / 1000.0 * (at - since) / HOUR_S
    metered_kwh = counted(before, kwh, full_power_kwh=most_kwh)
    if metered_kwh is None:
        return _Count(since, kwh, at, estimated_kwh=pending_kwh)
    lost_kwh = max(0.0, pending_kwh - metered_kwh.kwh) if metered_kwh.began_anew else 0.0
    return _Count(since, kwh, at, metered_kwh=metered_kwh.kwh, estimated_kwh=lost_kwh)


def _taken(reading: LampReading, lamp_type: LampType) -> tuple[float, bool]:
    """The power that it takes, measured if it can be, and whether it gives light."""
    level = next(
        (
            level
            for level in (reading.actual_level, reading.feedback_level, reading.target_level)
            if level is not None
        ),
        0.0,
    )
    expected = expected_w(lamp_type, level)
    power_w = expected if reading.active_power_w is None else reading.active_power_w
    return power_w, level > LIT_LEVEL and power_w > LIT_SHARE * expected


def _between(
    state: MeterState, reading: LampReading, power_w: float, *, lit: bool
) -> tuple[float, float]:
    """What was taken since the state, by estimate, in kWh, and for how many hours it was lit."""
    hours = (reading.at - state.at) / HOUR_S
    if hours * HOUR_S <= LONGEST_HOLD_S:
        return state.power_w * hours / 1000.0, hours if state.lit else 0.0
    before, now = state.operating_h, reading.operating_hours_h
    on_hours = hours * (state.lit + lit) / 2
    if before is not None and now is not None and now >= before:
        on_hours = min(now - before, hours)
    return (state.power_w + power_w) / 2 * hours / 1000.0, on_hours


def _share_out(
    shares: dict[date, EnergyShare],
    what: tuple[float, float, float, float],
    span: tuple[float, float],
    *,
    night_of: NightOf,
) -> None:
    """Adds `what` to the nights that `span` touches, by the time in each."""
    metered, estimated, baseline, on_hours = what
    for night, part in _nights(*span, night_of=night_of):
        old = shares.get(night, EnergyShare(night))
        shares[night] = EnergyShare(
            night,
            old.metered_kwh + metered * part,
            old.estimated_kwh + estimated * part,
            old.baseline_kwh + baseline * part,
            old.on_hours + on_hours * part,
        )


def _nights(since: float, until: float, *, night_of: NightOf) -> Iterator[tuple[date, float]]:
    """The nights of a span, each with its part of the time; a night's end is found to a second."""
    at, last = since, night_of(until)
    while (night := night_of(at)) != last:
        low, high = at, min(at + DAY_S, until)
        while night_of(high) == night:
            low, high = high, min(high + DAY_S, until)
        while high - low > 1.0:
            middle = (low + high) / 2
            low, high = (middle, high) if night_of(middle) == night else (low, middle)
        yield night, (high - at) / (until - since)
        at = high
    yield last, (until - at) / (until - since)


# --- figures ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NightEnergy:
    """One lamp's night, summed of its shares."""

    lamp: str
    night: date
    metered_kwh: float
    estimated_kwh: float
    baseline_kwh: float
    on_hours: float


class By(StrEnum):
    """What a row of figures is about; a lamp of two groups counts in both."""

    LAMP = "lamp"
    GROUP = "group"
    SITE = "site"


class Period(StrEnum):
    """A month has the nights that begin in it."""

    NIGHT = "night"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class EnergyRow:
    """Figures of `key` (lamp, group, or empty for the site) in `period` (2026-04-01, or 2026-04).

    `saved_kwh` is against full light all the time that it was lit; `co2_kg` is of what was taken,
    metered and estimated, `saved_co2_kg` of what was saved.
    """

    key: str
    period: str
    metered_kwh: float
    estimated_kwh: float
    baseline_kwh: float
    saved_kwh: float
    co2_kg: float
    saved_co2_kg: float
    on_hours: float


def summarise(
    nights: Iterable[NightEnergy],
    *,
    by: By,
    period: Period,
    groups: Mapping[str, Sequence[str]],
    co2_kg_per_kwh: float,
) -> tuple[EnergyRow, ...]:
    """Rows in order of period and key. `groups` are those of each lamp."""
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0] * 4)
    for night in nights:
        keys: Sequence[str] = ("",)
        if by is not By.SITE:
            keys = (night.lamp,) if by is By.LAMP else groups.get(night.lamp, ())
        when = night.night.isoformat()
        when = when if period is Period.NIGHT else when[:7]
        figures = (night.metered_kwh, night.estimated_kwh, night.baseline_kwh, night.on_hours)
        for key in keys:
            row = sums[when, key]
            row[:] = [old + new for old, new in zip(row, figures, strict=True)]
    return tuple(
        _row(key, when, sums[when, key], co2_kg_per_kwh=co2_kg_per_kwh)
        for when, key in sorted(sums)
    )


def _row(key: str, when: str, figures: Sequence[float], *, co2_kg_per_kwh: float) -> EnergyRow:
    metered, estimated, baseline, on_hours = figures
    used = metered + estimated
    saved = baseline - used
    return EnergyRow(
        key,
        when,
        metered_kwh=metered,
        estimated_kwh=estimated,
        baseline_kwh=baseline,
        saved_kwh=saved,
        co2_kg=used * co2_kg_per_kwh,
        saved_co2_kg=saved * co2_kg_per_kwh,
        on_hours=on_hours,
    )
