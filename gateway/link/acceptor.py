"""The receiver's decisions, without I/O: which row is the next one, and what may be receipted.

Only next = mark + 1 of (from, epoch, lane) is accepted; a duplicate is receipted again; anything
else is ignored, for the sender sends again from its mark. Marks are tentative until the caller has
committed the effect of the rows together with them.
"""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import msgspec

from gateway.epochs import Before
from gateway.link.envelope import Envelope, Kind, Stream, encode_items, span
from gateway.model import Gap, Lane, Rejected

SKIPPED = "receiver_restored"
OUTBOX_LOST = "outbox_lost"
TWIN_RETURNS = 3  # one late row of the epoch before is no twin
EPOCHS_REMEMBERED = 200  # of a sender: as many as the hub's database keeps the marks of
RUNS_REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class RowsLost:
    """Rows of a known sender are gone: its store is new, or ours went back.

    So what it had received from us (its orders) may be gone, too: send it again.
    """

    sender: str
    epoch: str


@dataclass(frozen=True, slots=True)
class Twin:
    """Two senders with one id: rows of both come in turn. Each is received for itself.

    `runs`: the epochs in which each of them writes.
    """

    sender: str
    runs: tuple[str, str]


Event = RowsLost | Twin


class Verdict(Enum):
    """What became of an envelope."""

    ACCEPTED = auto()
    DUPLICATE = auto()
    IGNORED = auto()


@dataclass(slots=True)
class _Runs:
    """Of one lane: rows of a lane come in the order of their sending, those of two do not."""

    last: str = ""
    seen: deque[str] = field(default_factory=lambda: deque(maxlen=RUNS_REMEMBERED))
    returns: int = 0


@dataclass(slots=True)
class _Sender:
    known: dict[str, None] = field(default_factory=dict)  # epochs, the oldest first
    runs: dict[Lane, _Runs] = field(default_factory=lambda: {lane: _Runs() for lane in Lane})
    twin_told: bool = False


@dataclass(slots=True)
class Batch:
    """What one transaction takes: rows in order, the marks after them, what to receipt then."""

    rows: list[Envelope] = field(default_factory=list)
    marks: dict[Stream, int] = field(default_factory=dict)
    heard: set[Stream] = field(default_factory=set)


class Acceptor:
    """`marks` are the committed ones; None of a receiver that keeps none.

    Use: `offer` each envelope, take `batch`, commit its rows and marks in one transaction, then
    `confirm` (returns what to receipt) or `roll_back`. `events` grows; the caller empties it.
    """

    def __init__(self, marks: Mapping[Stream, int] | None) -> None:
        self._is_durable = marks is not None
        self._marks = dict(marks or {})
        self._senders: dict[str, _Sender] = {}
        for stream in self._marks:
            self._know(self._senders.setdefault(stream.sender, _Sender()), stream)
        self.batch = Batch()
        self.events: list[Event] = []

    def offer(self, envelope: Envelope) -> Verdict | Rejected:
        """Judge one envelope; an accepted one joins `batch`. Reason: malformed_gap."""
        seqs = span(envelope)
        if isinstance(seqs, Rejected):
            return seqs
        stream = Stream(envelope.sender, envelope.epoch, envelope.lane)
        self._watch_sender(envelope)
        if self._is_early(envelope):
            return Verdict.IGNORED
        self._skip(envelope, stream, envelope.first - 1)
        mark = self._mark(stream)
        self.batch.heard.add(stream)
        if envelope.seq <= mark:
            return Verdict.DUPLICATE
        if seqs.start > mark + 1:
            return Verdict.IGNORED
        self.batch.rows.append(envelope)
        self.batch.marks[stream] = envelope.seq
        return Verdict.ACCEPTED

    def confirm(self) -> dict[Stream, int]:
        """The batch is committed: returns the marks to receipt, and begins the next batch."""
        self._marks.update(self.batch.marks)
        heard = {
            stream: self._marks[stream] for stream in self.batch.heard if stream in self._marks
        }
        self.batch = Batch()
        return heard

    def roll_back(self) -> None:
        """The batch was not committed: as if it had never been offered."""
        self.batch = Batch()

    def _is_early(self, envelope: Envelope) -> bool:
        """Whether rows of the epoch before are still to come: a lane keeps its order."""
        if envelope.after is None or not envelope.held:
            return False
        return self._mark(_before(envelope, envelope.after)) < envelope.after.seq

    def _mark(self, stream: Stream) -> int:
        return self.batch.marks.get(stream, self._marks.get(stream, 0))

    def _skip(self, envelope: Envelope, stream: Stream, held_after: int) -> bool:
        """Move a mark up to what the sender of `envelope` no longer holds; whether it was lower.

        A gap row tells of what lies between: receipted once, by a receiver that has since lost it
        (restored from an old backup, or new). Its times are not known here: `since` is 0.
        """
        mark = self._mark(stream)
        if mark >= held_after:
            return False
        gap = Gap(
            since=0.0, until=envelope.sent, reason=SKIPPED, from_seq=mark + 1, to_seq=held_after
        )
        row = msgspec.structs.replace(
            envelope,
            epoch=stream.epoch,
            seq=held_after,
            first=mark + 1,
            kind=Kind.GAP,
            items=msgspec.Raw(encode_items([gap])),
        )
        self.batch.rows.append(row)
        self.batch.marks[stream] = held_after
        return True

    def _watch_sender(self, envelope: Envelope) -> None:
        sender = self._senders.setdefault(envelope.sender, _Sender())
        is_lost = is_new_store(envelope, known=sender.known)
        if self._is_durable and envelope.after is not None and not envelope.held:
            is_lost |= self._skip(envelope, _before(envelope, envelope.after), envelope.after.seq)
        if is_lost:
            self.events.append(RowsLost(envelope.sender, envelope.epoch))
        self._know(sender, Stream(envelope.sender, envelope.epoch, envelope.lane))
        self._watch_runs(envelope, sender)

    def _know(self, sender: _Sender, stream: Stream) -> None:
        sender.known[stream.epoch] = None
        while len(sender.known) > EPOCHS_REMEMBERED:
            oldest = next(iter(sender.known))
            del sender.known[oldest]
            for lane in Lane:
                self._marks.pop(Stream(stream.sender, oldest, lane), None)

    def _watch_runs(self, envelope: Envelope, sender: _Sender) -> None:
        runs = sender.runs[envelope.lane]
        before, runs.last = runs.last, envelope.run or envelope.epoch
        if runs.last == before:
            return
        if runs.last in runs.seen:
            runs.returns += 1
            if runs.returns >= TWIN_RETURNS and not sender.twin_told:
                sender.twin_told = True
                self.events.append(Twin(envelope.sender, runs=(before, runs.last)))
        runs.seen.append(runs.last)


def _before(envelope: Envelope, before: Before) -> Stream:
    return Stream(envelope.sender, before.epoch, envelope.lane)


def is_new_store(envelope: Envelope, *, known: Collection[str]) -> bool:
    """Whether a sender of which epochs are `known` sends from a store that holds none of them."""
    return envelope.fresh and bool(known) and envelope.epoch not in known
