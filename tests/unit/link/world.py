"""A sender, a receiver and a bad channel between them, stepped by hand: no I/O, no real time.

The parts under test are the real ones: `SenderFlow`, `Acceptor`, the wire encoding, and, as one of
the two row sources, the real SQLite file.
"""

import base64
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from gateway.clock import NO_SETTING
from gateway.epochs import NO_BASES, Epoch, Epochs
from gateway.link.acceptor import SKIPPED, Acceptor
from gateway.link.envelope import (
    Envelope,
    Kind,
    Receipt,
    Stream,
    decode_envelope,
    decode_items,
    decode_receipt,
    encode,
    encode_items,
    encode_packed,
    span,
)
from gateway.link.flow import Fetch, Row, Send, SenderFlow
from gateway.link.outbox_file import (
    DROPPED,
    Append,
    OutboxFile,
    OutboxReader,
    no_setting,
    open_outbox,
)
from gateway.link.outbox_schema import set_aside
from gateway.link.packing import unpack
from gateway.link.sender import envelope_of
from gateway.model import Gap, Lane, Press, Rejected

SENDER = "gw-07"
Numbered = tuple[str, Lane, int]  # epoch, lane, seq as on the wire


def numbered(epochs: Epochs, lane: Lane, number: int) -> Numbered:
    """What a row of the source is called on the wire."""
    epoch = epochs.of(lane, number)
    return epoch.name, lane, number - epoch.bases[lane]


def items_of(row: Row) -> bytes:
    """The JSON of a row's items, packed or not."""
    items = unpack(row.items, longest=10_000_000) if row.is_packed else row.items
    assert isinstance(items, bytes)
    return items


class Rows(Protocol):
    """An outbox whose every call is done at once."""

    epochs: Epochs
    dropped: set[Numbered]

    def append(self, lane: Lane, number: int) -> int: ...
    def drop_oldest(self) -> None: ...
    def read(self, lane: Lane, *, after: int, limit: int) -> Sequence[Row]: ...
    def first(self, lane: Lane) -> int: ...
    def last(self, lane: Lane) -> int: ...
    def delete(self, lane: Lane, mark: int) -> None: ...
    def reopen_after_kill(self) -> None: ...
    def remember(self) -> None: ...
    def go_back(self) -> None: ...
    def damage(self) -> None: ...


def press(number: int, *, size: int = 0) -> Press:
    """An item that can be told from every other, of `size` bytes that no compression shrinks."""
    filling = base64.b85encode(random.Random(number).randbytes(size)).decode()
    return Press(at=float(number), receiver="r", identifier=f"i{filling}", rssi_dbm=-70)


