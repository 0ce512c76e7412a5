"""The hub's rows for the link: numbered for ever, deleted by a receipt."""

import pytest

from gateway.model import Lane
from gateway.store import outgoing
from gateway.store.database import Connection, Database
from gateway.store.outgoing import NOBODY, OutgoingRow, Queue

SINK = Queue("out", "sink")
EDGE = Queue("down", "gw-07")


def append(
    connection: Connection, queue: Queue, *bodies: bytes, lane: Lane = Lane.LIVE
) -> list[int]:
    return [
        outgoing.append(connection, queue, lane=lane, kind="positions", items=body, at=5.0)
        for body in bodies
    ]


async def test_rows_are_numbered_per_queue_and_lane(database: Database) -> None:
    assert await database.write(append, SINK, b"a", b"b") == [1, 2]
    assert await database.write(append, EDGE, b"c") == [1]
    assert await database.write(append, SINK, b"d", lane=Lane.URGENT) == [1]
    held = await database.read(outgoing.rows, SINK, lane=Lane.LIVE, after=0, limit=10)
    assert held == [
        OutgoingRow(Lane.LIVE, 1, "positions", b"a"),
        OutgoingRow(Lane.LIVE, 2, "positions", b"b"),
    ]


async def test_what_is_put_into_the_queue_of_nobody_is_gone(database: Database) -> None:
    assert await database.write(append, NOBODY, b"a", b"b") == [0, 0]
    assert await database.read(outgoing.counts) == {}
    assert await database.read(outgoing.last, NOBODY, Lane.LIVE) == 0


async def test_rows_are_read_in_order_after_a_number(database: Database) -> None:
    await database.write(append, SINK, *(b"%d" % n for n in range(1, 21)))
    held = await database.read(outgoing.rows, SINK, lane=Lane.LIVE, after=4, limit=3)
    assert [row.seq for row in held] == [5, 6, 7]


async def test_a_receipt_deletes_its_lane_up_to_the_mark(database: Database) -> None:
    await database.write(append, SINK, b"a", b"b", b"c")
    await database.write(append, SINK, b"u", lane=Lane.URGENT)
    await database.write(append, EDGE, b"e")
    assert await database.write(outgoing.delete_through, SINK, lane=Lane.LIVE, mark=2) == 2
    assert await database.read(outgoing.first, SINK, Lane.LIVE) == 3
    assert await database.read(outgoing.counts) == {SINK: 2, EDGE: 1}


async def test_a_number_is_not_given_again_after_its_row_is_gone(database: Database) -> None:
    await database.write(append, SINK, b"a", b"b")
    await database.write(outgoing.delete_through, SINK, lane=Lane.LIVE, mark=2)
    assert await database.read(outgoing.first, SINK, Lane.LIVE) == 3
    assert await database.write(append, SINK, b"c") == [3]


async def test_the_last_number_is_known_though_its_row_is_gone(database: Database) -> None:
    assert await database.read(outgoing.last, SINK, Lane.LIVE) == 0
    await database.write(append, SINK, b"a", b"b")
    await database.write(outgoing.delete_through, SINK, lane=Lane.LIVE, mark=2)
    assert await database.read(outgoing.last, SINK, Lane.LIVE) == 2


async def test_epochs_without_rows_are_forgotten_and_others_kept(database: Database) -> None:
    first = await database.write(outgoing.begin_epoch, SINK)
    await database.write(append, SINK, b"a")
    second = await database.write(outgoing.begin_epoch, SINK)
    assert [one.name for one in second.all] == [first.newest.name, second.newest.name]
    await database.write(outgoing.delete_through, SINK, lane=Lane.LIVE, mark=1)
    third = await database.write(outgoing.begin_epoch, SINK)
    assert first.newest.name not in third
    assert third.newest.before == {Lane.LIVE: (first.newest.name, 1)}
    assert await database.write(outgoing.begin_epoch, EDGE) != third


async def test_a_lane_without_rows_begins_at_one(database: Database) -> None:
    assert await database.read(outgoing.first, SINK, Lane.BACKLOG) == 1


async def test_a_row_falls_with_the_effect_that_failed(database: Database) -> None:
    def effect(connection: Connection) -> None:
        append(connection, SINK, b"a")
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(effect)
    assert await database.read(outgoing.counts) == {}
    assert await database.write(append, SINK, b"b") == [1]
