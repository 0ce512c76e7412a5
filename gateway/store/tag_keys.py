"""The keys of tags, sealed under the hub's key; how far each tag's clock is ahead; its counter."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.store.schema import tags
from gateway.store.tag_schema import tag_clocks, tag_keys


class SealedKeys(NamedTuple):
    """A tag's keys as they are kept: sealed, or b"" for none.

    The identity has the exponent of its rotation and the UTC at which the tag's clock stood at 0.
    """

    tag: str
    identity_key: bytes = b""
    rotation_exponent: int = 0
    zero_at: float = 0.0
    bind_key: bytes = b""


class StoredClock(NamedTuple):
    """How far a tag's clock was ahead of UTC less its `zero_at`, as it was known at `at`.

    `reached` is the newest slot heard, by its first second of the tag's clock; -1 for none.
    """

    tag: str
    ahead_lo_s: float
    ahead_hi_s: float
    at: float
    reached: int


class Counter(NamedTuple):
    """The highest counter of a tag's sealed frames, and when its frame was first captured."""

    value: int
    at: float


def add(connection: Connection, keys: SealedKeys) -> None:
    """Keep the keys of a new tag."""
    values = keys._asdict()
    connection.execute(insert(tag_keys).values(tag_id=values.pop("tag"), **values))


def stamp(connection: Connection) -> tuple[int, ...]:
    """Changes whenever `in_use` does."""
    return tuple(connection.scalars(_IN_USE.with_only_columns(tag_keys.c.id)))


def in_use(connection: Connection) -> tuple[SealedKeys, ...]:
    """The keys of all tags that are not disabled."""
    return tuple(SealedKeys(*row) for row in connection.execute(_IN_USE))


def every(connection: Connection) -> tuple[SealedKeys, ...]:
    """Those of disabled tags, too."""
    return tuple(SealedKeys(*row) for row in connection.execute(_EVERY))


def counter(connection: Connection, tag: str) -> Counter | None:
    """None before the first sealed frame."""
    kept = select(tag_keys.c.counter, tag_keys.c.counter_at).where(tag_keys.c.tag_id == tag)
    found = connection.execute(kept).first()
    return None if found is None or found.counter is None else Counter(*found)


def set_counter(connection: Connection, tag: str, risen: Counter | None) -> None:
    """Remember it; None for a tag whose clock began anew, and its counter with it."""
    value, at = (None, None) if risen is None else risen
    connection.execute(
        update(tag_keys).where(tag_keys.c.tag_id == tag).values(counter=value, counter_at=at)
    )


def clocks(connection: Connection) -> tuple[StoredClock, ...]:
    """All that are known."""
    kept = select(*(tag_clocks.c["tag_id" if name == "tag" else name] for name in _CLOCK))
    return tuple(StoredClock(*row) for row in connection.execute(kept))


def set_clocks(connection: Connection, known: Iterable[StoredClock]) -> None:
    """Keep them; those of tags that are no longer there are left out."""
    rows = [clock._asdict() for clock in known]
    if rows:
        connection.execute(_SET_CLOCKS, rows)


def _set_clocks() -> Insert:
    """From the tags that are there: a hub's registry may be a moment old."""
    there = select(tags.c.id, *(bindparam(name) for name in _CLOCK[1:])).where(
        tags.c.id == bindparam("tag")
    )
    kept = upsert(tag_clocks).from_select(["tag_id", *_CLOCK[1:]], there)
    newer = {name: kept.excluded[name] for name in _CLOCK[1:]}
    return kept.on_conflict_do_update(index_elements=["tag_id"], set_=newer)


_CLOCK = StoredClock._fields
_SET_CLOCKS = _set_clocks()
_EVERY = select(
    tag_keys.c.tag_id,
    tag_keys.c.identity_key,
    tag_keys.c.rotation_exponent,
    tag_keys.c.zero_at,
    tag_keys.c.bind_key,
).order_by(tag_keys.c.id)
_IN_USE = _EVERY.join(tags, tags.c.id == tag_keys.c.tag_id).where(tags.c.disabled_at.is_(None))
