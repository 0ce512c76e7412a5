"""Programs and calendars as they are uploaded, stored and sent to the edges: TALQ's, as JSON.

Keys are TALQ's spelling (camelCase). Times of day are the site's local time, "HH:MM" or
"HH:MM:SS"; levels percent; offsets minutes; durations seconds. Nothing is decided here.
"""

from enum import StrEnum

import msgspec


class _Document(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    pass


class AbsolutePeriod(_Document, frozen=True, tag="absolute", tag_field="type"):
    """Lit from `start` to `end`; through midnight where `end` is not after `start`."""

    start: str
    end: str


class AstronomicalPeriod(_Document, frozen=True, tag="astronomical", tag_field="type"):
    """Lit from sunset to sunrise, each moved by minutes (negative: earlier)."""

    sunset_offset: float = 0.0
    sunrise_offset: float = 0.0


class SensorPeriod(_Document, frozen=True, tag="sensor", tag_field="type"):
    """Lit below `on_below_lx`, dark again above `off_above_lx`, each after `delay` seconds.

    `sensor` is a lamp's id whose photocell decides, or "self".
    """

    on_below_lx: float
    off_above_lx: float
    sensor: str = "self"
    delay: float = 60.0


class AstronomicalAndSensorPeriod(
    _Document, frozen=True, tag="astronomicalAndSensor", tag_field="type"
):
    """Within the astronomical period, as the photocell says; without a photocell, all of it."""

    on_below_lx: float
    off_above_lx: float
    sensor: str = "self"
    delay: float = 60.0
    sunset_offset: float = 0.0
    sunrise_offset: float = 0.0


ActivePeriod = AbsolutePeriod | AstronomicalPeriod | SensorPeriod | AstronomicalAndSensorPeriod


class FixedTimeControl(_Document, frozen=True):
    """From `time` on, this level; before the first one of a night, the last one holds."""

    time: str
    level: float
    ramp_to_level_time: float = 0.0


class Operation(StrEnum):
    """How a dynamic control changes the level below it."""

    SET = "Set"
    MAX = "Max"
    MIN = "Min"
    ADD = "Add"
    SUB = "Sub"
    MUL = "Mul"


class Wave(_Document, frozen=True):
    """Neighbours join in: the next lamp after `delay` seconds, as far as `hops` lamps."""

    hops: int = 2
    delay: float = 1.0


class DynamicControl(_Document, frozen=True):
    """While `sensor` moves, and for `hold_time` seconds after, `operation` with `value`.

    `sensor` is "self", a lamp's id, or a group's; `value` is percent (for Mul a factor).
    """

    operation: Operation
    value: float
    hold_time: float
    sensor: str = "self"
    ramp_to_level_time: float = 0.0
    ramp_from_level_time: float = 0.0
    wave: Wave | None = None


class Program(_Document, frozen=True):
    """Lit in its active periods at its fixed levels (100 where none), off outside them.

    Of the dynamic controls that apply, the first is the highest.
    """

    id: str
    active_periods: tuple[ActivePeriod, ...]
    fixed_time_controls: tuple[FixedTimeControl, ...] = ()
    dynamic_controls: tuple[DynamicControl, ...] = ()
    name: str = ""


class CalendarRule(_Document, frozen=True):
    """Where all of its conditions hold, `program`. Dates are "YYYY-MM-DD", or "MM-DD" each year,
    both ends included (through the year's end where `until` is before `since`); weekdays "mon" …
    """

    program: str
    since: str = ""
    until: str = ""
    weekdays: tuple[str, ...] = ()


class Calendar(_Document, frozen=True):
    """The first rule that holds for a night's date decides. A night that begins after `day_offset`
    hours of a day belongs to that day, to `day_offset` hours of the next.
    """

    id: str
    default_program: str
    rules: tuple[CalendarRule, ...] = ()
    day_offset: float = 12.0
    name: str = ""
