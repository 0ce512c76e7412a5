"""Which rotating identifiers were whose: what the windows of the last day are read by."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.model import TagIdentifier
from gateway.store.schema import tags
from gateway.store.tag_schema import heard_eids


class Bound(NamedTuple):
    """Whose an identifier is; from `until` on nobody sends it any more."""

    tag: str
    until: float


def add(connection: Connection, bound: Mapping[str, Bound]) -> None:
    """Keep whose these identifiers are; what is known already stays as it is."""
    rows = [{"identifier": one, **known._asdict()} for one, known in bound.items()]
    if rows:
        connection.execute(_ADD, rows)


def known(connection: Connection) -> dict[str, Bound]:
    """All that are kept."""
    kept = select(heard_eids.c.identifier, heard_eids.c.tag, heard_eids.c.until)
    return {identifier: Bound(tag, until) for identifier, tag, until in connection.execute(kept)}


def identifiers(connection: Connection) -> tuple[TagIdentifier, ...]:
    """All that are kept of tags in use, as the registry tells identifiers."""
    kept = (
        select(heard_eids.c.identifier, heard_eids.c.tag)
        .join(tags, tags.c.id == heard_eids.c.tag)
        .where(tags.c.disabled_at.is_(None))
    )
    return tuple(TagIdentifier(*row, button=False) for row in connection.execute(kept))


_ADD = upsert(heard_eids).on_conflict_do_nothing()
