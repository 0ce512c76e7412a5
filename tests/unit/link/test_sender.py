import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.clock import Clock
from gateway.epochs import Before, Epoch, Epochs
from gateway.link.envelope import (
    Envelope,
    Kind,
    Receipt,
    Status,
    decode_envelope,
    decode_items,
    encode,
)
from gateway.link.flow import Row
from gateway.link.outbox import Outbox
from gateway.link.outbox_errors import DiskFullError
from gateway.link.sender import MAX_UNACKNOWLEDGED, UNREADABLE, Sender
from gateway.link.topics import Topics
from gateway.model import Gap, Lane
from tests.unit.link.world import press

TOPICS = Topics("iwaki")
QUICK = Clock(rate=1_000.0)  # 5 s pass in 5 ms


class Wire:
    """A broker that keeps what is published; it acknowledges while `acknowledges`."""

    def __init__(self) -> None:
        self.published: asyncio.Queue[tuple[str, Envelope]] = asyncio.Queue()
        self.raw: asyncio.Queue[bytes] = asyncio.Queue()
        self.acknowledges = asyncio.Event()
        self.acknowledges.set()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        envelope = decode_envelope(payload)
        assert isinstance(envelope, Envelope)
        assert not retain
        self.published.put_nowait((topic, envelope))
        self.raw.put_nowait(payload)
        await self.acknowledges.wait()
        return True

    async def next(self) -> Envelope:
        return (await asyncio.wait_for(self.published.get(), 10))[1]


@asynccontextmanager
async def sending(path: Path, *, clock: Clock) -> AsyncIterator[tuple[Outbox, Sender, Wire]]:
    wire = Wire()
    async with Outbox(path / "outbox.sqlite", max_bytes=10_000_000) as outbox:
        sender = Sender(
            source=outbox,
            publisher=wire,
            name="gw-07",
            topic=lambda lane: TOPICS.up("gw-07", lane),
            clock=clock,
        )
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(sender.run(), name="sender")
            sender.connection(up=True)
            yield outbox, sender, wire
            task.cancel()


async def append(outbox: Outbox, number: int, lane: Lane = Lane.LIVE) -> int:
    return await outbox.append(lane, Kind.PRESS, [press(number)], since=0.0, until=1.0)


def receipt(outbox: Outbox, mark: int) -> bytes:
    return encode(Receipt(epoch=outbox.epochs.newest.name, lane=Lane.LIVE, mark=mark))


async def test_an_appended_row_goes_out_as_an_envelope_on_its_lane(tmp_path: Path) -> None:
    clock = Clock(start=1_800_000_000.0, anchor=0.0, rate=1e-12)
    async with sending(tmp_path, clock=clock) as (outbox, _, wire):
        await append(outbox, 7, Lane.URGENT)
        topic, envelope = await asyncio.wait_for(wire.published.get(), 10)
        assert topic == TOPICS.up("gw-07", Lane.URGENT)
        assert (envelope.sender, envelope.epoch) == ("gw-07", outbox.epochs.newest.name)
        assert (envelope.lane, envelope.seq, envelope.first) == (Lane.URGENT, 1, 1)
        assert round(envelope.sent) == 1_800_000_000
        assert decode_items(envelope) == [press(7)]


async def test_a_receipt_deletes_and_the_next_row_says_so(tmp_path: Path) -> None:
    async with sending(tmp_path, clock=Clock()) as (outbox, sender, wire):
        assert sender.lane() is Lane.BACKLOG
        await append(outbox, 1)
        await wire.next()
        sender.receipt(receipt(outbox, 1))
        await append(outbox, 2)
        second = await wire.next()
        assert (second.seq, second.first) == (2, 2)
        await append(outbox, 3)
        assert [row.seq for row in await outbox.read(Lane.LIVE, after=0, limit=9)] == [2, 3]
        assert sender.lane() is Lane.LIVE


async def test_rows_of_an_earlier_run_go_out_first(tmp_path: Path) -> None:
    async with Outbox(tmp_path / "outbox.sqlite", max_bytes=10_000_000) as outbox:
        await append(outbox, 1)
        await append(outbox, 2)
        earlier = outbox.epochs.newest.name
    async with sending(tmp_path, clock=Clock()) as (outbox, _, wire):
        await append(outbox, 3)
        sent = [await wire.next() for _ in range(3)]
        now = outbox.epochs.newest.name
        assert [(row.epoch, row.seq) for row in sent] == [(earlier, 1), (earlier, 2), (now, 1)]
        assert [row.run for row in sent] == [now, now, ""]
        assert [row.after for row in sent] == [None, None, (earlier, 2)]
        assert [row.held for row in sent] == [False, False, True]
        assert [row.fresh for row in sent] == [True, True, False]


async def test_without_a_receipt_a_row_is_sent_again(tmp_path: Path) -> None:
    async with sending(tmp_path, clock=QUICK) as (outbox, _, wire):
        await append(outbox, 1)
        assert [(await wire.next()).seq for _ in range(3)] == [1, 1, 1]


