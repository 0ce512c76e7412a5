import asyncio
from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from gateway.link.acceptor import Event, RowsLost
from gateway.link.envelope import Envelope, Kind, Receipt, Stream, decode_receipt, encode
from gateway.link.receiver import CommitError, Receiver
from gateway.link.topics import LaneAddress
from gateway.link.waiting import MAX_QUEUED
from gateway.model import Lane

STREAM = Stream("gw-07", "e1", Lane.LIVE)
ADDRESS = LaneAddress(owner="gw-07", lane=Lane.LIVE)


class MemoryInbox:
    """Commits to a list; fails the next `failures` times."""

    def __init__(self) -> None:
        self.committed: dict[Stream, int] = {}
        self.rows: list[Envelope] = []
        self.commits = 0
        self.failures = 0
        self.asked = asyncio.Event()

    async def marks(self) -> Mapping[Stream, int]:
        return dict(self.committed)

    async def commit(self, batch: Sequence[Envelope], marks: Mapping[Stream, int]) -> None:
        self.commits += 1
        self.asked.set()
        if self.failures:
            self.failures -= 1
            raise CommitError("hub.sqlite: the disk is full. Free some space.")
        self.rows += batch
        self.committed.update(marks)


class Receipts:
    """A broker that keeps what is published, once it `answers`."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.answers.set()
        self.published: asyncio.Queue[tuple[str, Receipt]] = asyncio.Queue()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        receipt = decode_receipt(payload)
        assert isinstance(receipt, Receipt)
        assert not retain
        await self.answers.wait()
        self.published.put_nowait((topic, receipt))
        return True


class Running:
    """A receiver with its fakes, running until the block ends."""

    def __init__(self) -> None:
        self.inbox = MemoryInbox()
        self.receipts = Receipts()
        self.events: list[Event] = []
        self.receiver = Receiver(
            inbox=self.inbox,
            publisher=self.receipts,
            receipt_topic=lambda sender: f"{sender}/receipt",
            on_event=self.events.append,
        )
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> "Running":
        await self._tasks.__aenter__()
        self._task = self._tasks.create_task(self.receiver.run(), name="receiver")
        return self

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def send_urgent(self, seq: int) -> None:
        address = LaneAddress(owner="gw-07", lane=Lane.URGENT)
        self.receiver.offer(address, encode(replace(row(seq), lane=Lane.URGENT)))

    def send(self, seq: int, *, epoch: str = "e1", fresh: bool = False) -> None:
        self.receiver.offer(ADDRESS, encode(replace(row(seq, epoch=epoch), fresh=fresh)))

    async def next_receipt(self) -> tuple[str, Receipt]:
        return await asyncio.wait_for(self.receipts.published.get(), 10)


def row(seq: int, *, epoch: str = "e1", sender: str = "gw-07") -> Envelope:
    return Envelope(
        sender=sender,
        epoch=epoch,
        lane=Lane.LIVE,
        seq=seq,
        first=1,
        sent=1.0,
        kind=Kind.PRESS,
        items=msgspec.Raw(b"[]"),
    )


def receipt(mark: int, *, epoch: str = "e1") -> Receipt:
    return Receipt(epoch=epoch, lane=Lane.LIVE, mark=mark)


async def test_rows_that_wait_share_a_commit_and_a_receipt() -> None:
    async with Running() as running:
        for seq in range(1, 101):
            running.send(seq)
        assert await running.next_receipt() == ("gw-07/receipt", receipt(100))
        assert [each.seq for each in running.inbox.rows] == list(range(1, 101))
        assert running.inbox.commits == 1
        assert running.inbox.committed == {STREAM: 100}


async def test_a_duplicate_is_receipted_without_a_commit() -> None:
    async with Running() as running:
        running.send(1)
        await running.next_receipt()
        running.send(1)
        assert await running.next_receipt() == ("gw-07/receipt", receipt(1))
        assert running.inbox.commits == 1


async def test_a_commit_that_fails_is_not_receipted_and_works_when_sent_again() -> None:
    async with Running() as running:
        running.inbox.failures = 1
        running.send(1)
        await asyncio.wait_for(running.inbox.asked.wait(), 10)
        assert running.receipts.published.empty()
        running.send(1)
        assert await running.next_receipt() == ("gw-07/receipt", receipt(1))
        assert [each.seq for each in running.inbox.rows] == [1]
        assert running.receiver.counts["commit_failed"] == 1


async def test_the_marks_of_the_inbox_are_where_it_begins() -> None:
    running = Running()
    running.inbox.committed[STREAM] = 4
    async with running:
        running.send(4)
        running.send(5)
        assert await running.next_receipt() == ("gw-07/receipt", receipt(5))
        assert [each.seq for each in running.inbox.rows] == [5]


async def test_that_rows_are_lost_reaches_the_caller() -> None:
    async with Running() as running:
        running.send(1)
        await running.next_receipt()
        running.send(1, epoch="e2", fresh=True)
        assert await running.next_receipt() == ("gw-07/receipt", receipt(1, epoch="e2"))
        await asyncio.sleep(0)
        assert running.events == [RowsLost("gw-07", epoch="e2")]


async def test_what_is_malformed_or_on_another_topic_is_counted_and_not_taken() -> None:
    async with Running() as running:
        running.receiver.offer(ADDRESS, b"no json")
        running.receiver.offer(ADDRESS, encode(row(1, sender="gw-08")))
        running.receiver.offer(LaneAddress(owner="gw-07", lane=Lane.URGENT), encode(row(1)))
        running.send(1)
        await running.next_receipt()
        assert running.receiver.counts == {"malformed": 1, "wrong_topic": 2, "accepted": 1}


async def test_a_full_queue_counts_what_it_drops() -> None:
    running = Running()
    for seq in range(1, MAX_QUEUED + 6):
        running.send(seq)
    assert running.receiver.counts["queue_full"] == 5


async def test_an_urgent_row_is_committed_before_what_came_earlier() -> None:
    async with Running() as running:
        for seq in range(1, 4):
            running.send(seq)
        running.send_urgent(1)
        await running.next_receipt()
        await running.next_receipt()
        assert [each.lane for each in running.inbox.rows] == [Lane.URGENT, *[Lane.LIVE] * 3]
        assert running.inbox.commits == 2


async def test_commits_do_not_wait_for_a_broker_that_takes_no_receipts() -> None:
    async with Running() as running:
        running.receipts.answers.clear()
        for seq in range(1, 4):
            running.inbox.asked.clear()
            running.send(seq)
            await asyncio.wait_for(running.inbox.asked.wait(), 10)
        assert [each.seq for each in running.inbox.rows] == [1, 2, 3]
        running.receipts.answers.set()
        receipts = [await running.next_receipt()]
        while receipts[-1][1].mark < 3:
            receipts.append(await running.next_receipt())
        assert len(receipts) <= 2
