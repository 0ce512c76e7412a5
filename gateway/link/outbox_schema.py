"""The outbox file's tables, and how it is opened: checked, writable, or set aside."""

import sqlite3
from pathlib import Path

import msgspec

from gateway.epochs import Epoch, Epochs
from gateway.link.outbox_errors import CorruptError, OutboxError, ReadOnlyError, typed_error
from gateway.model import Lane

SCHEMA_VERSION = 3
PAGE_BYTES = 1_024  # a commit is two or three pages, and every one of them goes to the card
WAL_BYTES, LONGEST_WAL_BYTES = 4_000_000, 8_000_000  # used again at the first; cut at the second
CHECKED_BYTES = 64_000_000  # a larger file would hold up the start; damage shows when it is read
LAST_KEYS = {lane: f"last_{lane}" for lane in Lane}
ROWS_KEYS = {lane: f"rows_{lane}" for lane in Lane}
BYTES_KEYS = {lane: f"bytes_{lane}" for lane in Lane}
LANE_NUMBERS = {Lane.URGENT: 0, Lane.LIVE: 1, Lane.BACKLOG: 2}
LANE_SHIFT = 48  # a row's id is its lane's number, and in so many lower bits its seq

_EPOCH = """
CREATE TABLE epoch (
    number INTEGER PRIMARY KEY, body TEXT NOT NULL
);
"""
_ROW = """
CREATE TABLE row (
    id INTEGER PRIMARY KEY, from_seq INTEGER NOT NULL, kind TEXT NOT NULL,
    since REAL NOT NULL, until REAL NOT NULL, items BLOB NOT NULL
);
"""
_SCHEMA = """
CREATE TABLE state (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE mark (
    sender TEXT NOT NULL, epoch TEXT NOT NULL, lane TEXT NOT NULL, mark INTEGER NOT NULL,
    PRIMARY KEY (sender, epoch, lane)
) WITHOUT ROWID;
CREATE TABLE document (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO state VALUES ('heartbeat', NULL);
"""
_TO_VERSION_2 = """
CREATE TABLE document (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO document SELECT 'orders', body FROM orders;
DROP TABLE orders;
"""
_TO_VERSION_3 = """
INSERT INTO epoch SELECT 1, json_object('name', value) FROM state WHERE key = 'epoch';
DELETE FROM state WHERE key = 'epoch';
ALTER TABLE row RENAME TO old_row;
"""
_STEPS = {
    0: (_SCHEMA, _EPOCH, _ROW),
    1: (_TO_VERSION_2, _EPOCH, _TO_VERSION_3, _ROW),
    2: (_EPOCH, _TO_VERSION_3, _ROW),
}
_OLD_ROWS = "SELECT 1 FROM sqlite_schema WHERE name = 'old_row'"
_COUNTED = "SELECT count(*), ifnull(sum(length(items)), 0) FROM old_row WHERE lane = ?"
_PIECE_ROWS = 200
_PIECE = (
    "SELECT max(seq) FROM (SELECT seq FROM old_row WHERE lane = ? ORDER BY seq LIMIT ?)"  # or none
)
_COPY = (
    "INSERT INTO row SELECT ? + seq, from_seq, kind, since, until, items FROM old_row"
    " WHERE lane = ? AND seq <= ?"
)
_EPOCHS = msgspec.json.Decoder(Epoch)


def row_id(lane: Lane, seq: int) -> int:
    """Where the row `seq` of `lane` is in the table `row`: a lane's rows stand together."""
    return LANE_NUMBERS[lane] << LANE_SHIFT | seq


def seq_of(id_: int) -> int:
    """The seq in a row's id."""
    return id_ & (1 << LANE_SHIFT) - 1


def ids_of(lane: Lane, *, after: int = 0) -> tuple[int, int]:
    """The least and the greatest id that a row of `lane` behind the seq `after` can have."""
    return row_id(lane, after + 1), row_id(lane, (1 << LANE_SHIFT) - 1)


