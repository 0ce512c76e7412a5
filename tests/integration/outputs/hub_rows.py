"""The hub's side of the link to the sink: rows in memory, sent by the real sender."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gateway.clock import Clock
from gateway.epochs import Epoch, Epochs, new_name
from gateway.link.broker import Broker
from gateway.link.envelope import Item, Kind, encode_items
from gateway.link.flow import Row
from gateway.link.sender import Sender
from gateway.link.topics import Topics
from gateway.model import Lane
from gateway.settings import BrokerSettings


class HubRows:
    """Rows that wait for a receipt; `held` counts them, `empty` is set while there are none."""

    def __init__(self) -> None:
        self.epochs = Epochs([Epoch(new_name())])
        self.changed = asyncio.Event()
        self.empty = asyncio.Event()
        self._rows: dict[Lane, list[Row]] = {lane: [] for lane in Lane}
        self._last: Counter[Lane] = Counter()

    @property
    def held(self) -> int:
        """Rows that no receipt has deleted."""
        return sum(len(rows) for rows in self._rows.values())

    def append(self, lane: Lane, kind: Kind, items: Sequence[Item]) -> None:
        """One more row."""
        self._last[lane] += 1
        row = Row(lane=lane, seq=self._last[lane], kind=kind, items=encode_items(items))
        self._rows[lane].append(row)
        self.empty.clear()
        self.changed.set()

    async def read(self, lane: Lane, *, after: int, limit: int) -> Sequence[Row]:
        """Rows above `after`."""
        return [row for row in self._rows[lane] if row.seq > after][:limit]

    async def first(self, lane: Lane) -> int:
        """The lowest seq held, or the next one."""
        return self._rows[lane][0].seq if self._rows[lane] else self._last[lane] + 1

    async def delete(self, lane: Lane, mark: int) -> None:
        """Receipted."""
        self._rows[lane] = [row for row in self._rows[lane] if row.seq > mark]
        if not self.held:
            self.empty.set()


@asynccontextmanager
async def sending(rows: HubRows, *, site: str, port: int) -> AsyncIterator[None]:
    """Send `rows` as hub `hub` while inside."""
    topics = Topics(site)
    broker = Broker(settings=BrokerSettings(port=port), name="hub")
    sender = Sender(
        source=rows,
        publisher=broker,
        name="hub",
        topic=lambda lane: topics.out("hub", lane),
        clock=Clock(),
    )
    broker.on_connection(lambda up: sender.connection(up=up))
    await broker.subscribe(topics.out_receipt("hub"), lambda one: sender.receipt(one.payload))
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(broker.run(), name="hub broker"),
            tasks.create_task(sender.run(), name="hub sender"),
        ]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