async def test_a_receiver_that_is_offline_is_sent_nothing(tmp_path: Path) -> None:
    async with sending(tmp_path, clock=QUICK) as (outbox, sender, wire):
        sender.receiver_status(encode(Status(online=False)))
        await append(outbox, 1)
        for _ in range(50):
            await asyncio.sleep(0)
        assert wire.published.empty()
        sender.receiver_status(encode(Status(online=True, instance="a")))
        assert (await wire.next()).seq == 1


async def test_no_more_rows_than_20_wait_for_the_broker(tmp_path: Path) -> None:
    async with sending(tmp_path, clock=Clock()) as (outbox, _, wire):
        wire.acknowledges.clear()
        async with asyncio.TaskGroup() as tasks:
            for number in range(40):
                tasks.create_task(append(outbox, number), name=f"append {number}")
        for _ in range(MAX_UNACKNOWLEDGED):
            await wire.next()
        for _ in range(50):
            await asyncio.sleep(0)
        assert wire.published.empty()
        wire.acknowledges.set()
        assert (await wire.next()).seq == MAX_UNACKNOWLEDGED + 1


async def test_that_all_before_is_receipted_is_told(tmp_path: Path) -> None:
    async with Outbox(tmp_path / "outbox.sqlite", max_bytes=10_000_000) as outbox:
        await append(outbox, 1)
        earlier = outbox.epochs.newest.name
    async with sending(tmp_path, clock=Clock()) as (outbox, sender, wire):
        await wire.next()
        sender.receipt(encode(Receipt(epoch=earlier, lane=Lane.LIVE, mark=1)))
        for _ in range(1_000):  # until the sender has taken it
            await asyncio.sleep(0)
            if await outbox.first(Lane.LIVE) == 2:
                break
        await append(outbox, 2)
        second = await wire.next()
        assert (second.after, second.held) == (Before(earlier, 1), False)


async def test_a_receiver_that_unpacks_is_sent_packed_rows(tmp_path: Path) -> None:
    async with sending(tmp_path, clock=Clock()) as (outbox, sender, wire):
        await append(outbox, 1)
        assert b'"pack"' not in await wire.raw.get()
        sender.receiver_status(encode(Status(online=True, instance="a", unpacks=True)))
        await append(outbox, 2)
        payload = b""
        while b'"pack"' not in payload:
            payload = await wire.raw.get()
        envelope = decode_envelope(payload)
        assert isinstance(envelope, Envelope)
        assert decode_items(envelope) == [press(envelope.seq)]


async def test_a_row_that_rotted_on_the_card_goes_as_a_gap_of_its_own_time(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    async with Outbox(path, max_bytes=10_000_000) as outbox:
        await outbox.append(Lane.LIVE, Kind.PRESS, [press(1)], since=7.0, until=8.0)
    with sqlite3.connect(path) as file:
        file.execute("UPDATE row SET items = zeroblob(length(items))")
    file.close()
    async with sending(tmp_path, clock=Clock()) as (_, sender, wire):
        sender.receiver_status(encode(Status(online=True, instance="a", unpacks=True)))
        envelope = await wire.next()
        assert (envelope.kind, envelope.seq) == (Kind.GAP, 1)
        assert decode_items(envelope) == [Gap(7.0, 8.0, UNREADABLE, 1, 1)]
        assert sender.counts["unreadable"] == 1


async def test_a_strange_receipt_is_counted(tmp_path: Path) -> None:
    async with sending(tmp_path, clock=Clock()) as (_, sender, _):
        sender.receipt(encode(Receipt(epoch="other", lane=Lane.LIVE, mark=1)))
        assert sender.counts["receipts_strange"] == 1


async def test_malformed_receipts_and_statuses_are_counted(tmp_path: Path) -> None:
    async with sending(tmp_path, clock=Clock()) as (_, sender, _):
        sender.receipt(b"{}")
        sender.receiver_status(b"\xff")
        assert sender.counts["malformed"] == 2


class FailingRows:
    """A source whose disk fails once."""

    def __init__(self) -> None:
        self.epochs = Epochs([Epoch("e1")])
        self.changed = asyncio.Event()
        self.reads = 0

    async def read(self, lane: Lane, *, after: int, limit: int) -> list[Row]:
        self.reads += 1
        if self.reads == 1:
            raise DiskFullError("outbox: the disk is full")
        return [Row(lane, 1, Kind.PRESS, b"[]")] if after == 0 and limit else []

    async def first(self, lane: Lane) -> int:
        return 1

    async def delete(self, lane: Lane, mark: int) -> None: ...


async def test_a_source_whose_disk_fails_is_tried_again() -> None:
    wire = Wire()
    sender = Sender(
        source=FailingRows(), publisher=wire, name="hub", topic=lambda lane: lane, clock=QUICK
    )
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(sender.run(), name="sender")
        sender.connection(up=True)
        assert (await wire.next()).seq == 1
        assert sender.counts["source_failed"] == 1
        task.cancel()
