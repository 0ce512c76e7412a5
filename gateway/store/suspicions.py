"""Which hearings of tags are doubted, and why: a row a tag, doubt and ten minutes at most."""

from math import floor

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.model import Doubt, Suspicion
from gateway.store.tag_schema import suspicions

EVERY_S = 600.0

_receivers_from = msgspec.json.Decoder(tuple[str, ...])


def add(connection: Connection, suspicion: Suspicion) -> bool:
    """Keep `suspicion`; False where one of that tag and doubt is kept for those ten minutes.

    Ten minutes by the clock (12:00, 12:10, …), so a transaction that is repeated says no more, and
    nor does a tag that is copied all day.
    """
    added = connection.execute(
        upsert(suspicions)
        .values(
            tag=suspicion.tag,
            doubt=suspicion.doubt,
            slot=floor(suspicion.at / EVERY_S),
            at=suspicion.at,
            receivers=msgspec.json.encode(suspicion.receivers).decode(),
        )
        .on_conflict_do_nothing()
    )
    return bool(added.rowcount)


def between(
    connection: Connection, tag: str, *, since: float, until: float
) -> tuple[Suspicion, ...]:
    """The suspicions of `tag` at since ≤ at < until, by time.

    Each stands for the rest of its ten minutes, too: a later one of that doubt was not kept.
    """
    kept = (
        select(suspicions.c.at, suspicions.c.tag, suspicions.c.doubt, suspicions.c.receivers)
        .where(suspicions.c.tag == tag, suspicions.c.at >= since, suspicions.c.at < until)
        .order_by(suspicions.c.at, suspicions.c.id)
    )
    return tuple(
        Suspicion(at, whose, Doubt(doubt), _receivers_from.decode(receivers))
        for at, whose, doubt, receivers in connection.execute(kept)
    )
