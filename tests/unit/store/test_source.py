"""The database as a sender's source of rows: with the link's own sender flow on top."""

from collections.abc import AsyncIterator

import pytest

from gateway.link.flow import Row
from gateway.link.sender import RowSource
from gateway.model import Lane
from gateway.store import outgoing
from gateway.store.database import Database
from gateway.store.outgoing import Queue
from gateway.store.source import OutgoingRows

SINK = Queue("out", "sink")


@pytest.fixture
async def source(database: Database) -> AsyncIterator[OutgoingRows[Row]]:
    async with OutgoingRows(database, SINK, Row) as rows:
        yield rows


async def append(database: Database, queue: Queue, body: bytes) -> None:
    await database.write(outgoing.append, queue, lane=Lane.LIVE, kind="alerts", items=body, at=1.0)


async def test_it_is_what_the_links_sender_asks_for(
    database: Database, source: OutgoingRows[Row]
) -> None:
    as_the_link_sees_it: RowSource = source
    await append(database, SINK, b"[1]")
    await append(database, SINK, b"[2]")
    assert await as_the_link_sees_it.read(Lane.LIVE, after=1, limit=9) == [
        Row(Lane.LIVE, 2, "alerts", b"[2]")
    ]
    await as_the_link_sees_it.delete(Lane.LIVE, 1)
    assert await as_the_link_sees_it.first(Lane.LIVE) == 2
    assert await as_the_link_sees_it.read(Lane.URGENT, after=0, limit=9) == []


async def test_it_wakes_its_sender_for_own_rows_only(
    database: Database, source: OutgoingRows[Row]
) -> None:
    await append(database, Queue("down", "gw-07"), b"[]")
    assert not source.changed.is_set()
    await append(database, SINK, b"[]")
    await source.changed.wait()


async def test_each_start_writes_in_an_epoch_of_its_own(
    database: Database, source: OutgoingRows[Row]
) -> None:
    await append(database, SINK, b"[1]")
    async with OutgoingRows(database, SINK, Row) as again:
        await append(database, SINK, b"[2]")
        old, new = (again.epochs.of(Lane.LIVE, seq) for seq in (1, 2))
        assert old == source.epochs.newest
        assert new == again.epochs.newest != old
        assert new.before == {Lane.LIVE: (old.name, 1)}
