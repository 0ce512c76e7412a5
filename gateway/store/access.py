"""Who looked at whose position, when and why: a log that only grows, each row bound to the last.

A row's hash covers the row and the hash before it, so a change in the middle shows in every row
after it. Whoever can write the file can still write a whole new log; a hash that was noted
elsewhere in time (`Chain.head`) shows that too.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, text, update

from gateway.store.schema import access_anchor, access_log


@dataclass(frozen=True, slots=True)
class Look:
    """One look: `who` is a login, `carrier` a pseudonym, `what` was seen, `why` it was allowed."""

    at: float
    who: str
    carrier: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Chain:
    """What checking the log found; `fault` is empty where it is whole, `head` its last hash."""

    rows: int
    head: str
    fault: str


def add(connection: Connection, looks: Iterable[Look]) -> None:
    """Write looks down: before what was asked for is given."""
    last_id, last_hash = _end(connection)
    for look in looks:
        row_id, row_hash = last_id + 1, _hash(last_hash, last_id + 1, look)
        connection.execute(
            _INSERT,
            {
                "id": row_id,
                "at": look.at,
                "who": look.who,
                "carrier": look.carrier,
                "what": look.what,
                "why": look.why,
                "previous": last_hash,
                "hash": row_hash,
            },
        )
        last_id, last_hash = row_id, row_hash


def looks(connection: Connection, carrier: str, *, limit: int) -> list[Look]:
    """The last `limit` looks at a carrier, newest first."""
    newest = (
        select(*_COLUMNS)
        .where(access_log.c.carrier == carrier)
        .order_by(access_log.c.id.desc())
        .limit(limit)
    )
    return [Look(*row) for row in connection.execute(newest)]


def verify(connection: Connection) -> Chain:
    """Go along the whole log and say whether every row is there as it was written."""
    last_id, last_hash = connection.execute(_ANCHOR).one()
    count = 0
    written = select(access_log.c.id, access_log.c.previous, access_log.c.hash, *_COLUMNS)
    for row_id, previous, row_hash, *look in connection.execute(written.order_by(access_log.c.id)):
        if row_id <= last_id and count == 0:
            continue  # before the anchor: retention has not deleted it yet
        if row_id != last_id + 1:
            return Chain(count, last_hash.hex(), f"row {last_id + 1} is missing")
        if previous != last_hash or row_hash != _hash(last_hash, row_id, Look(*look)):
            return Chain(count, last_hash.hex(), f"row {row_id} was changed")
        count, last_id, last_hash = count + 1, row_id, row_hash
    ever_given = connection.scalar(
        text("SELECT seq FROM sqlite_sequence WHERE name = 'access_log'")
    )
    fault = "" if last_id >= (ever_given or 0) else f"rows after {last_id} are missing"
    return Chain(count, last_hash.hex(), fault)


def forget(connection: Connection, *, before: float, limit: int) -> int:
    """Delete up to `limit` rows from the log's beginning that are older; gives how many."""
    young = select(func.min(access_log.c.id)).where(access_log.c.at >= before).scalar_subquery()
    old = (
        select(access_log.c.id, access_log.c.hash)
        .where(access_log.c.id < func.coalesce(young, 2**62))
        .order_by(access_log.c.id)
        .limit(limit)
    )
    row = connection.execute(select(old.subquery()).order_by(text("id DESC")).limit(1)).first()
    if row is None:
        return 0
    last_id, last_hash = row
    connection.execute(update(access_anchor).values(last_id=last_id, hash=last_hash))
    return int(connection.execute(delete(access_log).where(access_log.c.id <= last_id)).rowcount)


_COLUMNS = (
    access_log.c.at,
    access_log.c.who,
    access_log.c.carrier,
    access_log.c.what,
    access_log.c.why,
)


_INSERT = insert(access_log)
_LAST = select(access_log.c.id, access_log.c.hash).order_by(access_log.c.id.desc()).limit(1)
_ANCHOR = select(access_anchor.c.last_id, access_anchor.c.hash)


def _end(connection: Connection) -> tuple[int, bytes]:
    row = connection.execute(_LAST).first() or connection.execute(_ANCHOR).one()
    return row[0], row[1]


def _hash(previous: bytes, row_id: int, look: Look) -> bytes:
    told = msgspec.json.encode([row_id, look.at, look.who, look.carrier, look.what, look.why])
    return hashlib.sha256(previous + told).digest()
