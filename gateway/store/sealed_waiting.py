"""Sealed frames that wait until every key of the site was tried: one of them may be an SOS."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.store.tag_schema import sealed_waiting

MOST_WAITING = 2_000
"""Beyond it the last in rank is dropped, and of these the oldest: strangers' addresses go first."""


class WaitingFrame(NamedTuple):
    """A frame as it was captured at `at`, by the hub's clock, and came at `came_at`.

    Of lower `rank` is tried first: 1 is for an address that no key opened before, and each time
    that the frame is heard again takes 1 away.
    """

    gateway: str
    receiver: str
    at: float
    came_at: float
    address: str
    payload: bytes
    rank: int = 0


def add(connection: Connection, frames: Iterable[WaitingFrame], *, most: int = MOST_WAITING) -> int:
    """Keep `frames`, each payload of an address once; gives how many were dropped for it."""
    rows = [frame._asdict() for frame in frames]
    if not rows:
        return 0
    connection.execute(_ADD, rows)
    too_many = connection.execute(_COUNT).scalar_one() - most
    if too_many <= 0:
        return 0
    last = select(sealed_waiting.c.id).order_by(sealed_waiting.c.rank.desc(), sealed_waiting.c.id)
    return connection.execute(
        delete(sealed_waiting).where(sealed_waiting.c.id.in_(last.limit(too_many)))
    ).rowcount


def first(connection: Connection, *, limit: int) -> dict[int, WaitingFrame]:
    """Those whose turn it is, by their ids: of one rank the newest.

    Where more come than can be tried, what is new is found at once; the others are found later.
    """
    waiting = select(
        sealed_waiting.c.id, *(sealed_waiting.c[name] for name in WaitingFrame._fields)
    ).order_by(sealed_waiting.c.rank, sealed_waiting.c.id.desc())
    return {
        row_id: WaitingFrame(*frame) for row_id, *frame in connection.execute(waiting.limit(limit))
    }


def remove(connection: Connection, ids: Iterable[int]) -> None:
    """They were tried with every key: in the transaction of what came of it."""
    connection.execute(delete(sealed_waiting).where(sealed_waiting.c.id.in_(list(ids))))


# A burst repeats itself, made-up addresses do not: what is heard again goes forward.
_ADD = upsert(sealed_waiting).on_conflict_do_update(
    index_elements=["address", "payload"], set_={"rank": sealed_waiting.c.rank - 1}
)
_COUNT = select(func.count()).select_from(sealed_waiting)
