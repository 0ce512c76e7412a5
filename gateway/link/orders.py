"""The edge's inbox for what the hub sends down: each document's last version, beside the marks."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
import structlog

from gateway.lights.orders import LightOrders, Overrides
from gateway.link.envelope import Envelope, Kind, Stream, decode_items
from gateway.link.outbox_errors import OutboxError
from gateway.link.receiver import CommitError
from gateway.model import EdgeOrders, Rejected

Order = EdgeOrders | LightOrders | Overrides
"""What the hub tells an edge: each whole, so that the newest of its kind stands for all before."""

_TYPES: Mapping[str, type[Order]] = {
    Kind.ORDERS: EdgeOrders,
    Kind.LIGHT_ORDERS: LightOrders,
    Kind.OVERRIDES: Overrides,
}

_log = structlog.get_logger()


class DocumentFile(Protocol):
    """The edge's outbox file, which keeps both in one commit."""

    async def marks(self) -> Mapping[Stream, int]:
        """What of the hub's rows was taken."""
        ...

    async def documents(self) -> Mapping[str, bytes]:
        """The last version of each document, encoded, by name."""
        ...

    async def commit_received(
        self, marks: Mapping[Stream, int], *, documents: Mapping[str, bytes]
    ) -> None:
        """Store both. Raises OutboxError."""
        ...


class OrdersInbox:
    """Calls `on_order` for each kind of order of which a commit brought a new version.

    `counts`: Rejected reasons, and unreadable_orders.
    """

    def __init__(self, file: DocumentFile, *, on_order: Callable[[Order], None]) -> None:
        self.counts: Counter[str] = Counter()
        self._file = file
        self._on_order = on_order

    async def last(self) -> Sequence[Order]:
        """The orders to start with, before the hub is reached: of each kind one, if there was any.

        One that another version of this program wrote, and that cannot be read, is passed over: the
        hub tells every process that starts anew.
        """
        documents = await self._file.documents()
        found: list[Order] = []
        for name, known in _TYPES.items():
            if name not in documents:
                continue
            try:
                found.append(msgspec.json.decode(documents[name], type=known))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                self.counts["unreadable_orders"] += 1
                _log.error("stored orders cannot be read", kind=name, reason=str(error))
        return found

    async def marks(self) -> Mapping[Stream, int]:
        """See `Inbox`."""
        return await self._file.marks()

    async def commit(self, batch: Sequence[Envelope], marks: Mapping[Stream, int]) -> None:
        """See `Inbox`."""
        newest: dict[str, Order] = {}
        for envelope in batch:
            items = decode_items(envelope)
            if isinstance(items, Rejected):
                self.counts[items.reason] += 1
                _log.error(
                    "the hub's orders cannot be read and the last ones stay: "
                    "install the same version on the hub and here",
                    kind=envelope.kind,
                    reason=items.reason,
                )
                continue
            for item in items:
                if isinstance(item, Order):
                    newest[envelope.kind] = item
        bodies = {kind: msgspec.json.encode(order) for kind, order in newest.items()}
        try:
            await self._file.commit_received(marks, documents=bodies)
        except OutboxError as error:
            raise CommitError(str(error)) from error
        for order in newest.values():
            self._on_order(order)
