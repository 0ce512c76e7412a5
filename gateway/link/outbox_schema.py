"""The outbox file's tables, and how it is opened: checked, writable, or set aside."""

import secrets
import sqlite3
from pathlib import Path

from gateway.link.outbox_errors import CorruptError, OutboxError, typed_error
from gateway.model import Lane

SCHEMA_VERSION = 2
LONGEST_WAL_BYTES = 8_000_000
LAST_KEYS = {lane: f"last_{lane}" for lane in Lane}

_SCHEMA = """
CREATE TABLE state (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE row (
    lane TEXT NOT NULL, seq INTEGER NOT NULL, from_seq INTEGER NOT NULL, kind TEXT NOT NULL,
    since REAL NOT NULL, until REAL NOT NULL, items BLOB NOT NULL, PRIMARY KEY (lane, seq)
) WITHOUT ROWID;
CREATE TABLE mark (
    sender TEXT NOT NULL, epoch TEXT NOT NULL, lane TEXT NOT NULL, mark INTEGER NOT NULL,
    PRIMARY KEY (sender, epoch, lane)
) WITHOUT ROWID;
CREATE TABLE document (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""
_TO_VERSION_2 = """
CREATE TABLE document (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO document SELECT 'orders', body FROM orders;
DROP TABLE orders;
"""
_STEPS = {0: _SCHEMA, 1: _TO_VERSION_2}  # from each version to SCHEMA_VERSION


def new_epoch() -> str:
    """A name that no other outbox has had."""
    return secrets.token_hex(8)


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
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA journal_size_limit = {LONGEST_WAL_BYTES}")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version in _STEPS:
        db.execute("BEGIN IMMEDIATE")
        for statement in _STEPS[version].split(";\n"):
            db.execute(statement)
        if version == 0:
            state: dict[str, object] = dict.fromkeys(LAST_KEYS.values(), 0)
            state |= {"epoch": new_epoch(), "heartbeat": None}
            db.executemany("INSERT INTO state VALUES (?, ?)", state.items())
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    elif version != SCHEMA_VERSION:
        raise OutboxError(
            f"{path}: an outbox of format {version}; this program knows {SCHEMA_VERSION}. "
            "Run the version that wrote it until it is empty, then start this one."
        )
    checked = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if checked != "ok":
        raise CorruptError(f"{path}: {checked}")
    db.execute("BEGIN IMMEDIATE")  # a read-only file shows here, not at the first append
    db.execute("UPDATE state SET value = value WHERE key = 'epoch'")
    db.execute("COMMIT")


def set_aside(path: Path) -> Path:
    """Rename the file and what belongs to it; returns the new name. Nothing is deleted."""
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