def load_epochs(db: sqlite3.Connection) -> Epochs:
    """Those of the file, oldest first. Raises CorruptError."""
    bodies = db.execute("SELECT body FROM epoch ORDER BY number").fetchall()
    try:
        return Epochs([_EPOCHS.decode(body) for (body,) in bodies])
    except msgspec.DecodeError as error:
        raise CorruptError(f"the epochs cannot be read: {error}") from error


def save_epochs(db: sqlite3.Connection, epochs: Epochs) -> None:
    """Put them in the place of those of the file."""
    db.execute("DELETE FROM epoch")
    db.executemany(
        "INSERT INTO epoch (body) VALUES (?)",
        [(msgspec.json.encode(one).decode(),) for one in epochs.all],
    )


def connect(path: Path, *, busy_s: float) -> sqlite3.Connection:
    """Open or create, check and prove writable. Raises OutboxError."""
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=busy_s)
    except sqlite3.Error as error:
        raise typed_error(error, path) from error
    try:
        _prepare(db, path)
    except sqlite3.Error as error:
        db.close()
        raise typed_error(error, path) from error
    except OutboxError:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file; an old one keeps its own
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    page_bytes = db.execute("PRAGMA page_size").fetchone()[0]
    db.execute(f"PRAGMA wal_autocheckpoint = {WAL_BYTES // page_bytes}")
    db.execute(f"PRAGMA journal_size_limit = {LONGEST_WAL_BYTES}")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version in _STEPS:
        db.execute("BEGIN IMMEDIATE")
        for step in _STEPS[version]:
            for statement in step.split(";\n"):
                db.execute(statement)
        _count(db)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    elif version != SCHEMA_VERSION:
        raise OutboxError(
            f"{path}: an outbox of format {version}; this program knows {SCHEMA_VERSION}. "
            "Run the version that wrote it until it is empty, then start this one."
        )
    if path.stat().st_size <= CHECKED_BYTES:
        checked = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if checked != "ok":
            raise CorruptError(f"{path}: {checked}")
    _move_rows(db)
    db.execute("BEGIN IMMEDIATE")  # a read-only file shows here, not at the first append
    db.execute("UPDATE state SET value = value WHERE key = 'heartbeat'")
    db.execute("COMMIT")


def _count(db: sqlite3.Connection) -> None:
    """Keep beside the rows how many they are: a file of a million must not be read to be opened."""
    has_rows = db.execute(_OLD_ROWS).fetchone() is not None
    keep = "INSERT OR IGNORE INTO state VALUES (?, ?)"
    for lane in Lane:
        rows, size = db.execute(_COUNTED, (lane,)).fetchone() if has_rows else (0, 0)
        counted = {LAST_KEYS[lane]: 0, ROWS_KEYS[lane]: rows, BYTES_KEYS[lane]: size}
        db.executemany(keep, counted.items())


def _move_rows(db: sqlite3.Connection) -> None:
    """Bring the rows of an older format to their place, some at a time.

    What was moved leaves its pages to what comes. Killed, it goes on at the next opening.
    """
    if db.execute(_OLD_ROWS).fetchone() is None:
        return
    for lane in Lane:
        while (last := db.execute(_PIECE, (lane, _PIECE_ROWS)).fetchone()[0]) is not None:
            db.execute("BEGIN IMMEDIATE")
            db.execute(_COPY, (row_id(lane, 0), lane, last))
            db.execute("DELETE FROM old_row WHERE lane = ? AND seq <= ?", (lane, last))
            db.execute("COMMIT")
    db.execute("DROP TABLE old_row")


def set_aside(path: Path) -> Path:
    """Rename the file and what belongs to it; returns the new name. Nothing is deleted.

    Raises ReadOnlyError where the disk does not allow it: a card that fails often does both.
    """
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    try:
        for suffix in ("-wal", "-shm", ""):  # the file last: while it stands, this is not done
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise ReadOnlyError(
            f"{path}: is damaged and cannot be set aside ({error.strerror}). Rows are kept in "
            "memory as long as they fit; replace the card."
        ) from error
    return aside
