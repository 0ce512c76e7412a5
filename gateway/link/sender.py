"""Rows from a source to MQTT by the rules of `flow.py`, until the receiver has receipted them."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from gateway.clock import Clock
from gateway.epochs import Epochs
from gateway.link.envelope import (
    LONGEST_PAYLOAD,
    Envelope,
    Kind,
    decode_receipt,
    decode_status,
    encode,
    encode_items,
    encode_packed,
)
from gateway.link.flow import Fetch, Row, Send, SenderFlow, lane_for
from gateway.link.packing import unpack
from gateway.model import Gap, Lane, Rejected, UnusableError

MAX_UNACKNOWLEDGED = (
    20  # by the broker: more would make an urgent row wait behind them in the socket
)
RETRY_S = 2.0
UNREADABLE = "unreadable"
_log = structlog.get_logger()


class RowSource(Protocol):
    """An outbox: the edge's file, or a table of the hub's database.

    What its disk refuses it raises as UnusableError; the sender waits and begins again.
    """

    @property
    def epochs(self) -> Epochs:
        """Those of its rows, and the newest, in which it writes."""
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

    async def delete(self, lane: Lane, mark: int) -> None:
        """The receiver has the rows up to `mark`; they may go when it is convenient."""
        ...


class Publisher(Protocol):
    """The connection to the broker."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """True where the broker has taken it; false where there is no connection."""
        ...


class Sender:
    """`name` is the envelope's `from`; `topic` maps a lane to its topic.

    Feed it `connection`, `receipt` and `receiver_status` from the broker's handlers; none blocks.
    `counts`: sent, unsent, receipts, receipts_strange, unreadable, source_failed, and each reason
    of Rejected.
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
        self._flow = SenderFlow(marks=start)  # `run` restarts it with what is held
        self._receipts: dict[tuple[str, Lane], int] = {}
        self._unpacks = False
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
            self._unpacks = False
        self._wake.set()

    def receiver_status(self, payload: bytes) -> None:
        """The receiver's retained status."""
        status = decode_status(payload)
        if isinstance(status, Rejected):
            self.counts[status.reason] += 1
            return
        self._flow.receiver_status(online=status.online, instance=status.instance)
        self._unpacks = status.unpacks
        self._wake.set()

    def receipt(self, payload: bytes) -> None:
        """A message of the receipts' topic; of one stream only the highest matters."""
        receipt = decode_receipt(payload)
        if isinstance(receipt, Rejected):
            self.counts[receipt.reason] += 1
            return
        self.counts["receipts"] += 1
        if receipt.epoch not in self._source.epochs:
            self.counts["receipts_strange"] += 1  # of a store that was set aside, or of a twin
            return
        stream = (receipt.epoch, receipt.lane)
        self._receipts[stream] = max(receipt.mark, self._receipts.get(stream, 0))
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_source(), name=f"{self._name} watches its outbox")
            while True:
                try:
                    await self._begin()
                    await self._work(tasks)
                except UnusableError as error:
                    self.counts["source_failed"] += 1
                    self._tell(str(error))
                    await asyncio.sleep(RETRY_S / self._clock.rate)

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            self._wake.clear()
            self._flow.begins_after(self._source.epochs.all[0].bases)
            await self._take_receipts()
            now = self._clock.monotonic()
            self._flow.tick(now=now)
            match self._flow.next(now=now):
                case Fetch(lane=lane, after=after, limit=limit) as fetch:
                    rows = await self._source.read(lane, after=after, limit=limit)
                    self._flow.fetched(fetch, rows)
                case Send(row=row) as send:
                    payload = self._payload(send)
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

    async def _begin(self) -> None:
        self._flow.restart(marks={lane: await self._source.first(lane) - 1 for lane in Lane})

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
        for (epoch, lane), mark in receipts.items():
            reach = self._source.epochs.reach((epoch, lane, mark))
            if reach is not None and self._flow.receipt(lane, reach, now=self._clock.monotonic()):
                await self._source.delete(lane, reach.through)

    def _payload(self, send: Send) -> bytes:
        row, epochs = send.row, self._source.epochs
        envelope = envelope_of(send, epochs, sender=self._name, sent=self._now(epochs))
        items = unpack(row.items, longest=LONGEST_PAYLOAD) if row.is_packed else row.items
        if isinstance(items, Rejected):
            self._tell_rotten(row)
            return encode(_rotten(row, envelope))
        if row.is_packed and self._unpacks:
            return encode_packed(envelope, row.items)
        return encode(msgspec.structs.replace(envelope, items=msgspec.Raw(items)))

    def _now(self, epochs: Epochs) -> float:
        """By the clock of the newest epoch, also in the second in which the clock was set."""
        ours, newest = self._clock.setting, epochs.newest.setting
        ahead_s = newest.offset_s - ours.offset_s if newest.boot == ours.boot else 0.0
        return self._clock.utc() + ahead_s

    def _tell_rotten(self, row: Row) -> None:
        self.counts["unreadable"] += 1
        _log.error(
            "a row can no longer be read and becomes a gap; check the card",
            sender=self._name,
            kind=row.kind,
            since=row.since,
        )

    async def _publish(self, topic: str, payload: bytes) -> None:
        try:
            taken = await self._publisher.publish(topic, payload)
        finally:
            self._slots.release()
        self.counts["sent" if taken else "unsent"] += 1


def envelope_of(send: Send, epochs: Epochs, *, sender: str, sent: float) -> Envelope:
    """What a row of a source is on the wire, but for its items. `sent`: by the newest's clock."""
    row = send.row
    epoch = epochs.of(row.lane, row.seq)
    base = epoch.bases[row.lane]
    shift_s, clock = epochs.captured(epoch)
    return Envelope(
        sender=sender,
        epoch=epoch.name,
        lane=row.lane,
        seq=row.seq - base,
        first=max(send.first - base, 1),
        sent=sent,
        kind=row.kind,
        run="" if epoch is epochs.newest else epochs.newest.name,
        fresh=epoch.is_first,
        after=epoch.before.get(row.lane),
        held=send.first <= base,
        shift_s=shift_s,
        clock=clock,
    )


def _rotten(row: Row, envelope: Envelope) -> Envelope:
    """The gap in the place of a row whose bytes are no longer what was written."""
    first = envelope.seq - (row.seq - row.from_seq)
    gap = Gap(row.since, row.until, UNREADABLE, from_seq=first, to_seq=envelope.seq)
    items = msgspec.Raw(encode_items([gap]))
    return msgspec.structs.replace(envelope, kind=Kind.GAP, items=items)
