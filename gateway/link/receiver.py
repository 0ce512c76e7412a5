"""Rows from MQTT into an inbox: many in one commit, receipts only after it.

A commit that fails advances nothing: the sender sends again, one row at a time every 5 s until it
works. What waits is bounded by lane (`waiting.py`), and what arrives at a full lane is dropped,
which is as good as lost on the way: it is sent again too. Receipts go beside the commits: one that
the broker takes late holds none up, and of a stream only the last one matters.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from gateway.link.acceptor import Acceptor, Event, Verdict
from gateway.link.envelope import Envelope, Receipt, Stream, decode_envelope, encode
from gateway.link.topics import LaneAddress
from gateway.link.waiting import Waiting
from gateway.model import Rejected

COMMIT_S = 0.03
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

    Batches are such that a commit takes about `commit_s`.

    `counts`: accepted, duplicate, ignored, queue_full, commit_failed, and each Rejected reason.
    """

    def __init__(
        self,
        *,
        inbox: Inbox,
        publisher: Publisher,
        receipt_topic: Callable[[str], str],
        on_event: Callable[[Event], None],
        commit_s: float = COMMIT_S,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._inbox = inbox
        self._publisher = publisher
        self._receipt_topic = receipt_topic
        self._on_event = on_event
        self._waiting = Waiting(commit_s=commit_s)
        self._came = asyncio.Event()
        self._marks: dict[Stream, int] = {}  # to be receipted
        self._committed = asyncio.Event()
        self._failing = False

    def offer(self, address: LaneAddress, payload: bytes) -> None:
        """A message of a lane's topic; never blocks. The topic's owner must be the sender."""
        envelope = decode_envelope(payload)
        if isinstance(envelope, Rejected):
            self.counts[envelope.reason] += 1
        elif (envelope.sender, envelope.lane) != (address.owner, address.lane):
            self.counts["wrong_topic"] += 1
        elif self._waiting.put(envelope):
            self._came.set()
        else:
            self.counts["queue_full"] += 1

    async def run(self) -> None:
        """Commit and receipt until cancelled."""
        acceptor = Acceptor(await self._inbox.marks())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_receipts(), name="receipts")
            while True:
                await self._came.wait()
                self._came.clear()
                while self._waiting:
                    await self._take(acceptor)
                    await asyncio.sleep(0)  # a batch of duplicates awaits nothing

    async def _take(self, acceptor: Acceptor) -> None:
        """One batch."""
        batch = self._waiting.take()
        for envelope in batch:
            verdict = acceptor.offer(envelope)
            reason = verdict.name.lower() if isinstance(verdict, Verdict) else verdict.reason
            self.counts[reason] += 1
        begun = time.monotonic()
        if await self._commit(acceptor):
            self._waiting.took(batch, seconds=time.monotonic() - begun)
            self._marks |= acceptor.confirm()
            self._committed.set()
        else:
            acceptor.roll_back()
        for event in acceptor.events:
            self._on_event(event)
        acceptor.events.clear()

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

    async def _send_receipts(self) -> None:
        while True:
            await self._committed.wait()
            self._committed.clear()
            marks, self._marks = self._marks, {}
            async with asyncio.TaskGroup() as tasks:
                for stream, mark in marks.items():
                    tasks.create_task(self._receipt(stream, mark), name=f"receipt {stream.lane}")

    async def _receipt(self, stream: Stream, mark: int) -> None:
        receipt = Receipt(epoch=stream.epoch, lane=stream.lane, mark=mark)
        await self._publisher.publish(self._receipt_topic(stream.sender), encode(receipt))
