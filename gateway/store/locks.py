"""Locks between processes: held by an open file, gone with the process that held it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.store.errors import StoreError


@contextmanager
def held(lock: Path, *, else_say: str) -> Iterator[None]:
    """Hold the file `lock`. Raises StoreError(`else_say`) where another holds it, and OSError."""
    file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(else_say) from error
        yield
    finally:
        os.close(file)


def of_service(database: Path) -> Path:
    """The lock of the one service that works on `database`."""
    return Path(f"{database}.lock")
