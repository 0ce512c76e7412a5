from collections.abc import Mapping

import msgspec
import pytest
import structlog

from gateway.lamps import Authority, LampOrder, LampType, Override
from gateway.lights.orders import LightOrders, Overrides
from gateway.link.envelope import Envelope, Kind, Stream, encode_items
from gateway.link.orders import Order, OrdersInbox
from gateway.link.outbox_errors import DiskFullError
from gateway.link.receiver import CommitError
from gateway.model import EdgeOrders, Lane, ReceiverSource

STREAM = Stream("hub", "e9", Lane.URGENT)


class MemoryFile:
    """Keeps what is committed."""

    def __init__(self) -> None:
        self.kept: dict[Stream, int] = {}
        self.bodies: dict[str, bytes] = {}
        self.full = False

    async def marks(self) -> Mapping[Stream, int]:
        return self.kept

    async def documents(self) -> Mapping[str, bytes]:
        return self.bodies

    async def commit_received(
        self, marks: Mapping[Stream, int], *, documents: Mapping[str, bytes]
    ) -> None:
        if self.full:
            raise DiskFullError("outbox: the disk is full")
        self.kept.update(marks)
        self.bodies.update(documents)


def orders(name: str) -> EdgeOrders:
    return EdgeOrders(receivers=(ReceiverSource(name, "espresense", "room"),), buttons=("b",))


def override(name: str) -> Override:
    return Override(name, ("l-1",), 40.0, Authority.STAFF, 1.0, 1.0, 9.0)


LIGHTS = LightOrders(
    version=3,
    time_zone="Asia/Tokyo",
    lon=140.9,
    lat=37.0,
    lamps=(LampOrder("l-1", "bus-1", 5, "generic", "led-40", (1.0, 2.0), limits={"hot_c": 70.0}),),
    types=(LampType("led-40", ((0.0, 0.4), (100.0, 40.0))),),
    programs=(),
    calendars=(),
)


def row(seq: int, items: bytes, kind: Kind = Kind.ORDERS) -> Envelope:
    return Envelope(
        sender="hub",
        epoch="e9",
        lane=Lane.URGENT,
        seq=seq,
        first=1,
        sent=1.0,
        kind=kind,
        items=msgspec.Raw(items),
    )


async def test_the_last_orders_of_a_batch_hold_and_outlive_a_restart() -> None:
    file = MemoryFile()
    told: list[Order] = []
    inbox = OrdersInbox(file, on_order=told.append)
    assert await inbox.last() == []
    batch = [row(1, encode_items([orders("r1")])), row(2, encode_items([orders("r2")]))]
    await inbox.commit(batch, {STREAM: 2})
    assert told == [orders("r2")]
    assert await inbox.marks() == {STREAM: 2}
    assert await OrdersInbox(file, on_order=told.append).last() == [orders("r2")]


async def test_orders_that_were_not_stored_are_not_obeyed() -> None:
    file = MemoryFile()
    file.full = True
    told: list[Order] = []
    inbox = OrdersInbox(file, on_order=told.append)
    with pytest.raises(CommitError, match="disk is full"):
        await inbox.commit([row(1, encode_items([orders("r1")]))], {STREAM: 1})
    assert told == []


async def test_a_row_that_cannot_be_read_is_told_counted_and_passed_over() -> None:
    file = MemoryFile()
    told: list[Order] = []
    inbox = OrdersInbox(file, on_order=told.append)
    with structlog.testing.capture_logs() as logs:
        await inbox.commit([row(1, b'[{"receivers": 5}]')], {STREAM: 1})
    assert inbox.counts == {"malformed_items": 1}
    assert [(one["kind"], one["reason"]) for one in logs] == [("orders", "malformed_items")]
    assert (told, file.kept) == ([], {STREAM: 1})


async def test_of_each_kind_the_last_is_told_and_kept_for_itself() -> None:
    file = MemoryFile()
    told: list[Order] = []
    inbox = OrdersInbox(file, on_order=told.append)
    batch = [
        row(1, encode_items([LIGHTS]), Kind.LIGHT_ORDERS),
        row(2, encode_items([Overrides((override("o-1"),))]), Kind.OVERRIDES),
        row(3, encode_items([Overrides((override("o-2"),))]), Kind.OVERRIDES),
    ]
    await inbox.commit(batch, {STREAM: 3})
    assert told == [LIGHTS, Overrides((override("o-2"),))]
    await inbox.commit([row(4, encode_items([orders("r1")]))], {STREAM: 4})
    again = OrdersInbox(file, on_order=told.append)
    assert await again.last() == [orders("r1"), LIGHTS, Overrides((override("o-2"),))]


@pytest.mark.parametrize("unreadable", [b"", b'{"version": "x"}', b'{"time_zone": "\xff"}'])
async def test_stored_orders_that_this_version_cannot_read_do_not_hide_the_others(
    unreadable: bytes,
) -> None:
    file = MemoryFile()
    file.bodies = {"orders": msgspec.json.encode(orders("r1")), "light_orders": unreadable}
    inbox = OrdersInbox(file, on_order=lambda _: None)
    assert await inbox.last() == [orders("r1")]
    assert inbox.counts == {"unreadable_orders": 1}
