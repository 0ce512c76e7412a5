"""The outbox's SQLite file: rows by lane and seq, the heartbeat, the hub's marks, and documents.

Synchronous, one connection, one thread at a time; `outbox.py` gives it a writer thread. WAL with
`synchronous=FULL`: what `transact` returned from is on the disk (measured by killing the process).
A full outbox puts a gap row in the place of its oldest rows: a lane never has a hole in its seqs.
"""

import shutil
import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from gateway.link.envelope import Kind, Stream, encode_items
from gateway.link.flow import Row
from gateway.link.outbox_errors import CorruptError, typed_error
from gateway.link.outbox_schema import LAST_KEYS, connect, new_epoch, set_aside
from gateway.model import Gap, Lane

ROW_OVERHEAD_BYTES = 120
FAST = 1  # zlib; a second of readings shrinks to a fifth, and so does the wear of the card
SMALL_BYTES = 4_000_000  # an outbox of this size may grow on a nearly full disk
DROPPED = "outbox_full"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Append:
    """A row to come. `since`/`until`: its capture times (UTC). `heartbeat`: see `Outbox.append`.

    `documents` (name → body) are kept in the same commit, each in the place of its last version.
    """

    lane: Lane
    kind: Kind
    items: bytes
    since: float
    until: float
    heartbeat: float | None = None
    documents: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """What came down from the hub: new marks, and the documents that came (name → encoded)."""

    marks: Mapping[Stream, int]
    documents: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Renew:
    """Begin a new epoch: the file was found to be older than what the receiver has."""


Write = Append | Received | Renew


@dataclass(slots=True)
class _Tally:
    """What the file holds, kept beside it so that no append has to count."""

    last: dict[Lane, int]
    rows: dict[Lane, int]
    size_bytes: int
    epoch: str
    heartbeat: float | None
    dropped_rows: int = 0

    def copy(self) -> "_Tally":
        return _Tally(
            last=dict(self.last),
            rows=dict(self.rows),
            size_bytes=self.size_bytes,
            epoch=self.epoch,
            heartbeat=self.heartbeat,
            dropped_rows=self.dropped_rows,
        )


def free_bytes_at(path: Path) -> int:
    """Free space of the disk that bears `path`."""
    return shutil.disk_usage(path.parent).free


class OutboxFile:
    """See the module. Build with `open_outbox`."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        *,
        max_bytes: int,
        reserve_bytes: int,
        free_bytes: Callable[[Path], int],
    ) -> None:
        self._path = path
        self._db = connection
        self._max_bytes = max_bytes
        self._reserve_bytes = reserve_bytes
        self._free_bytes = free_bytes
        self._tally = _load(connection)

    @property
    def epoch(self) -> str:
        """Random, new with each file."""
        return self._tally.epoch

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
                    self._delete(tally, lane, mark)
                seqs = [self._write(tally, write) for write in writes]
                self._save(tally)
        except sqlite3.Error as error:
            raise typed_error(error, self._path) from error
        self._tally = tally
        return seqs

    def marks(self) -> dict[Stream, int]:
        """What of the hub's rows was taken."""
        query = "SELECT sender, epoch, lane, mark FROM mark"
        return {Stream(s, e, Lane(lane)): mark for s, e, lane, mark in self._db.execute(query)}

    def documents(self) -> dict[str, bytes]:
        """The last version of each document, by name."""
        return dict(self._db.execute("SELECT name, body FROM document"))

    def close(self) -> None:
        """Checkpoint and close."""
        self._db.close()

    def _write(self, tally: _Tally, write: Write) -> int:
        match write:
            case Append():
                return self._append(tally, write)
            case Received(marks=marks, documents=documents):
                self._db.executemany(
                    "INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?)",
                    [(s.sender, s.epoch, s.lane, mark) for s, mark in marks.items()],
                )
                self._keep(documents)
            case Renew():
                tally.epoch = new_epoch()
        return 0

    def _append(self, tally: _Tally, row: Append) -> int:
        limit = self._max_bytes
        if self._free_bytes(self._path) < self._reserve_bytes:
            limit = min(limit, max(SMALL_BYTES, tally.size_bytes))
        tally.last[row.lane] += 1
        seq = tally.last[row.lane]
        self._insert(tally, row, from_seq=seq, seq=seq)
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
        packed = zlib.compress(row.items, FAST)
        self._db.execute(
            "INSERT INTO row VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.lane, seq, from_seq, row.kind, row.since, row.until, packed),
        )
        tally.rows[row.lane] += 1
        tally.size_bytes += len(packed) + ROW_OVERHEAD_BYTES

    def _delete(self, tally: _Tally, lane: Lane, mark: int) -> None:
        count, size = self._db.execute(
            "SELECT count(*), ifnull(sum(length(items)), 0) FROM row WHERE lane = ? AND seq <= ?",
            (lane, mark),
        ).fetchone()
        if count:
            self._db.execute("DELETE FROM row WHERE lane = ? AND seq <= ?", (lane, mark))
            tally.rows[lane] -= count
            tally.size_bytes -= size + count * ROW_OVERHEAD_BYTES

    def _drop_oldest(self, tally: _Tally, lane: Lane, *, excess_bytes: int) -> None:
        """Put one gap row in the place of the oldest rows of `lane`, the front gap included."""
        from_seq = seq = count = freed = 0
        since, until = float("inf"), float("-inf")
        oldest = self._db.execute(
            "SELECT kind, from_seq, seq, length(items), since, until FROM row"
            " WHERE lane = ? ORDER BY seq",
            (lane,),
        )
        with closing(oldest):
            for kind, row_from, row_seq, size, row_since, row_until in oldest:
                if freed > excess_bytes + 2 * ROW_OVERHEAD_BYTES:
                    break
                from_seq = from_seq or row_from
                seq = row_seq
                count += kind != Kind.GAP
                freed += size + ROW_OVERHEAD_BYTES
                since, until = min(since, row_since), max(until, row_until)
        if not count:
            return  # nothing but gaps
        gap = Gap(since=since, until=until, reason=DROPPED, from_seq=from_seq, to_seq=seq)
        self._delete(tally, lane, seq)
        body = Append(lane=lane, kind=Kind.GAP, items=encode_items([gap]), since=since, until=until)
        self._insert(tally, body, from_seq=from_seq, seq=seq)
        tally.dropped_rows += count

    def _save(self, tally: _Tally) -> None:
        before = _state(self._tally)
        changed = [(k, v) for k, v in _state(tally).items() if before[k] != v]
        self._db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", changed)


