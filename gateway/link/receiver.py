"""Rows from MQTT into an inbox: many in one commit, receipts only after it.

A commit that fails advances nothing: the sender sends again, one row at a time every 5 s until it
works. The queue is bounded and drops what arrives at the full queue, which is as good as lost on
the way: it is sent again too.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from gateway.link.acceptor import Acceptor, Event, Verdict
from gateway.link.envelope import Envelope, Receipt, Stream, decode_envelope, encode
from gateway.link.topics import LaneAddress
from gateway.model import Rejected

MAX_QUEUED = 1_000
MAX_BATCH = 256
_log = structlog.get_logger()


class CommitError(Exception):
    """The inbox took nothing of the batch; the message says what to do."""


class Inbox(Protocol):
    """Where rows go. One that stores nothing ignores gap rows."""

    async def marks(self) -> Mapping[Stream, int] | None:
        """The committed marks, read once at the start; None where none are kept."""
        ...

    async def commit(self, batch: Sequence[Envelope], marks: Mapping[Stream, int]) -> None:
        """Take the rows, in order, and the new marks, in one transaction. Raises CommitError.

        A row whose items `decode_items` rejects must be passed over and counted: refusing the
        batch for it would hold its lane for ever.
        """
        ...


class Publisher(Protocol):
    """The connection to the broker."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """True where the broker has taken it; false where there is no connection."""
        ...


class Receiver:
    """`receipt_topic` maps a sender to the topic of its receipts.

    `counts`: accepted, duplicate, ignored, queue_full, commit_failed, and each Rejected reason.
    """

    def __init__(
        self,
        *,
        inbox: Inbox,
        publisher: Publisher,
        receipt_topic: Callable[[str], str],
        on_event: Callable[[Event], None],
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._inbox = inbox
        self._publisher = publisher
        self._receipt_topic = receipt_topic
        self._on_event = on_event
        self._queue: asyncio.Queue[Envelope] = asyncio.Queue(MAX_QUEUED)
        self._failing = False

    def offer(self, address: LaneAddress, payload: bytes) -> None:
        """A message of a lane's topic; never blocks. The topic's owner must be the sender."""
        envelope = decode_envelope(payload)
        if isinstance(envelope, Rejected):
            self.counts[envelope.reason] += 1
        elif (envelope.sender, envelope.lane) != (address.owner, address.lane):
            self.counts["wrong_topic"] += 1
        else:
            try:
                self._queue.put_nowait(envelope)
            except asyncio.QueueFull:
                self.counts["queue_full"] += 1

    async def run(self) -> None:
        """Commit and receipt until cancelled."""
        acceptor = Acceptor(await self._inbox.marks())
        while True:
            await self._judge(acceptor)
            if await self._commit(acceptor):
                await self._receipt(acceptor.confirm())
            else:
                acceptor.roll_back()
            for event in acceptor.events:
                self._on_event(event)
            acceptor.events.clear()

    async def _judge(self, acceptor: Acceptor) -> None:
        waiting = [await self._queue.get()]
        while len(waiting) < MAX_BATCH and not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        for envelope in waiting:
            verdict = acceptor.offer(envelope)
            reason = verdict.name.lower() if isinstance(verdict, Verdict) else verdict.reason
            self.counts[reason] += 1

    async def _commit(self, acceptor: Acceptor) -> bool:
        batch = acceptor.batch
        if not batch.marks:
            return True
        try:
            await self._inbox.commit(batch.rows, batch.marks)
        except CommitError as error:
            self.counts["commit_failed"] += 1
            if not self._failing:
                _log.error("rows cannot be committed; the sender keeps them", reason=str(error))
            self._failing = True
            return False
        if self._failing:
            _log.info("rows are committed again")
        self._failing = False
        return True

    async def _receipt(self, marks: Mapping[Stream, int]) -> None:
        for stream, mark in marks.items():
            receipt = Receipt(epoch=stream.epoch, lane=stream.lane, mark=mark)
            await self._publisher.publish(self._receipt_topic(stream.sender), encode(receipt))
