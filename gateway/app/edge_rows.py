"""What an edge captured becomes rows of its outbox."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from gateway.link.envelope import Item, Kind, encode_items
from gateway.link.outbox_file import Append
from gateway.model import Lane


class RowStore(Protocol):
    """The spool."""

    async def put(self, row: Append) -> None:
        """Store one row, now or as soon as the disk takes it."""
        ...


class EdgeRows:
    """Encodes and counts rows (`rows_{kind}`) on their way to the spool."""

    def __init__(self, spool: RowStore) -> None:
        self.counts: Counter[str] = Counter()
        self._spool = spool

    async def put(
        self,
        lane: Lane,
        kind: Kind,
        items: Sequence[Item],
        *,
        since: float,
        until: float,
        heartbeat: float | None = None,
    ) -> None:
        """One row of `items`, captured between `since` and `until`."""
        self.counts[f"rows_{kind}"] += 1
        await self._spool.put(Append(lane, kind, encode_items(items), since, until, heartbeat))
