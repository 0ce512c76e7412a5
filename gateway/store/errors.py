"""Why the database cannot be used, said with the file's name and what to do."""

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from gateway.model import UnusableError

_ADVICE = {
    sqlite3.SQLITE_READONLY: (
        "is read-only. Give the service's user the right to write the file and its folder, "
        "or mount the disk for writing."
    ),
    sqlite3.SQLITE_PERM: "may not be opened by this user. Give it the right to write the file.",
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened. See that its folder exists and that the service's user may write there."
    ),
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full. Free space; work goes on by itself then.",
    sqlite3.SQLITE_CORRUPT: (
        "is damaged. Stop the program, put back a backup (machimori restore FILE), which keeps "
        "this file aside, and check the disk."
    ),
    sqlite3.SQLITE_NOTADB: (
        "is not a SQLite database. Put back a backup (machimori restore FILE), which keeps "
        "this file aside, or mend the setting hub.database."
    ),
    sqlite3.SQLITE_BUSY: (
        "is held by another program. See who holds it (fuser), or wait for its end."
    ),
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk reports errors. Check the disk.",
}
_PRIMARY = 0xFF  # an extended result code holds the primary one in its low byte


class StoreError(UnusableError):
    """The database cannot be used; the message names the file and what to do."""

    exit_code = 75  # EX_TEMPFAIL: a full disk may heal, so the service is started again


class DamagedError(StoreError):
    """A part of the file is damaged; what needs other parts of it goes on."""


class BrokenStoreError(StoreError):
    """Starting again does not mend the file, a person does: the service stays down and says so."""

    exit_code = 2


def explained(path: Path, error: DBAPIError | sqlite3.Error) -> Exception:
    """`error` as a StoreError; itself where it is no fault of file, disk or lock."""
    advice = _ADVICE.get(_code(error))
    if advice is None:
        return error
    kind = DamagedError if is_damage(error) else StoreError
    told = kind(f"{path}: {advice} ({_cause(error)})")
    told.__cause__ = error
    return told


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that the file's contents are not what it wrote."""
    return _code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _code(error: BaseException) -> int:
    return int(getattr(_cause(error), "sqlite_errorcode", sqlite3.SQLITE_OK)) & _PRIMARY


def _cause(error: BaseException) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error
