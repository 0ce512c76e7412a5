"""The edge's inbox for what the hub sends down: the last orders, whole, beside their mark."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from gateway.link.envelope import Envelope, Stream, decode_items
from gateway.link.outbox_errors import OutboxError
from gateway.link.receiver import CommitError
from gateway.model import EdgeOrders, Rejected


class OrdersFile(Protocol):
    """The edge's outbox file, which keeps both in one commit."""

    async def marks(self) -> Mapping[Stream, int]:
        """What of the hub's rows was taken."""
        ...

    async def orders(self) -> bytes | None:
        """The last orders, encoded."""
        ...

    async def commit_received(self, marks: Mapping[Stream, int], *, orders: bytes | None) -> None:
        """Store both. Raises OutboxError."""
        ...


class OrdersInbox:
    """Calls `on_orders` after each commit that brought new orders. `counts`: Rejected reasons."""

    def __init__(self, file: OrdersFile, *, on_orders: Callable[[EdgeOrders], None]) -> None:
        self.counts: Counter[str] = Counter()
        self._file = file
        self._on_orders = on_orders

    async def last(self) -> EdgeOrders | None:
        """The orders to start with, before the hub is reached; None where there never were any."""
        body = await self._file.orders()
        return None if body is None else msgspec.json.decode(body, type=EdgeOrders)

    async def marks(self) -> Mapping[Stream, int]:
        """See `Inbox`."""
        return await self._file.marks()

    async def commit(self, batch: Sequence[Envelope], marks: Mapping[Stream, int]) -> None:
        """See `Inbox`."""
        orders = None
        for envelope in batch:
            items = decode_items(envelope)
            if isinstance(items, Rejected):
                self.counts[items.reason] += 1
                continue
            for item in items:
                if isinstance(item, EdgeOrders):
                    orders = item
        body = None if orders is None else msgspec.json.encode(orders)
        try:
            await self._file.commit_received(marks, orders=body)
        except OutboxError as error:
            raise CommitError(str(error)) from error
        if orders is not None:
            self._on_orders(orders)
