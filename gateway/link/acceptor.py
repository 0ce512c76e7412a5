"""The receiver's decisions, without I/O: which row is the next one, and what may be receipted.

Only next = mark + 1 of (from, epoch, lane) is accepted; a duplicate is receipted again; anything
else is ignored, for the sender sends again from its mark. Marks are tentative until the caller has
committed the effect of the rows together with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import msgspec

from gateway.link.envelope import Envelope, Kind, Stream, encode_items, span
from gateway.model import Gap, Rejected

SKIPPED = "receiver_restored"
TWIN_RETURNS = 3  # one late row of the epoch before is no twin


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """A sender that was known began anew: its outbox file was lost, or restored from a copy.

    What it held is gone, and so is what it had received (its orders): send them again.
    """

    sender: str
    epoch: str
    before: str


@dataclass(frozen=True, slots=True)
class Twin:
    """Two senders with one id: rows of both epochs come in turn. Each is received for itself."""

    sender: str
    epochs: tuple[str, str]


Event = NewEpoch | Twin


class Verdict(Enum):
    """What became of an envelope."""

    ACCEPTED = auto()
    DUPLICATE = auto()
    IGNORED = auto()


@dataclass(slots=True)
class _Sender:
    current: str
    known: set[str]
    returns: int = 0
    twin_told: bool = False


@dataclass(slots=True)
class Batch:
    """What one transaction takes: rows in order, the marks after them, what to receipt then."""

    rows: list[Envelope] = field(default_factory=list)
    marks: dict[Stream, int] = field(default_factory=dict)
    heard: set[Stream] = field(default_factory=set)


class Acceptor:
    """`marks` are the committed ones; a receiver that stores nothing gives none.

    Use: `offer` each envelope, take `batch`, commit its rows and marks in one transaction, then
    `confirm` (returns what to receipt) or `roll_back`. `events` grows; the caller empties it.
    """

    def __init__(self, marks: Mapping[Stream, int]) -> None:
        self._marks = dict(marks)
        self._senders: dict[str, _Sender] = {}
        for stream in marks:
            known = self._senders.setdefault(stream.sender, _Sender(current="", known=set()))
            known.known.add(stream.epoch)
        self.batch = Batch()
        self.events: list[Event] = []

    def offer(self, envelope: Envelope) -> Verdict | Rejected:
        """Judge one envelope; an accepted one joins `batch`. Reason: malformed_gap."""
        seqs = span(envelope)
        if isinstance(seqs, Rejected):
            return seqs
        stream = Stream(envelope.sender, envelope.epoch, envelope.lane)
        self._watch_epochs(stream)
        mark = self._mark(stream, envelope)
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

    def _mark(self, stream: Stream, envelope: Envelope) -> int:
        """The mark, moved up to what the sender no longer holds.

        A gap row tells of what lies between: receipted once, by a receiver that has since lost it
        (restored from an old backup, or new). Its times are not known here: `since` is 0.
        """
        mark = self.batch.marks.get(stream, self._marks.get(stream, 0))
        held_after = envelope.first - 1
        if mark < held_after:
            gap = Gap(
                since=0.0,
                until=envelope.sent,
                reason=SKIPPED,
                from_seq=mark + 1,
                to_seq=held_after,
            )
            row = msgspec.structs.replace(
                envelope,
                seq=held_after,
                first=mark + 1,
                kind=Kind.GAP,
                items=msgspec.Raw(encode_items([gap])),
            )
            self.batch.rows.append(row)
            self.batch.marks[stream] = held_after
            return held_after
        return mark

    def _watch_epochs(self, stream: Stream) -> None:
        sender = self._senders.get(stream.sender)
        if sender is None:
            self._senders[stream.sender] = _Sender(current=stream.epoch, known={stream.epoch})
            return
        if stream.epoch == sender.current:
            return
        before, sender.current = sender.current, stream.epoch
        if stream.epoch not in sender.known:
            sender.known.add(stream.epoch)
            old = before or min(sender.known - {stream.epoch})
            self.events.append(NewEpoch(stream.sender, stream.epoch, before=old))
        elif before:
            sender.returns += 1
            if sender.returns >= TWIN_RETURNS and not sender.twin_told:
                sender.twin_told = True
                self.events.append(Twin(stream.sender, epochs=(before, stream.epoch)))
