"""Rows from a source to MQTT by the rules of `flow.py`, until the receiver has receipted them."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from gateway.clock import Clock
from gateway.link.envelope import Envelope, Receipt, decode_receipt, decode_status, encode
from gateway.link.flow import Fetch, Row, Send, SenderFlow, lane_for
from gateway.model import Lane, Rejected, UnusableError

MAX_UNACKNOWLEDGED = (
    20  # by the broker: more would make an urgent row wait behind them in the socket
)
RETRY_S = 2.0
_log = structlog.get_logger()


class RowSource(Protocol):
    """An outbox: the edge's file, or a table of the hub's database.

    What its disk refuses it raises as UnusableError; the sender waits and begins again.
    """

    @property
    def epoch(self) -> str:
        """Random, new with each file or table."""
        ...

    @property
    def changed(self) -> asyncio.Event:
        """Set by the source after each append's commit; cleared by the sender, the only waiter."""
        ...

    async def read(self, lane: Lane, *, after: int, limit: int) -> Sequence[Row]:
        """Rows of `lane` with a seq above `after`, in order."""
        ...

    async def first(self, lane: Lane) -> int:
        """The lowest seq still held (of a gap row: the first that it replaces), or the next."""
        ...

    async def last(self, lane: Lane) -> int:
        """The last seq given in `lane`, also where its row is deleted; 0 before the first."""
        ...

    async def delete(self, lane: Lane, mark: int) -> None:
        """The receiver has the rows up to `mark`; they may go when it is convenient."""
        ...

    async def renew(self) -> str:
        """Begin a new epoch with the same rows and seqs, and return it."""
        ...


class Publisher(Protocol):
    """The connection to the broker."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """True where the broker has taken it; false where there is no connection."""
        ...


class Sender:
    """`name` is the envelope's `from`; `topic` maps a lane to its topic.

    Feed it `connection`, `receipt` and `receiver_status` from the broker's handlers; none blocks.
    `counts`: sent, unsent, receipts, renewed, source_failed, and each Rejected reason.
    """

    def __init__(
        self,
        *,
        source: RowSource,
        publisher: Publisher,
        name: str,
        topic: Callable[[Lane], str],
        clock: Clock,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._source = source
        self._publisher = publisher
        self._name = name
        self._topic = topic
        self._clock = clock
        start = dict.fromkeys(Lane, 0)
        self._flow = SenderFlow(epoch="", marks=start)  # `run` restarts it with what is held
        self._receipts: dict[Lane, Receipt] = {}
        self._wake = asyncio.Event()
        self._said = ""
        self._slots = asyncio.Semaphore(MAX_UNACKNOWLEDGED)

    def lane(self) -> Lane:
        """Where a row that is not urgent belongs now."""
        now = self._clock.monotonic()
        return lane_for(last_receipt_at=self._flow.last_receipt_at, now=now)

    def connection(self, *, up: bool) -> None:
        """The broker was reached, or lost."""
        if up:
            self._flow.connected()
        else:
            self._flow.disconnected()
        self._wake.set()

    def receiver_status(self, payload: bytes) -> None:
        """The receiver's retained status."""
        status = decode_status(payload)
        if isinstance(status, Rejected):
            self.counts[status.reason] += 1
            return
        self._flow.receiver_status(online=status.online, instance=status.instance)
        self._wake.set()

    def receipt(self, payload: bytes) -> None:
        """A message of the receipts' topic; of one lane only the latest matters."""
        receipt = decode_receipt(payload)
        if isinstance(receipt, Rejected):
            self.counts[receipt.reason] += 1
            return
        self.counts["receipts"] += 1
        known = self._receipts.get(receipt.lane)
        if known is None or known.epoch != receipt.epoch or known.mark < receipt.mark:
            self._receipts[receipt.lane] = receipt
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_source(), name=f"{self._name} watches its outbox")
            while True:
                try:
                    await self._begin(self._source.epoch)
                    await self._work(tasks)
                except UnusableError as error:
                    self.counts["source_failed"] += 1
                    self._tell(str(error))
                    await asyncio.sleep(RETRY_S / self._clock.rate)

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            self._wake.clear()
            await self._take_receipts()
            now = self._clock.monotonic()
            self._flow.tick(now=now)
            match self._flow.next(now=now):
                case Fetch(lane=lane, after=after, limit=limit) as fetch:
                    rows = await self._source.read(lane, after=after, limit=limit)
                    self._flow.fetched(fetch, rows)
                case Send(row=row) as send:
                    payload = self._envelope(send)
                    await self._slots.acquire()
                    task = self._publish(self._topic(row.lane), payload)
                    tasks.create_task(task, name=f"send {row.lane} {row.seq}")
                case None:
                    await self._wait(self._flow.next_tick_in(now=now))

    def _tell(self, reason: str) -> None:
        """One message per cause, not one per attempt."""
        if reason != self._said:
            self._said = reason
            _log.error("waiting rows cannot be sent; tried again", sender=self._name, reason=reason)

    async def _begin(self, epoch: str) -> None:
        marks = {lane: await self._source.first(lane) - 1 for lane in Lane}
        self._flow.restart(epoch=epoch, marks=marks)

    async def _watch_source(self) -> None:
        while True:
            await self._source.changed.wait()
            self._source.changed.clear()
            self._flow.appended()
            self._wake.set()

    async def _wait(self, longest_s: float | None) -> None:
        real_s = None if longest_s is None else longest_s / self._clock.rate
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(real_s):
                await self._wake.wait()

    async def _take_receipts(self) -> None:
        receipts, self._receipts = self._receipts, {}
        for lane, receipt in receipts.items():
            if self._flow.is_ahead(receipt) and receipt.mark > await self._source.last(lane):
                await self._renew(receipt)
            elif self._flow.receipt(receipt, now=self._clock.monotonic()):
                await self._source.delete(lane, receipt.mark)

    async def _renew(self, receipt: Receipt) -> None:
        """The receiver has rows that we never wrote: ours is a copy, and seqs are given twice."""
        epoch = await self._source.renew()
        _log.warning(
            "outbox is older than what the receiver has (restored from a copy?); new epoch begun",
            sender=self._name,
            lane=receipt.lane,
            mark=receipt.mark,
            epoch=epoch,
        )
        self.counts["renewed"] += 1
        await self._begin(epoch)

    def _envelope(self, send: Send) -> bytes:
        return encode(
            Envelope(
                sender=self._name,
                epoch=self._flow.epoch,
                lane=send.row.lane,
                seq=send.row.seq,
                first=send.first,
                sent=self._clock.utc(),
                kind=send.row.kind,
                items=msgspec.Raw(send.row.items),
            )
        )

    async def _publish(self, topic: str, payload: bytes) -> None:
        try:
            taken = await self._publisher.publish(topic, payload)
        finally:
            self._slots.release()
        self.counts["sent" if taken else "unsent"] += 1
