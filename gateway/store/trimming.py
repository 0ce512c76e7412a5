"""Rows for the sink while InfluxDB is away for long: the oldest make room, and gaps say so.

The database is the hub's first duty, and its disk is no larger for InfluxDB's absence. Urgent rows
(alerts, lamp faults) stay whatever happens; what the hub itself holds is untouched by this.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from gateway.model import Gap, Lane
from gateway.store import outgoing
from gateway.store.database import Database
from gateway.store.outgoing import Queue
from gateway.store.schema import link_rows

DROPPED = "sink_away"
GAP = "gap"  # the link's word for the kind of such a row
ROWS_A_WRITE = 200
SAMPLE = 64
ROW_OVERHEAD_BYTES = 80
PAUSE_S = 0.2
LANES = (Lane.BACKLOG, Lane.LIVE)  # in this order

_log = structlog.get_logger()
_gaps_from = msgspec.json.Decoder(list[Gap])


class Waiting(NamedTuple):
    """About how much waits in a lane."""

    rows: int
    size_bytes: int


class Trimming:
    """Keeps what waits in `queue` under `max_bytes`, as well as that is known from a sample.

    `dropped` counts rows since the start.
    """

    def __init__(
        self,
        database: Database,
        queue: Queue,
        *,
        max_bytes: int,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.dropped = 0
        self._database = database
        self._queue = queue
        self._max_bytes = max_bytes
        self._pause = pause

    async def run(self) -> None:
        """Drop what is too much, a little at a time, of old days first. Raises StoreError."""
        held = {lane: await self._database.read(waiting, self._queue, lane) for lane in LANES}
        excess = sum(one.size_bytes for one in held.values()) - self._max_bytes
        for lane, (rows, size_bytes) in held.items():
            if excess > 0 and size_bytes:
                await self._drop(lane, round(rows * min(1.0, excess / size_bytes)))
                excess -= size_bytes

    async def _drop(self, lane: Lane, wanted: int) -> None:
        dropped = 0
        count = 1
        while dropped < wanted and count:
            limit = min(ROWS_A_WRITE, wanted - dropped)
            count = await self._database.write(drop_oldest, self._queue, lane, limit=limit)
            dropped += count
            await self._pause(PAUSE_S)
        if not dropped:
            return
        self.dropped += dropped
        _log.error(
            "rows for the sink were dropped: too much waits. See why it does not come (sink, "
            "InfluxDB), or raise hub.out_max_mb",
            destination=self._queue.destination,
            rows=dropped,
        )


def waiting(connection: Connection, queue: Queue, lane: Lane) -> Waiting:
    """About how much waits, from the numbers and a sample of rows: no reading of all of them."""
    own = _in(queue, lane)
    lowest, highest = connection.execute(
        select(func.min(link_rows.c.seq), func.max(link_rows.c.seq)).where(*own)
    ).one()
    if lowest is None:
        return Waiting(0, 0)
    span = highest - lowest + 1
    sampled = range(lowest, highest + 1, max(1, span // SAMPLE))
    some = select(func.length(link_rows.c.body)).where(*own, link_rows.c.seq.in_(sampled))
    sizes = connection.scalars(some).all()  # fewer where gaps stand for many numbers
    rows = span * len(sizes) / len(sampled)
    return Waiting(round(rows), round(rows * (sum(sizes) / len(sizes) + ROW_OVERHEAD_BYTES)))


def drop_oldest(connection: Connection, queue: Queue, lane: Lane, *, limit: int) -> int:
    """Put a gap row in the place of up to `limit` of the oldest rows; gives how many they were.

    A gap's numbers are of one epoch, so it ends with it: a later one begins a gap of its own.
    """
    own = _in(queue, lane)
    epochs = outgoing.epochs(connection, queue)
    front: tuple[int, Gap] | None = None
    victims: list[tuple[int, float]] = []
    oldest = select(link_rows.c.seq, link_rows.c.kind, link_rows.c.at, link_rows.c.body)
    for seq, kind, at, body in connection.execute(
        oldest.where(*own).order_by(link_rows.c.seq).limit(limit + len(epochs.all))
    ):
        epoch = epochs.of(lane, victims[0][0] if victims else seq)
        if victims and (epochs.of(lane, seq) is not epoch or len(victims) == limit):
            break
        if kind == GAP:
            front = (seq, _gaps_from.decode(body)[0])
        else:
            victims.append((seq, at))
    if not victims:
        return 0
    (first, since), (last, until) = victims[0], victims[-1]
    base = epochs.of(lane, first).bases[lane]
    begun = Gap(since, until, DROPPED, from_seq=first - base, to_seq=last - base)
    if front is not None and epochs.of(lane, front[0]) is epochs.of(lane, first):
        begun = Gap(front[1].since, until, DROPPED, front[1].from_seq, last - base)
        first = front[0]
    connection.execute(delete(link_rows).where(*own, link_rows.c.seq.between(first, last)))
    row = {**queue._asdict(), "lane": lane, "seq": last, "kind": GAP, "at": until}
    connection.execute(insert(link_rows).values(row | {"body": msgspec.json.encode([begun])}))
    return len(victims)


def _in(queue: Queue, lane: Lane) -> tuple[ColumnElement[bool], ...]:
    return (
        link_rows.c.direction == queue.direction,
        link_rows.c.destination == queue.destination,
        link_rows.c.lane == lane,
    )
