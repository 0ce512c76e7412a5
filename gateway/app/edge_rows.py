"""What an edge captured becomes rows of its outbox."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.clock import ClockSetting
from gateway.link.envelope import Item, Kind, encode_items
from gateway.link.outbox_file import Append
from gateway.model import Lane


class RowStore(Protocol):
    """The spool."""

    async def put(self, row: Append) -> None:
        """Store one row, now or as soon as the disk takes it."""
        ...


class EdgeRows:
    """Encodes and counts rows (`rows_{kind}`) on their way to the spool.

    `setting`: what the clock goes by now.
    """

    def __init__(self, spool: RowStore, setting: Callable[[], ClockSetting]) -> None:
        self.counts: Counter[str] = Counter()
        self._spool = spool
        self._setting = setting

    async def put(
        self,
        lane: Lane,
        kind: Kind,
        items: Sequence[Item],
        *,
        since: float,
        until: float,
        heartbeat: float | None = None,
        setting: ClockSetting | None = None,
    ) -> None:
        """One row of `items`, captured between `since` and `until` by the clock under `setting`
        (None: as it is now)."""
        self.counts[f"rows_{kind}"] += 1
        await self._spool.put(
            Append(
                *(lane, kind, encode_items(items), since, until, heartbeat),
                setting=setting or self._setting(),
            )
        )
