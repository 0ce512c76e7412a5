"""What is set for each lamp, what each said last, and what it said over the last days."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, exists, func, select, text
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.lamps import LampReading
from gateway.store.lamp_schema import lamp_readings, lamp_settings, lamp_states

_limits_from = msgspec.json.Decoder(dict[str, float])
_reading_from = msgspec.json.Decoder(LampReading)


@dataclass(frozen=True, slots=True)
class LampSettings:
    """What staff set for one lamp: its calendar ("": the site's default), its own limits."""

    calendar: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LampState:
    """The last that a lamp said; when it last went on and off, None where that was not seen."""

    reading: LampReading
    on_at: float | None
    off_at: float | None


def settings(connection: Connection) -> dict[str, LampSettings]:
    """What is set, by lamp; a lamp that is not named has `LampSettings()`."""
    kept = select(lamp_settings.c.lamp, lamp_settings.c.calendar, lamp_settings.c.limits)
    return {
        lamp: LampSettings(calendar, _limits_from.decode(limits))
        for lamp, calendar, limits in connection.execute(kept)
    }


def set_settings(connection: Connection, lamp: str, wanted: LampSettings) -> None:
    """Set all of a lamp's settings."""
    _set(connection, lamp, wanted, changes(connection) + 1)


def assign(connection: Connection, lamps: Collection[str], calendar: str) -> None:
    """Give `lamps` a calendar; their limits stay."""
    known, change = settings(connection), changes(connection) + 1
    for lamp in lamps:
        limits = known.get(lamp, LampSettings()).limits
        _set(connection, lamp, LampSettings(calendar, limits), change)


def changes(connection: Connection) -> int:
    """A number that grows with each change of any lamp's settings."""
    return connection.scalar(select(func.max(lamp_settings.c.change))) or 0


def states(connection: Connection) -> dict[str, LampState]:
    """The last that each lamp said; a lamp that never said anything is not in it."""
    return {row.lamp: _state(row) for row in connection.execute(select(*_STATE))}


def state(connection: Connection, lamp: str) -> LampState | None:
    """The last that a lamp said."""
    row = connection.execute(select(*_STATE).where(lamp_states.c.lamp == lamp)).first()
    return None if row is None else _state(row)


def history(
    connection: Connection, lamp: str, *, since: float, until: float
) -> list[tuple[float, float | None, float | None, float | None]]:
    """(at, target_level, actual_level, active_power_w) at since ≤ at ≤ until, by time."""
    kept = (
        select(
            lamp_readings.c.at,
            lamp_readings.c.target_level,
            lamp_readings.c.actual_level,
            lamp_readings.c.active_power_w,
        )
        .join_from(lamp_states, lamp_readings, lamp_readings.c.lamp_no == lamp_states.c.no)
        .where(lamp_states.c.lamp == lamp, lamp_readings.c.at.between(since, until))
        .order_by(lamp_readings.c.at)
    )
    return [(at, target, actual, watts) for at, target, actual, watts in connection.execute(kept)]


def heard(connection: Connection, *, since: float, until: float) -> set[str]:
    """The lamps of which a reading at since ≤ at ≤ until is kept."""
    any_reading = exists().where(
        lamp_readings.c.lamp_no == lamp_states.c.no, lamp_readings.c.at.between(since, until)
    )
    return set(connection.scalars(select(lamp_states.c.lamp).where(any_reading)))


def forget_readings(connection: Connection, *, before: float, limit: int) -> int:
    """Delete up to `limit` readings of before then; gives how many."""
    found = connection.execute(_FORGET, {"before": before, "limit": limit})
    return int(found.rowcount)


def _set(connection: Connection, lamp: str, wanted: LampSettings, change: int) -> None:
    limits = msgspec.json.encode(wanted.limits).decode()
    columns = {"calendar": wanted.calendar, "limits": limits, "change": change}
    connection.execute(
        upsert(lamp_settings)
        .values(lamp=lamp, **columns)
        .on_conflict_do_update(index_elements=["lamp"], set_=columns)
    )


# Lamp by lamp, as readings lie (an index by time would cost more with each of them); SQLite keeps
# the order of a CROSS JOIN, and would else read all readings for the few that are old.
_FORGET = text(
    "DELETE FROM lamp_readings WHERE (lamp_no, at) IN (SELECT r.lamp_no, r.at FROM lamp_states s"
    " CROSS JOIN lamp_readings r WHERE r.lamp_no = s.no AND r.at < :before LIMIT :limit)"
)
_STATE = (
    lamp_states.c.lamp,
    lamp_states.c.reading,
    lamp_states.c.on_at,
    lamp_states.c.off_at,
)


def _state(row: Row[*tuple[Any, ...]]) -> LampState:
    return LampState(_reading_from.decode(row.reading), row.on_at, row.off_at)