class OutboxReader:
    """The sender's side of the file: a connection of its own, which never writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA query_only = ON")

    def read(self, lane: Lane, *, after: int, limit: int) -> list[Row]:
        """Rows of `lane` with a seq above `after`, in order. Raises OutboxError."""
        query = "SELECT seq, kind, items FROM row WHERE lane = ? AND seq > ? ORDER BY seq LIMIT ?"
        try:
            found = self._db.execute(query, (lane, after, limit)).fetchall()
        except sqlite3.Error as error:
            raise typed_error(error, self._path) from error
        return [
            Row(lane=lane, seq=seq, kind=kind, items=zlib.decompress(packed))
            for seq, kind, packed in found
        ]

    def first(self, lane: Lane) -> int | None:
        """The lowest seq for which a row of `lane` stands; None where it has no rows."""
        oldest = self._oldest(lane)
        return None if oldest is None else oldest[0]

    def oldest_since(self) -> float | None:
        """Capture time of the oldest row that waits, in any lane; None where nothing waits."""
        fronts = [self._oldest(lane) for lane in Lane]
        return min((front[1] for front in fronts if front is not None), default=None)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _oldest(self, lane: Lane) -> tuple[int, float] | None:
        query = "SELECT from_seq, since FROM row WHERE lane = ? ORDER BY seq LIMIT 1"
        try:
            found: tuple[int, float] | None = self._db.execute(query, (lane,)).fetchone()
        except sqlite3.Error as error:
            raise typed_error(error, self._path) from error
        return found


def open_outbox(
    path: Path,
    *,
    max_bytes: int,
    reserve_bytes: int = 32_000_000,
    free_bytes: Callable[[Path], int] = free_bytes_at,
    busy_s: float = 10.0,
) -> tuple[OutboxFile, Path | None]:
    """Open or create the outbox at `path`.

    A corrupt file is set aside under another name, never deleted; then the second result names it.
    With less than `reserve_bytes` free on the disk a larger outbox no longer grows: it drops its
    oldest rows as a full one does. Another process's lock is waited for `busy_s`.
    Raises OutboxError where the file cannot be written.
    """
    aside = None
    try:
        connection = connect(path, busy_s=busy_s)
    except CorruptError as error:
        aside = set_aside(path)
        _log.exception("outbox was corrupt and is set aside", path=str(aside), reason=str(error))
        connection = connect(path, busy_s=busy_s)
    file = OutboxFile(
        path,
        connection,
        max_bytes=max_bytes,
        reserve_bytes=reserve_bytes,
        free_bytes=free_bytes,
    )
    return file, aside


def _state(tally: _Tally) -> dict[str, object]:
    state: dict[str, object] = {key: tally.last[lane] for lane, key in LAST_KEYS.items()}
    return {**state, "epoch": tally.epoch, "heartbeat": tally.heartbeat}


def _load(db: sqlite3.Connection) -> _Tally:
    state = dict(db.execute("SELECT key, value FROM state"))
    query = "SELECT lane, count(*), sum(length(items)) FROM row GROUP BY lane"
    counts = {Lane(lane): (count, size) for lane, count, size in db.execute(query)}
    return _Tally(
        last={lane: state[key] for lane, key in LAST_KEYS.items()},
        rows={lane: counts.get(lane, (0, 0))[0] for lane in Lane},
        size_bytes=sum(size + count * ROW_OVERHEAD_BYTES for count, size in counts.values()),
        epoch=state["epoch"],
        heartbeat=state["heartbeat"],
    )
