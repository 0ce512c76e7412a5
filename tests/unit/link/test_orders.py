from collections.abc import Mapping

import msgspec
import pytest

from gateway.link.envelope import Envelope, Kind, Stream, encode_items
from gateway.link.orders import OrdersInbox
from gateway.link.outbox_errors import DiskFullError
from gateway.link.receiver import CommitError
from gateway.model import EdgeOrders, Lane, ReceiverSource

STREAM = Stream("hub", "e9", Lane.URGENT)


class MemoryFile:
    """Keeps what is committed."""

    def __init__(self) -> None:
        self.kept: dict[Stream, int] = {}
        self.body: bytes | None = None
        self.full = False

    async def marks(self) -> Mapping[Stream, int]:
        return self.kept

    async def orders(self) -> bytes | None:
        return self.body

    async def commit_received(self, marks: Mapping[Stream, int], *, orders: bytes | None) -> None:
        if self.full:
            raise DiskFullError("outbox: the disk is full")
        self.kept.update(marks)
        self.body = orders or self.body


def orders(name: str) -> EdgeOrders:
    return EdgeOrders(receivers=(ReceiverSource(name, "espresense", "room"),), buttons=("b",))


def row(seq: int, items: bytes) -> Envelope:
    return Envelope(
        sender="hub",
        epoch="e9",
        lane=Lane.URGENT,
        seq=seq,
        first=1,
        sent=1.0,
        kind=Kind.ORDERS,
        items=msgspec.Raw(items),
    )


async def test_the_last_orders_of_a_batch_hold_and_outlive_a_restart() -> None:
    file = MemoryFile()
    told: list[EdgeOrders] = []
    inbox = OrdersInbox(file, on_orders=told.append)
    assert await inbox.last() is None
    batch = [row(1, encode_items([orders("r1")])), row(2, encode_items([orders("r2")]))]
    await inbox.commit(batch, {STREAM: 2})
    assert told == [orders("r2")]
    assert await inbox.marks() == {STREAM: 2}
    assert await OrdersInbox(file, on_orders=told.append).last() == orders("r2")


async def test_orders_that_were_not_stored_are_not_obeyed() -> None:
    file = MemoryFile()
    file.full = True
    told: list[EdgeOrders] = []
    inbox = OrdersInbox(file, on_orders=told.append)
    with pytest.raises(CommitError, match="disk is full"):
        await inbox.commit([row(1, encode_items([orders("r1")]))], {STREAM: 1})
    assert told == []


async def test_a_row_that_cannot_be_read_is_counted_and_passed_over() -> None:
    file = MemoryFile()
    told: list[EdgeOrders] = []
    inbox = OrdersInbox(file, on_orders=told.append)
    await inbox.commit([row(1, b'[{"receivers": 5}]')], {STREAM: 1})
    assert inbox.counts == {"malformed_items": 1}
    assert (told, file.kept) == ([], {STREAM: 1})
