"""What lamps said, as it comes in: the last of each, and the history of some days.

A reading is its lamp and its time: one that comes again changes nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.lamps import LampReading
from gateway.store.lamp_schema import lamp_readings, lamp_states
from gateway.store.lamps import LampState

_reading_from = msgspec.json.Decoder(LampReading)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a lamp stands: its number here, the last that it said, its energy so far (encoded)."""

    no: int
    state: LampState
    meter: bytes


def standings(connection: Connection, lamps: Collection[str]) -> dict[str, Standing]:
    """Where `lamps` stand, by lamp; one that never said anything is not in it."""
    kept = select(
        lamp_states.c.lamp,
        lamp_states.c.no,
        lamp_states.c.reading,
        lamp_states.c.on_at,
        lamp_states.c.off_at,
        lamp_states.c.meter,
    ).where(lamp_states.c.lamp.in_(lamps))
    return {
        lamp: Standing(no, LampState(_reading_from.decode(reading), on_at, off_at), meter)
        for lamp, no, reading, on_at, off_at, meter in connection.execute(kept)
    }


def next_no(connection: Connection) -> int:
    """The number for a lamp that speaks for the first time."""
    return (connection.scalar(select(func.max(lamp_states.c.no))) or 0) + 1


def keep(connection: Connection, standing: Mapping[str, Standing]) -> None:
    """Keep where lamps stand now."""
    rows = [
        {
            "no": one.no,
            "lamp": lamp,
            "at": one.state.reading.at,
            "reading": msgspec.json.encode(one.state.reading),
            "on_at": one.state.on_at,
            "off_at": one.state.off_at,
            "meter": one.meter,
        }
        for lamp, one in standing.items()
    ]
    if rows:
        connection.execute(_KEEP, rows)


def add(connection: Connection, said: Iterable[tuple[int, LampReading]]) -> int:
    """Keep readings of lamps by number; gives how many were not there yet."""
    rows = [
        {"lamp_no": no, **{name: getattr(reading, name) for name in _COLUMNS}}
        for no, reading in said
    ]
    return int(connection.execute(_ADD, rows).rowcount) if rows else 0


def between(connection: Connection, lamp: str, *, after: float, until: float) -> list[LampReading]:
    """A lamp's readings at after < at ≤ until by time, with what is kept of each."""
    kept = (
        select(*(lamp_readings.c[name] for name in _COLUMNS))
        .join_from(lamp_states, lamp_readings, lamp_readings.c.lamp_no == lamp_states.c.no)
        .where(lamp_states.c.lamp == lamp, lamp_readings.c.at > after, lamp_readings.c.at <= until)
        .order_by(lamp_readings.c.at)
    )
    return [LampReading(lamp=lamp, **row._mapping) for row in connection.execute(kept)]


def _keep() -> Insert:
    kept = upsert(lamp_states)
    changing = ("at", "reading", "on_at", "off_at", "meter")
    return kept.on_conflict_do_update(
        index_elements=["lamp"], set_={name: kept.excluded[name] for name in changing}
    )


_COLUMNS = tuple(name for name in lamp_readings.c.keys() if name != "lamp_no")  # noqa: SIM118 - of a table
_KEEP = _keep()
_ADD = upsert(lamp_readings).on_conflict_do_nothing()
