"""When the active periods of a program are: spans of time, day by day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.lights.documents import (
    AbsolutePeriod,
    ActivePeriod,
    AstronomicalAndSensorPeriod,
    AstronomicalPeriod,
    SensorPeriod,
)
from gateway.lights.dynamic import Photocell
from gateway.lights.program_words import offset_words
from gateway.lights.sun import Dark, Sky
from gateway.lights.times import instant, minute, seconds_of


@dataclass(frozen=True, slots=True)
class Span:
    """A time that an active period covers. `cell` decides within it, where there is one.

    `begins_with` is what begins it: a time of day, or "sunset -30 min".
    """

    begins: float
    ends: float
    begins_with: str
    by_sun: bool
    cell: Photocell | None = None

    def begin_words(self, sky: Sky) -> str:
        """ "18:00", "sunset 16:24"."""
        if not self.by_sun:
            return self.begins_with
        return f"{self.begins_with} {minute(self.begins, sky.zone)}"


def spans_of(periods: Sequence[ActivePeriod], days: Sequence[date], sky: Sky) -> Iterator[Span]:
    """The spans that begin on these days; none that is empty."""
    for period in periods:
        for day in days:
            if isinstance(period, AbsolutePeriod):
                span = _absolute(period, day, sky)
            elif (dark := sky.dark(day)) is not None:
                span = _by_sun(period, dark)
            else:
                continue
            if span.begins < span.ends:
                yield span


def photocell_of(period: ActivePeriod) -> Photocell | None:
    """What decides within the period; None where it is always lit."""
    if isinstance(period, SensorPeriod | AstronomicalAndSensorPeriod):
        return Photocell(period.sensor, period.on_below_lx, period.off_above_lx, period.delay)
    return None


def _absolute(period: AbsolutePeriod, day: date, sky: Sky) -> Span:
    start, end = seconds_of(period.start), seconds_of(period.end)
    last = day if end > start else day + timedelta(days=1)
    return Span(
        instant(day, start, sky.zone), instant(last, end, sky.zone), period.start, by_sun=False
    )


def _by_sun(
    period: AstronomicalPeriod | SensorPeriod | AstronomicalAndSensorPeriod, dark: Dark
) -> Span:
    before = after = 0.0
    if not isinstance(period, SensorPeriod):
        before, after = period.sunset_offset, period.sunrise_offset
    begins_with = "noon" if dark.sunset is None else "sunset"
    return Span(
        dark.begins + before * 60,
        dark.ends + after * 60,
        begins_with + offset_words(before),
        by_sun=True,
        cell=photocell_of(period),
    )
