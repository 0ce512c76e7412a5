"""What tags last said of themselves: a value a tag and name."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.store.tag_schema import tag_states


class StoredState(NamedTuple):
    """`name` as in `TagState.values`: battery_v, opening, …; `at` is by the hub's clock."""

    tag: str
    name: str
    value: float
    at: float
    receiver: str


def record(connection: Connection, states: Iterable[StoredState]) -> None:
    """Keep each where nothing newer of that tag and name is there."""
    rows = [state._asdict() for state in states]
    if rows:
        connection.execute(_RECORD, rows)


def of(connection: Connection, tag: str) -> dict[str, StoredState]:
    """The latest values of `tag`, by name."""
    kept = select(*(tag_states.c[name] for name in StoredState._fields))
    found = connection.execute(kept.where(tag_states.c.tag == tag).order_by(tag_states.c.name))
    return {row.name: StoredState(*row) for row in found}


def _record() -> Insert:
    kept = upsert(tag_states)
    newer = {name: kept.excluded[name] for name in ("value", "at", "receiver")}
    return kept.on_conflict_do_update(
        index_elements=["tag", "name"],
        set_=newer,
        where=kept.excluded.at >= tag_states.c.at,
    )


_RECORD = _record()
