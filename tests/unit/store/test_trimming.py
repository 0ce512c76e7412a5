"""What waits for the sink for too long makes room, from the oldest on, and gaps say what went."""

import msgspec
import pytest

from gateway.link.envelope import Kind
from gateway.model import Gap, Lane
from gateway.store import outgoing, trimming
from gateway.store.database import Connection, Database
from gateway.store.outgoing import Queue
from gateway.store.trimming import Trimming

OUT = Queue("out", "sink")
BODY = b"x" * 920  # a thousand bytes with what a row takes beside it


def append(connection: Connection, count: int, *, lane: Lane = Lane.LIVE, at: float = 0.0) -> None:
    for number in range(count):
        outgoing.append(connection, OUT, lane=lane, kind="positions", items=BODY, at=at + number)


async def held(database: Database, lane: Lane = Lane.LIVE) -> list[tuple[int, str]]:
    rows = await database.read(outgoing.rows, OUT, lane=lane, after=0, limit=10_000)
    return [(row.seq, row.kind) for row in rows]


async def gaps(database: Database) -> list[tuple[int, Gap]]:
    rows = await database.read(outgoing.rows, OUT, lane=Lane.LIVE, after=0, limit=10_000)
    return [
        (row.seq, *msgspec.json.decode(row.items, type=list[Gap]))
        for row in rows
        if row.kind == Kind.GAP
    ]


class Pauses:
    """No time passes."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, seconds: float) -> None:
        self.count += 1


def trim(database: Database, *, kilobytes: int) -> Trimming:
    return Trimming(database, OUT, max_bytes=1_000 * kilobytes, pause=Pauses())


async def test_the_oldest_rows_make_room_and_one_gap_stands_for_them(database: Database) -> None:
    await database.write(outgoing.begin_epoch, OUT)
    await database.write(append, 1_000, at=50.0)
    trimmer = trim(database, kilobytes=600)
    await trimmer.run()
    assert trimmer.dropped == 400
    assert await held(database) == [
        (400, "gap"),
        *((seq, "positions") for seq in range(401, 1_001)),
    ]
    assert await gaps(database) == [(400, Gap(50.0, 449.0, "sink_away", 1, 400))]


async def test_what_is_little_enough_stays(database: Database) -> None:
    await database.write(outgoing.begin_epoch, OUT)
    await database.write(append, 100)
    trimmer = trim(database, kilobytes=101)
    await trimmer.run()
    assert trimmer.dropped == 0
    assert len(await held(database)) == 100


async def test_urgent_rows_never_go(database: Database) -> None:
    await database.write(outgoing.begin_epoch, OUT)
    await database.write(append, 300, lane=Lane.URGENT)
    await trim(database, kilobytes=8).run()
    assert len(await held(database, Lane.URGENT)) == 300


async def test_the_limit_is_of_all_lanes_together_and_old_days_go_first(
    database: Database,
) -> None:
    await database.write(outgoing.begin_epoch, OUT)
    await database.write(append, 300)
    await database.write(append, 100, lane=Lane.BACKLOG)
    await trim(database, kilobytes=350).run()
    assert len(await held(database)) == 300
    assert len(await held(database, Lane.BACKLOG)) == 1 + 50
    await database.write(append, 100)
    await trim(database, kilobytes=350).run()
    assert len(await held(database, Lane.BACKLOG)) == 1
    assert len(await held(database)) == pytest.approx(1 + 350, abs=3)  # a gap is nearly no bytes


async def test_a_later_round_lengthens_the_gap(database: Database) -> None:
    await database.write(outgoing.begin_epoch, OUT)
    await database.write(append, 100)
    await trim(database, kilobytes=50).run()
    await database.write(append, 50, at=100.0)
    await trim(database, kilobytes=50).run()
    ((seq, gap),) = await gaps(database)
    assert (gap.since, gap.from_seq, gap.to_seq) == (0.0, 1, seq)
    assert len(await held(database)) == 150 - seq + 1


async def test_each_epoch_has_a_gap_of_its_own_counted_in_it(database: Database) -> None:
    for begin in (0.0, 100.0, 200.0):
        await database.write(outgoing.begin_epoch, OUT)
        await database.write(append, 100, at=begin)
    await trim(database, kilobytes=50).run()
    first, second, third = await gaps(database)
    assert first == (100, Gap(0.0, 99.0, "sink_away", 1, 100))
    assert second == (200, Gap(100.0, 199.0, "sink_away", 1, 100))
    assert third[0] == 200 + third[1].to_seq
    assert third[1].from_seq == 1
    epochs = await database.read(outgoing.epochs, OUT)
    assert [epoch.bases[Lane.LIVE] for epoch in epochs.all] == [0, 100, 200]


async def test_a_gap_at_the_front_of_an_earlier_epoch_is_left_alone(database: Database) -> None:
    await database.write(outgoing.begin_epoch, OUT)
    await database.write(append, 10)
    assert await database.write(trimming.drop_oldest, OUT, Lane.LIVE, limit=10) == 10
    assert await database.write(trimming.drop_oldest, OUT, Lane.LIVE, limit=10) == 0
    await database.write(outgoing.begin_epoch, OUT)
    await database.write(append, 10, at=100.0)
    assert await database.write(trimming.drop_oldest, OUT, Lane.LIVE, limit=4) == 4
    assert [gap for _, gap in await gaps(database)] == [
        Gap(0.0, 9.0, "sink_away", 1, 10),
        Gap(100.0, 103.0, "sink_away", 1, 4),
    ]


async def test_numbers_that_gaps_stand_for_are_no_rows(database: Database) -> None:
    for _ in range(2):
        await database.write(outgoing.begin_epoch, OUT)
        await database.write(append, 1_000)
        while await database.write(trimming.drop_oldest, OUT, Lane.LIVE, limit=900) == 900:
            pass
    await database.write(append, 1_000)
    found = await database.read(trimming.waiting, OUT, Lane.LIVE)
    assert 950 <= found.rows <= 1_050


async def test_the_size_is_known_without_reading_all(database: Database) -> None:
    await database.write(append, 5_000)
    found = await database.read(trimming.waiting, OUT, Lane.LIVE)
    assert found == trimming.Waiting(5_000, 5_000_000)
    assert await database.read(trimming.waiting, OUT, Lane.BACKLOG) == trimming.Waiting(0, 0)
