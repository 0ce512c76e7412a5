"""Clocks on the wall: a site's times of day and nights as instants (Unix seconds), and back.

Where the clocks go forward, a time that is left out means the moment of the change: what was to
happen at 02:30 happens when 02:00 becomes 03:00, and the order of a night's times stays. Where they
go back, a time that comes twice means its first coming.
"""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_S = 86_400
DAY_OFFSET_H = 12.0
"""Hours after midnight at which a night begins, where no calendar says otherwise."""

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")


def parse_time(text: str) -> int | None:
    """Seconds since midnight of "HH:MM" or "HH:MM:SS", None where it is neither."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds = found.groups(default="0")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


@lru_cache(maxsize=1_024)
def seconds_of(text: str) -> int:
    """As `parse_time`, of a text that was found readable before. Raises ValueError."""
    seconds = parse_time(text)
    if seconds is None:
        raise ValueError(f"{text!r} is no time of day")
    return seconds


def instant(day: date, seconds: float, zone: ZoneInfo) -> float:
    """When the clocks of `zone` show `seconds` after midnight of `day`; 86,400 are the next day."""
    midnight = _even_midnight(day, zone)
    if midnight is not None and seconds <= DAY_S:
        return midnight + seconds
    first = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(seconds=seconds)
    second = first.replace(fold=1)
    if first.utcoffset() != second.utcoffset() and first.timestamp() > second.timestamp():
        return _change(second.timestamp(), first.timestamp(), zone)
    return first.timestamp()


@lru_cache(maxsize=4_096)
def _even_midnight(day: date, zone: ZoneInfo) -> float | None:
    """When `day` begins, None where the clocks change on it."""
    first = datetime(day.year, day.month, day.day, tzinfo=zone)
    last = first + timedelta(days=1)
    offsets = {one.replace(fold=fold).utcoffset() for one in (first, last) for fold in (0, 1)}
    return first.timestamp() if len(offsets) == 1 else None


def _change(before: float, after: float, zone: ZoneInfo) -> float:
    """The second in (before, after] at which the clocks of `zone` change."""
    offset = datetime.fromtimestamp(before, zone).utcoffset()
    low, high = int(before), int(after)
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return float(high)


def night_bounds(
    night: date, zone: ZoneInfo, *, day_offset_h: float = DAY_OFFSET_H
) -> tuple[float, float]:
    """From when until when `night` is: a whole day of the clocks, begun `day_offset_h` after 0:00.

    A day that a zone left out (Samoa, 30 December 2011) begins and ends in the same moment.
    """
    offset_s = day_offset_h * 3600
    return instant(night, offset_s, zone), instant(night + timedelta(days=1), offset_s, zone)


def night_of(at: float, zone: ZoneInfo, *, day_offset_h: float = DAY_OFFSET_H) -> date:
    """The night that `at` belongs to: with 12 h, all from noon to noon is one night."""
    local = datetime.fromtimestamp(at, zone) - timedelta(hours=day_offset_h)
    night = local.date() - timedelta(days=1)
    while at >= night_bounds(night, zone, day_offset_h=day_offset_h)[1]:
        night += timedelta(days=1)
    return night


def minute(at: float, zone: ZoneInfo) -> str:
    """ "HH:MM", to the nearest minute."""
    local = datetime.fromtimestamp(round(at / 60) * 60, zone)
    return f"{local.hour:02}:{local.minute:02}"