class MemoryRows:
    """The outbox's rules on lists."""

    def __init__(self) -> None:
        self.epochs = Epochs([Epoch("e1")])
        self.dropped: set[Numbered] = set()
        self._rows: dict[Lane, list[tuple[int, Row]]] = {lane: [] for lane in Lane}
        self._last = dict.fromkeys(Lane, 0)
        self.remember()

    def append(self, lane: Lane, number: int) -> int:
        self._last[lane] += 1
        seq = self._last[lane]
        row = Row(lane=lane, seq=seq, kind=Kind.PRESS, items=encode_items([press(number)]))
        self._rows[lane].append((seq, row))
        return seq

    def drop_oldest(self) -> None:
        """Replace half of the backlog's rows, or of the live ones, by one gap row."""
        for lane in (Lane.BACKLOG, Lane.LIVE):
            rows = self._rows[lane]
            victims = rows[: (len(rows) + 1) // 2]
            victims = [
                one for one in victims if self._epoch(lane, one) == self._epoch(lane, rows[0])
            ]
            if len(victims) > 1 or (victims and victims[0][1].kind != Kind.GAP):
                from_seq, to_seq = victims[0][0], victims[-1][1].seq
                for seq in range(from_seq, to_seq + 1):
                    self.dropped.add(numbered(self.epochs, lane, seq))
                base = self.epochs.of(lane, to_seq).bases[lane]
                gap = Gap(1, 2, DROPPED, from_seq - base, to_seq - base)
                row = Row(lane=lane, seq=to_seq, kind=Kind.GAP, items=encode_items([gap]))
                rows[: len(victims)] = [(from_seq, row)]
                return

    def _epoch(self, lane: Lane, held: tuple[int, Row]) -> Epoch:
        return self.epochs.of(lane, held[1].seq)

    def remember(self) -> None:
        """The state to which `go_back` goes."""
        rows = {lane: list(held) for lane, held in self._rows.items()}
        self._copy = (rows, dict(self._last), self.epochs)

    def damage(self) -> None:
        """The file is set aside while it is used; another is begun."""
        self._rows = {lane: [] for lane in Lane}
        self.epochs = Epochs([]).begun(bases=self._last, setting=NO_SETTING)

    def go_back(self) -> None:
        """A card that lost what it had acknowledged."""
        rows, last, self.epochs = self._copy
        self._rows = {lane: list(held) for lane, held in rows.items()}
        self._last = dict(last)
        self.reopen_after_kill()

    def read(self, lane: Lane, *, after: int, limit: int) -> Sequence[Row]:
        return [row for _, row in self._rows[lane] if row.seq > after][:limit]

    def first(self, lane: Lane) -> int:
        return self._rows[lane][0][0] if self._rows[lane] else self._last[lane] + 1

    def last(self, lane: Lane) -> int:
        return self._last[lane]

    def delete(self, lane: Lane, mark: int) -> None:
        self._rows[lane] = [held for held in self._rows[lane] if held[1].seq > mark]

    def reopen_after_kill(self) -> None:
        """All of it was on the disk."""
        self.epochs = self.epochs.begun(bases=self._last, setting=NO_SETTING)


class FileRows:
    """The real file, small enough to be full after a dozen rows."""

    def __init__(self, path: Path, *, max_bytes: int = 4_000) -> None:
        self.dropped: set[Numbered] = set()
        self._path = path
        self._max_bytes = max_bytes
        self._receipted: dict[Lane, int] = {}
        self._file: OutboxFile
        self._reader: OutboxReader
        self._open()
        self.remember()

    def append(self, lane: Lane, number: int) -> int:
        row = Append(lane, Kind.PRESS, encode_items([press(number)]), since=1.0, until=2.0)
        seq = self._file.transact([row], receipted=self._receipted)[0]
        self._receipted = {}
        for each in Lane:
            for held in self._reader.read(each, after=0, limit=1_000):
                if held.kind == Kind.GAP:
                    gap = msgspec.json.decode(items_of(held), type=list[Gap])[0]
                    epoch = self._file.epochs.of(each, held.seq).name
                    gone = range(gap.from_seq, gap.to_seq + 1)
                    self.dropped |= {(epoch, each, seq) for seq in gone}
        return seq

    def drop_oldest(self) -> None:
        """A full outbox drops by itself."""

    def read(self, lane: Lane, *, after: int, limit: int) -> Sequence[Row]:
        return self._reader.read(lane, after=after, limit=limit)

    def first(self, lane: Lane) -> int:
        held = self._reader.first(lane)
        return max(held or self.last(lane) + 1, self._receipted.get(lane, 0) + 1)

    def last(self, lane: Lane) -> int:
        return self._file.last(lane)

    def delete(self, lane: Lane, mark: int) -> None:
        self._receipted[lane] = mark

    def reopen_after_kill(self) -> None:
        """Deletions that waited for the next commit are forgotten."""
        self._receipted = {}
        self.close()
        self._open()

    @property
    def epochs(self) -> Epochs:
        return self._file.epochs

    def remember(self) -> None:
        """The state to which `go_back` goes."""
        self._copy = self._file._db.serialize()  # what a copy of the card would hold

    def damage(self) -> None:
        """The file is set aside while it is used; another is begun."""
        after = {lane: self._file.last(lane) for lane in Lane}
        self._receipted = {}
        self.close()
        set_aside(self._path)
        self._open(after)

    def go_back(self) -> None:
        """A card that lost what it had acknowledged."""
        self._receipted = {}
        self.close()
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._path.write_bytes(self._copy)
        self._open()

    def close(self) -> None:
        self._reader.close()
        self._file.close()

    def _open(self, after: Mapping[Lane, int] = NO_BASES) -> None:
        self._file, _ = open_outbox(
            self._path, setting=no_setting, max_bytes=self._max_bytes, after=after
        )
        self._reader = OutboxReader(self._path)
        self._reader.open()


@dataclass
class Store:
    """What the receiver has committed."""

    rows: list[Envelope] = field(default_factory=list)
    marks: dict[Stream, int] = field(default_factory=dict)

    def copy(self) -> "Store":
        return Store(rows=list(self.rows), marks=dict(self.marks))


class World:
    """`durable`: whether the receiver keeps its marks over a restart."""

    def __init__(self, rows: Rows, *, durable: bool = True) -> None:
        self.now = 0.0
        self.rows = rows
        self.durable = durable
        self.restored = False
        self.sent_numbers: dict[Numbered, int] = {}
        self.lost: set[Numbered] = set()
        self._remembered: set[Numbered] = set()
        self.up: list[bytes] = []
        self.receipts: list[bytes] = []
        self.store = Store()
        self.backup = Store()
        self.connected = True
        self.receiver_online = True
        self.flow = self._new_flow()
        self.flow.connected()
        self.acceptor = Acceptor({} if durable else None)

    # the sender

    def append(self, lane: Lane) -> None:
        number = len(self.sent_numbers) + 1
        seq = self.rows.append(lane, number)
        self.sent_numbers[numbered(self.rows.epochs, lane, seq)] = number
        self.flow.appended()

    def pump(self, *, while_reading: Callable[[], None] | None = None) -> None:
        """Let the sender do all that it wants to do now; something may happen during each read."""
        self.flow.begins_after(self.rows.epochs.all[0].bases)
        self.flow.tick(now=self.now)
        while (command := self.flow.next(now=self.now)) is not None:
            match command:
                case Fetch(lane=lane, after=after, limit=limit):
                    rows = self.rows.read(lane, after=after, limit=limit)
                    if while_reading is not None:
                        while_reading()
                    self.flow.fetched(command, rows)
                case Send(row=row, first=first):
                    self.up.append(self._envelope(row, first))

    def remember_sender(self) -> None:
        self.rows.remember()
        self._remembered = set(self.sent_numbers)

    def sender_goes_back(self) -> None:
        """Killed, and what its card had acknowledged since is gone from it."""
        self.rows.go_back()
        self.lost |= set(self.sent_numbers) - self._remembered
        self._begin_sender()

    def damage_sender(self) -> None:
        """The file turns out damaged while it is used: what waited in it is gone."""
        self.rows.damage()
        self.lost |= set(self.sent_numbers)
        self.remember_sender()  # what was set aside is not put back

    def kill_sender(self) -> None:
        self.rows.reopen_after_kill()
        self._begin_sender()

    def _begin_sender(self) -> None:
        self.flow = self._new_flow()
        self.receiver_online = True
        if self.connected:
            self.flow.connected()

    def connect(self) -> None:
        self.connected = True
        self.flow.connected()

    def lose_connection(self) -> None:
        self.connected = False
        self.receiver_online = True
        self.flow.disconnected()

    def see_receiver(self, *, online: bool, instance: str) -> None:
        self.receiver_online = online
        self.flow.receiver_status(online=online, instance=instance)

    def take_receipt(self, payload: bytes) -> None:
        receipt = decode_receipt(payload)
        assert isinstance(receipt, Receipt)
        reach = self.rows.epochs.reach((receipt.epoch, receipt.lane, receipt.mark))
        if reach is not None and self.flow.receipt(receipt.lane, reach, now=self.now):
            self.rows.delete(receipt.lane, reach.through)

    # the receiver

    def take_row(self, payload: bytes) -> None:
        envelope = decode_envelope(payload)
        assert isinstance(envelope, Envelope)
        assert not isinstance(self.acceptor.offer(envelope), Rejected)

    def commit(self) -> None:
        batch = self.acceptor.batch
        self.store.rows += batch.rows
        self.store.marks.update(batch.marks)
        self._publish_receipts(self.acceptor.confirm())

    def fail_commit(self) -> None:
        self.acceptor.roll_back()

    def kill_receiver(self) -> None:
        self.acceptor = Acceptor(self.store.marks if self.durable else None)

    def restore_receiver(self) -> None:
        self.restored = True
        self.store = self.backup.copy()
        self.kill_receiver()

    # the end

    def deliver_all_rows(self) -> None:
        while self.up:
            self.take_row(self.up.pop(0))

    def good_second(self) -> None:
        """Everything that is under way arrives."""
        self.pump()
        self.deliver_all_rows()
        self.commit()
        while self.receipts:
            self.take_receipt(self.receipts.pop(0))
        self.now += 1.0

    def drain(self) -> None:
        """A good channel from now on: all must be through in a bounded number of seconds.

        Where the sender thinks the channel good already, nothing tells it to go back but time.
        """
        if not self.connected:
            self.connect()
        if not self.receiver_online:
            self.see_receiver(online=True, instance="a")
        waiting = sum(self.rows.last(lane) - self.rows.first(lane) + 1 for lane in Lane)
        bound_s = 20 + waiting // 16
        for _ in range(bound_s):
            self.good_second()
            if all(self.rows.first(lane) > self.rows.last(lane) for lane in Lane):
                return
        raise AssertionError(f"not drained in {bound_s} s")

    def check_what_came(self) -> None:
        """Nothing altered, nothing twice, in order; gaps only of what was dropped or restored."""
        seen: Counter[tuple[str, Lane]] = Counter()
        numbers: dict[Lane, list[int]] = {lane: [] for lane in Lane}
        for envelope in self.store.rows:
            seqs = self._span(envelope)
            if envelope.kind == Kind.GAP:
                self._check_gap(envelope, seqs)
            else:
                number = self.sent_numbers[envelope.epoch, envelope.lane, envelope.seq]
                assert decode_items(envelope) == [press(number)]
                numbers[envelope.lane].append(number)
            if self.durable:
                stream = (envelope.epoch, envelope.lane)
                assert seqs.stop - 1 > seen[stream]
                seen[stream] = seqs.stop - 1
        if self.durable:
            for came in numbers.values():
                assert came == sorted(set(came))

    def check_complete(self) -> None:
        """Each row ever appended came, or lies in a gap that the receiver was told of.

        A restored one is told, by lane, since when it lacks: all from what it last heard.
        """
        came: set[Numbered] = set()
        order = {epoch: place for place, (epoch, *_) in enumerate(self.sent_numbers)}
        told: dict[Lane, int] = dict.fromkeys(Lane, -1)  # all up to this epoch may be gone
        for envelope in self.store.rows:
            if self.restored or not self._is_skip(envelope):
                came |= {(envelope.epoch, envelope.lane, seq) for seq in self._span(envelope)}
            if self.restored and self._is_skip(envelope):
                told[envelope.lane] = max(told[envelope.lane], order[envelope.epoch])
        missing = set(self.sent_numbers) - self.lost - came
        assert all(order[epoch] < told[lane] for epoch, lane, _ in missing)

    def _check_gap(self, envelope: Envelope, seqs: range) -> None:
        if self._is_skip(envelope):
            assert self.restored or not self.durable
        else:
            assert {(envelope.epoch, envelope.lane, seq) for seq in seqs} <= self.rows.dropped

    @staticmethod
    def _is_skip(envelope: Envelope) -> bool:
        items = decode_items(envelope)
        assert not isinstance(items, Rejected)
        return isinstance(items[0], Gap) and items[0].reason == SKIPPED

    @staticmethod
    def _span(envelope: Envelope) -> range:
        seqs = span(envelope)
        assert isinstance(seqs, range)
        return seqs

    def _new_flow(self) -> SenderFlow:
        marks = {lane: self.rows.first(lane) - 1 for lane in Lane}
        return SenderFlow(marks=marks)

    def _envelope(self, row: Row, first: int) -> bytes:
        send, epochs = Send(row=row, first=first), self.rows.epochs
        envelope = envelope_of(send, epochs, sender=SENDER, sent=self.now)
        if row.is_packed:
            return encode_packed(envelope, row.items)
        return encode(msgspec.structs.replace(envelope, items=msgspec.Raw(row.items)))

    def _publish_receipts(self, marks: Mapping[Stream, int]) -> None:
        for stream, mark in marks.items():
            receipt = Receipt(epoch=stream.epoch, lane=stream.lane, mark=mark)
            self.receipts.append(encode(receipt))
