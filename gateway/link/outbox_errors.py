"""What can go wrong with the outbox's file, each with the words that say what to do.

OutboxError
├── UnwritableError    may pass: keep the row in memory and try again
│   ├── DiskFullError
│   └── ReadOnlyError
└── CorruptError       open again: the file is set aside and a new one begun
"""

import sqlite3
from pathlib import Path

from gateway.model import UnusableError

TRY_AGAIN = 75  # EX_TEMPFAIL: starting the service again may help


class OutboxError(UnusableError):
    """The outbox cannot be used; the message names the file and says what to do."""

    exit_code = TRY_AGAIN


class UnwritableError(OutboxError):
    """The disk did not take the rows; nothing was changed, and it may work later."""


class DiskFullError(UnwritableError):
    """No space is left."""


class ReadOnlyError(UnwritableError):
    """The file, its folder or the whole disk is read-only."""


class CorruptError(OutboxError):
    """The file is not the SQLite database that was written."""


_PRIMARY = 0xFF  # the low byte of an extended result code is the primary one
_SAID: dict[int, tuple[type[OutboxError], str]] = {
    sqlite3.SQLITE_FULL: (
        DiskFullError,
        "the disk is full. Free some space; rows are kept in memory as long as they fit.",
    ),
    sqlite3.SQLITE_READONLY: (
        ReadOnlyError,
        "is read-only. Check its owner, and whether the disk was mounted read-only: "
        "a worn SD card does that and must be replaced.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        ReadOnlyError,
        "cannot be opened or created. Check that the folder exists and belongs to the service.",
    ),
    sqlite3.SQLITE_IOERR: (
        UnwritableError,
        "the disk reports an error. Check its free space and its health (dmesg).",
    ),
    sqlite3.SQLITE_BUSY: (
        UnwritableError,
        "another process holds it. Two edges must not share a state_dir.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        CorruptError,
        "is corrupt. Restart: it is set aside, a new one begun.",
    ),
    sqlite3.SQLITE_NOTADB: (
        CorruptError,
        "is no database. Restart: it is set aside, a new one begun.",
    ),
}


def typed_error(error: sqlite3.Error, path: Path) -> OutboxError:
    """The OutboxError that `error` means."""
    code = getattr(error, "sqlite_errorcode", None)
    kind, advice = _SAID.get((code or 0) & _PRIMARY, (OutboxError, "cannot be used."))
    return kind(f"{path}: {advice} (SQLite: {error})")
