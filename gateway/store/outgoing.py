"""The hub's own rows for the link: written with their effect, deleted by a receipt only.

A queue is a direction and a destination ("out" to the sink, "down" to a gateway); its rows are
numbered per lane, and a number is never given twice, also after its row is gone.
"""

from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.clock import NO_SETTING
from gateway.epochs import Epoch, Epochs
from gateway.model import Lane
from gateway.store.schema import link_counters, link_epochs, link_rows

_TOUCHED = "outgoing queues with new rows"
_epoch_from = msgspec.json.Decoder(Epoch)


class Queue(NamedTuple):
    """Where rows go: direction ("out" or "down") and the destination's id."""

    direction: str
    destination: str


NOBODY = Queue("out", "")
"""What is put into this queue is gone: for a site that has no sink."""


class OutgoingRow(NamedTuple):
    """One row as it waits: `items` is the encoded list of `kind`."""

    lane: Lane
    seq: int
    kind: str
    items: bytes


class Oldest(NamedTuple):
    """The row that waits longest: when it was queued, Unix seconds, and which it is."""

    at: float
    lane: Lane
    seq: int


def epochs(connection: Connection, queue: Queue) -> Epochs:
    """Under which names a queue's rows are numbered, oldest first."""
    known = select(link_epochs.c.body).where(*_of(queue)).order_by(link_epochs.c.id)
    return Epochs([_epoch_from.decode(body) for body in connection.scalars(known)])


def begin_epoch(connection: Connection, queue: Queue) -> Epochs:
    """Rows from now on are of a new epoch; those that wait keep theirs. Gives the epochs."""
    last_seqs = {lane: last(connection, queue, lane) for lane in Lane}
    receipted = {lane: first(connection, queue, lane) - 1 for lane in Lane}
    begun = epochs(connection, queue).begun(bases=last_seqs, setting=NO_SETTING)
    kept = begun.pruned(receipted=receipted)
    connection.execute(delete(link_epochs).where(*_of(queue)))
    rows = [{**queue._asdict(), "body": msgspec.json.encode(one)} for one in kept.all]
    connection.execute(insert(link_epochs), rows)
    return kept


def append(
    connection: Connection, queue: Queue, *, lane: Lane, kind: str, items: bytes, at: float
) -> int:
    """Add a row to `queue`; gives its number, 0 for NOBODY.

    Call it in the transaction of the row's effect.
    """
    if queue == NOBODY:
        return 0
    counted = (
        upsert(link_counters)
        .values(**queue._asdict(), lane=lane, last_seq=1)
        .on_conflict_do_update(
            index_elements=["direction", "destination", "lane"],
            set_={"last_seq": link_counters.c.last_seq + 1},
        )
        .returning(link_counters.c.last_seq)
    )
    seq = connection.execute(counted).scalar_one()
    connection.execute(
        insert(link_rows).values(
            **queue._asdict(), lane=lane, seq=seq, kind=kind, body=items, at=at
        )
    )
    connection.info.setdefault(_TOUCHED, set()).add(queue)
    return int(seq)


def rows(
    connection: Connection, queue: Queue, *, lane: Lane, after: int, limit: int
) -> list[OutgoingRow]:
    """Up to `limit` rows of a lane with a number above `after`, in order."""
    held = (
        select(link_rows.c.seq, link_rows.c.kind, link_rows.c.body)
        .where(*_in_lane(queue, lane), link_rows.c.seq > after)
        .order_by(link_rows.c.seq)
        .limit(limit)
    )
    return [OutgoingRow(lane, *row) for row in connection.execute(held)]


def first(connection: Connection, queue: Queue, lane: Lane) -> int:
    """The lowest number that a lane still holds; the next one to be given where it holds none."""
    held = connection.scalar(select(func.min(link_rows.c.seq)).where(*_in_lane(queue, lane)))
    if held is not None:
        return int(held)
    return last(connection, queue, lane) + 1


def last(connection: Connection, queue: Queue, lane: Lane) -> int:
    """The last number given in a lane, also where its row is gone; 0 before the first."""
    given = connection.scalar(
        select(link_counters.c.last_seq).where(
            link_counters.c.direction == queue.direction,
            link_counters.c.destination == queue.destination,
            link_counters.c.lane == lane,
        )
    )
    return int(given or 0)


def delete_through(connection: Connection, queue: Queue, *, lane: Lane, mark: int) -> int:
    """Delete what is receipted: a lane's rows up to and with `mark`; gives how many there were."""
    receipted = delete(link_rows).where(*_in_lane(queue, lane), link_rows.c.seq <= mark)
    return int(connection.execute(receipted).rowcount)


def counts(connection: Connection) -> dict[Queue, int]:
    """How many rows wait in each queue that has any."""
    waiting = select(link_rows.c.direction, link_rows.c.destination, func.count()).group_by(
        link_rows.c.direction, link_rows.c.destination
    )
    return {
        Queue(direction, destination): count
        for direction, destination, count in connection.execute(waiting)
    }


def oldest(connection: Connection, queue: Queue) -> Oldest | None:
    """The row that waits longest; None where none does. Reads a row a lane."""
    waiting = [
        connection.execute(
            select(link_rows.c.at, link_rows.c.lane, link_rows.c.seq)
            .where(*_in_lane(queue, lane))
            .order_by(link_rows.c.seq)
            .limit(1)
        ).first()
        for lane in Lane
    ]
    return min((Oldest(*row) for row in waiting if row is not None), default=None)


def touched(connection: Connection) -> set[Queue]:
    """The queues that got rows since the last call on this connection: whose senders to wake."""
    queues: set[Queue] = connection.info.pop(_TOUCHED, set())
    return queues


def _of(queue: Queue) -> tuple[ColumnElement[bool], ...]:
    return (
        link_epochs.c.direction == queue.direction,
        link_epochs.c.destination == queue.destination,
    )


def _in_lane(queue: Queue, lane: Lane) -> tuple[ColumnElement[bool], ...]:
    return (
        link_rows.c.direction == queue.direction,
        link_rows.c.destination == queue.destination,
        link_rows.c.lane == lane,
    )
