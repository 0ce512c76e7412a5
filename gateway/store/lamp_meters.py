"""Where the counting of a lamp's energy can begin anew, and for which lamps it must.

The count is of readings in the order of their times; what comes late is counted again from the
night before it on.
"""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.store.lamp_schema import lamp_amends, lamp_checkpoints


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How a lamp's energy stood (`meter`, encoded; empty: nothing yet) before its first reading of
    `night`, after the one at `at` (0: there was none).
    """

    lamp: str
    night: date
    at: float
    meter: bytes


class Amend(NamedTuple):
    """A lamp of which readings came late, and the time of the earliest of them."""

    lamp: str
    since: float


def add_checkpoints(connection: Connection, begun: list[Checkpoint]) -> None:
    """Keep where nights began; what is known of a night stays."""
    rows = [
        {"lamp": one.lamp, "night": one.night.isoformat(), "at": one.at, "meter": one.meter}
        for one in begun
    ]
    if rows:
        connection.execute(upsert(lamp_checkpoints).on_conflict_do_nothing(), rows)


def checkpoint(connection: Connection, lamp: str, *, before: date) -> Checkpoint | None:
    """The last one of a night before `before`; the first of all where there is no such."""
    own = select(lamp_checkpoints.c.night, lamp_checkpoints.c.at, lamp_checkpoints.c.meter).where(
        lamp_checkpoints.c.lamp == lamp
    )
    earlier = own.where(lamp_checkpoints.c.night < before.isoformat())
    row = (
        connection.execute(earlier.order_by(lamp_checkpoints.c.night.desc()).limit(1)).first()
        or connection.execute(own.order_by(lamp_checkpoints.c.night).limit(1)).first()
    )
    return None if row is None else Checkpoint(lamp, date.fromisoformat(row[0]), row[1], row[2])


def remove_checkpoints(connection: Connection, lamp: str, *, since: date) -> None:
    """Forget a lamp's nights from `since` on: they are told anew."""
    connection.execute(
        delete(lamp_checkpoints).where(
            lamp_checkpoints.c.lamp == lamp, lamp_checkpoints.c.night >= since.isoformat()
        )
    )


def want_amend(connection: Connection, amend: Amend) -> None:
    """Say that a lamp's energy is to be counted anew."""
    wanted = upsert(lamp_amends).values(amend._asdict())
    earliest = func.min(lamp_amends.c.since, wanted.excluded.since)
    connection.execute(
        wanted.on_conflict_do_update(index_elements=["lamp"], set_={"since": earliest})
    )


def next_amend(connection: Connection) -> Amend | None:
    """A lamp whose energy is to be counted anew; `done` takes it away."""
    row = connection.execute(select(lamp_amends.c.lamp, lamp_amends.c.since).limit(1)).first()
    return None if row is None else Amend(*row)


def done(connection: Connection, lamp: str) -> None:
    """Say that a lamp's energy is counted anew: in that transaction."""
    connection.execute(delete(lamp_amends).where(lamp_amends.c.lamp == lamp))
