"""The outbox's SQLite file: rows by lane and seq, the heartbeat, the hub's marks, and documents.

Synchronous, one connection, one thread at a time; `outbox.py` gives it a writer thread. WAL with
`synchronous=FULL`: what `transact` returned from is on the disk (measured by killing the process).
A full outbox puts a gap row in the place of its oldest rows: a lane never has a hole in its seqs.
"""

import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from gateway.clock import NO_SETTING, ClockSetting
from gateway.epochs import NO_BASES, Epochs
from gateway.link.envelope import Kind, Stream, encode_items
from gateway.link.flow import Row
from gateway.link.outbox_errors import CorruptError, typed_error
from gateway.link.outbox_schema import (
    BYTES_KEYS,
    LAST_KEYS,
    ROWS_KEYS,
    connect,
    ids_of,
    load_epochs,
    row_id,
    save_epochs,
    seq_of,
    set_aside,
)
from gateway.link.packing import pack
from gateway.model import Gap, Lane

ROW_OVERHEAD_BYTES = 120
SMALL_BYTES = 4_000_000  # an outbox of this size may grow on a nearly full disk
DROPPED = "outbox_full"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Append:
    """A row to come. `since`/`until`: its capture times (UTC). `heartbeat`: see `Outbox.append`.

    `documents` (name → body) are kept in the same commit, each in the place of its last version.
    `setting`: under which its times were captured; None: that of the row before.
    """

    lane: Lane
    kind: Kind
    items: bytes
    since: float
    until: float
    heartbeat: float | None = None
    documents: Mapping[str, bytes] = field(default_factory=dict)
    setting: ClockSetting | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """What came down from the hub: new marks, and the documents that came (name → encoded)."""

    marks: Mapping[Stream, int]
    documents: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin a new epoch for what is appended from now on: see `gateway.epochs`.

    `after`: the numbers beyond which to count, where the file is in the place of a damaged one.
    """

    setting: ClockSetting
    after: Mapping[Lane, int] = field(default_factory=lambda: NO_BASES)


Write = Append | Received | Begin


@dataclass(slots=True)
class _Tally:
    """What the file holds, kept beside it so that no append has to count."""

    last: dict[Lane, int]
    rows: dict[Lane, int]
    packed_bytes: dict[Lane, int]
    epochs: Epochs
    heartbeat: float | None
    dropped_rows: int = 0

    @property
    def size_bytes(self) -> int:
        return sum(self.packed_bytes.values()) + ROW_OVERHEAD_BYTES * sum(self.rows.values())

    def copy(self) -> "_Tally":
        return replace(
            self,
            last=dict(self.last),
            rows=dict(self.rows),
            packed_bytes=dict(self.packed_bytes),
        )

    def state(self) -> dict[str, object]:
        """As rows of the table `state`."""
        state: dict[str, object] = {"heartbeat": self.heartbeat}
        for lane in Lane:
            state[LAST_KEYS[lane]] = self.last[lane]
            state[ROWS_KEYS[lane]] = self.rows[lane]
            state[BYTES_KEYS[lane]] = self.packed_bytes[lane]
        return state


def free_bytes_at(path: Path) -> int:
    """Free space of the disk that bears `path`."""
    return shutil.disk_usage(path.parent).free


@dataclass(frozen=True, slots=True)
class Limits:
    """The content that the file may hold; with less free on the disk than the reserve, less."""

    max_bytes: int
    reserve_bytes: int
    free_bytes: Callable[[Path], int]


class OutboxFile:
    """See the module. Build with `open_outbox`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, limits: Limits) -> None:
        self._path = path
        self._db = connection
        self._limits = limits
        self._tally = _load(connection)

    @property
    def epochs(self) -> Epochs:
        """Those of its rows, and the newest, in which it writes."""
        return self._tally.epochs

    @property
    def heartbeat(self) -> float | None:
        """UTC until which the edge is known to have listened."""
        return self._tally.heartbeat

    @property
    def rows(self) -> Mapping[Lane, int]:
        """Rows held, by lane."""
        return self._tally.rows

    @property
    def size_bytes(self) -> int:
        """Content held; the file itself never shrinks, its pages are used again."""
        return self._tally.size_bytes

    @property
    def dropped_rows(self) -> int:
        """Rows replaced by gaps since the file was opened."""
        return self._tally.dropped_rows

    def last(self, lane: Lane) -> int:
        """The last seq given in `lane`; 0 before the first."""
        return self._tally.last[lane]

    def transact(self, writes: Sequence[Write], *, receipted: Mapping[Lane, int]) -> list[int]:
        """Delete up to the `receipted` marks and do `writes`, in one commit.

        Returns the seq of each Append (0 for other writes). Raises OutboxError, and then nothing
        has happened.
        """
        tally = self._tally.copy()
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                for lane, mark in receipted.items():
                    self._delete(tally, lane, mark=mark)
                limit = self._limit(tally)
                seqs = [self._write(tally, write, limit) for write in writes]
                self._save(tally)
        except sqlite3.Error as error:
            raise typed_error(error, self._path) from error
        self._tally = tally
        return seqs

    def marks(self) -> dict[Stream, int]:
        """What of the hub's rows was taken."""
        found = self._select("SELECT sender, epoch, lane, mark FROM mark")
        return {Stream(sender, epoch, Lane(lane)): mark for sender, epoch, lane, mark in found}

    def documents(self) -> dict[str, bytes]:
        """The last version of each document, by name."""
        return dict(self._select("SELECT name, body FROM document"))

    def close(self) -> None:
        """Checkpoint and close."""
        self._db.close()

    def _select(self, query: str) -> list[Any]:
        try:
            return self._db.execute(query).fetchall()
        except sqlite3.Error as error:
            raise typed_error(error, self._path) from error

    def _limit(self, tally: _Tally) -> int:
        """Bytes that the rows may have: no more than now while the disk is nearly full."""
        if self._limits.free_bytes(self._path) >= self._limits.reserve_bytes:
            return self._limits.max_bytes
        return min(self._limits.max_bytes, max(SMALL_BYTES, tally.size_bytes))

    def _write(self, tally: _Tally, write: Write, limit: int) -> int:
        match write:
            case Append():
                return self._append(tally, write, limit)
            case Received(marks=marks, documents=documents):
                self._db.executemany(
                    "INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?)",
                    [(s.sender, s.epoch, s.lane, mark) for s, mark in marks.items()],
                )
                self._keep(documents)
            case Begin():
                self._begin(tally, write)
        return 0

    def _begin(self, tally: _Tally, begin: Begin) -> None:
        tally.last = {lane: max(tally.last[lane], begin.after[lane]) for lane in Lane}
        first = {lane: oldest_of(self._db, lane) for lane in Lane}
        receipted = {
            lane: tally.last[lane] if (held := first[lane]) is None else held[0] - 1
            for lane in Lane
        }
        begun = tally.epochs.begun(bases=tally.last, setting=begin.setting)
        tally.epochs = begun.pruned(receipted=receipted)
        save_epochs(self._db, tally.epochs)

    def _append(self, tally: _Tally, row: Append, limit: int) -> int:
        if row.setting is not None and row.setting != tally.epochs.newest.setting:
            self._begin(tally, Begin(row.setting))
        tally.last[row.lane] += 1
        seq = tally.last[row.lane]
        self._insert(tally, row, from_seq=seq, seq=seq)
        if row.documents:
            self._keep(row.documents)
        if row.heartbeat is not None:
            tally.heartbeat = row.heartbeat
        for lane in (Lane.BACKLOG, Lane.LIVE):
            if tally.size_bytes > limit:
                self._drop_oldest(tally, lane, excess_bytes=tally.size_bytes - limit)
        return seq

    def _keep(self, documents: Mapping[str, bytes]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO document VALUES (?, ?)", documents.items())

    def _insert(self, tally: _Tally, row: Append, *, from_seq: int, seq: int) -> None:
        packed = pack(row.items)
        self._db.execute(
            "INSERT INTO row VALUES (?, ?, ?, ?, ?, ?)",
            (row_id(row.lane, seq), from_seq, row.kind, row.since, row.until, packed),
        )
        tally.rows[row.lane] += 1
        tally.packed_bytes[row.lane] += len(packed)

    def _delete(self, tally: _Tally, lane: Lane, *, from_seq: int = 0, mark: int) -> None:
        span = (row_id(lane, from_seq), row_id(lane, mark))
        where = "FROM row WHERE id BETWEEN ? AND ?"
        count, size = self._db.execute(
            f"SELECT count(*), ifnull(sum(length(items)), 0) {where}", span
        ).fetchone()
        if count:
            self._db.execute(f"DELETE {where}", span)
            tally.rows[lane] -= count
            tally.packed_bytes[lane] -= size

    def _drop_oldest(self, tally: _Tally, lane: Lane, *, excess_bytes: int) -> None:
        """Put gap rows in the place of the oldest rows of `lane`, one for each epoch."""
        wanted = excess_bytes + 2 * ROW_OVERHEAD_BYTES
        while wanted > 0 and (victims := self._oldest(tally, lane, enough_bytes=wanted)).count:
            base = tally.epochs.of(lane, victims.seq).bases[lane]
            gap = Gap(
                since=victims.since,
                until=victims.until,
                reason=DROPPED,
                from_seq=victims.from_seq - base,
                to_seq=victims.seq - base,
            )
            self._delete(tally, lane, from_seq=victims.from_seq, mark=victims.seq)
            row = Append(lane, Kind.GAP, encode_items([gap]), victims.since, victims.until)
            self._insert(tally, row, from_seq=victims.from_seq, seq=victims.seq)
            tally.dropped_rows += victims.count
            wanted -= victims.size_bytes

    def _oldest(self, tally: _Tally, lane: Lane, *, enough_bytes: int) -> "_Victims":
        """The oldest rows of the first epoch that has more than gaps, its front gap included."""
        victims, epoch = _Victims(), None
        oldest = self._db.execute(
            "SELECT id, kind, from_seq, length(items), since, until FROM row"
            " WHERE id BETWEEN ? AND ? ORDER BY id",
            ids_of(lane),
        )
        with closing(oldest):
            for id_, kind, from_seq, size, since, until in oldest:
                seq = seq_of(id_)
                own = tally.epochs.of(lane, seq)
                if own is not epoch:
                    if victims.count:
                        break
                    victims, epoch = _Victims(from_seq=from_seq), own
                if victims.size_bytes > enough_bytes and victims.count:
                    break
                victims.seq = seq
                victims.count += kind != Kind.GAP
                victims.size_bytes += size + ROW_OVERHEAD_BYTES
                victims.since = min(since, victims.since)
                victims.until = max(until, victims.until)
        return victims

    def _save(self, tally: _Tally) -> None:
        before = self._tally.state()
        changed = [(k, v) for k, v in tally.state().items() if before[k] != v]
        self._db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", changed)


class Front(NamedTuple):
    """A lane's oldest row: the lowest number for which it stands, and its capture time."""

    lane: Lane
    seq: int
    since: float


class OutboxReader:
    """The sender's side of the file: a connection of its own, which never writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection

    def open(self) -> None:
        """Open the file, which is there. Raises OutboxError."""
        try:
            self._db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA query_only = ON")
        except sqlite3.Error as error:
            raise typed_error(error, self._path) from error

    def read(self, lane: Lane, *, after: int, limit: int) -> list[Row]:
        """Rows of `lane` with a seq above `after`, in order. Raises OutboxError."""
        wanted = "SELECT id, kind, items, from_seq, since, until FROM row"
        query = f"{wanted} WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"
        try:
            found = self._db.execute(query, (*ids_of(lane, after=after), limit)).fetchall()
        except sqlite3.Error as error:
            raise typed_error(error, self._path) from error
        return [
            Row(lane, seq_of(id_), kind, packed, True, *stretch)
            for id_, kind, packed, *stretch in found
        ]

    def first(self, lane: Lane) -> int | None:
        """The lowest seq for which a row of `lane` stands; None where it has no rows."""
        oldest = self._oldest(lane)
        return None if oldest is None else oldest[0]

    def fronts(self) -> list[Front]:
        """The oldest row that waits of each lane that has any."""
        oldest = {lane: self._oldest(lane) for lane in Lane}
        return [Front(lane, *front) for lane, front in oldest.items() if front is not None]

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _oldest(self, lane: Lane) -> tuple[int, float] | None:
        try:
            return oldest_of(self._db, lane)
        except sqlite3.Error as error:
            raise typed_error(error, self._path) from error


def open_outbox(
    path: Path,
    *,
    setting: Callable[[float | None], ClockSetting],
    max_bytes: int,
    reserve_bytes: int = 32_000_000,
    free_bytes: Callable[[Path], int] = free_bytes_at,
    busy_s: float = 10.0,
    after: Mapping[Lane, int] = NO_BASES,
) -> tuple[OutboxFile, Path | None]:
    """Open or create the outbox at `path`, and begin an epoch, counting on `after`.

    The epoch is begun under `setting(heartbeat)`: the file may know that the clock is wrong.

    A corrupt file is set aside under another name, never deleted; then the second result names it.
    With less than `reserve_bytes` free on the disk a larger outbox no longer grows: it drops its
    oldest rows as a full one does. Another process's lock is waited for `busy_s`.
    Raises OutboxError where the file cannot be written.
    """
    limits = Limits(max_bytes, reserve_bytes, free_bytes)
    aside = None
    try:
        file = _begun(path, setting, after, limits=limits, busy_s=busy_s)
    except CorruptError as error:
        aside = set_aside(path)
        _log.exception("outbox was corrupt and is set aside", path=str(aside), reason=str(error))
        file = _begun(path, setting, after, limits=limits, busy_s=busy_s)
    return file, aside


def no_setting(_: float | None) -> ClockSetting:
    """Of a file whose rows' times nobody asks for."""
    return NO_SETTING


def _begun(
    path: Path,
    setting: Callable[[float | None], ClockSetting],
    after: Mapping[Lane, int],
    *,
    limits: Limits,
    busy_s: float,
) -> OutboxFile:
    connection = connect(path, busy_s=busy_s)
    with ExitStack() as undo:
        undo.callback(connection.close)
        try:
            file = OutboxFile(path, connection, limits)
        except sqlite3.Error as error:
            raise typed_error(error, path) from error
        file.transact([Begin(setting(file.heartbeat), after)], receipted={})
        undo.pop_all()
    return file


@dataclass(slots=True)
class _Victims:
    """Rows to be dropped: a stretch of one epoch; `count` without the gaps among them."""

    from_seq: int = 0
    seq: int = 0
    count: int = 0
    size_bytes: int = 0
    since: float = float("inf")
    until: float = float("-inf")


def oldest_of(db: sqlite3.Connection, lane: Lane) -> tuple[int, float] | None:
    """The lowest seq for which a row of `lane` stands, and its capture time."""
    query = "SELECT from_seq, since FROM row WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1"
    found: tuple[int, float] | None = db.execute(query, ids_of(lane)).fetchone()
    return found


def _load(db: sqlite3.Connection) -> _Tally:
    """Raises CorruptError where what must be there is not."""
    try:
        tally = _read_tally(db)
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptError(f"what the outbox keeps of itself cannot be read: {error!r}") from error
    if any(tally.last.values()) and not tally.epochs.all:
        raise CorruptError("the outbox has rows and no epochs")
    return tally


def _read_tally(db: sqlite3.Connection) -> _Tally:
    state = dict(db.execute("SELECT key, value FROM state"))
    return _Tally(
        last={lane: state[LAST_KEYS[lane]] for lane in Lane},
        rows={lane: state[ROWS_KEYS[lane]] for lane in Lane},
        packed_bytes={lane: state[BYTES_KEYS[lane]] for lane in Lane},
        epochs=load_epochs(db),
        heartbeat=state["heartbeat"],
    )
