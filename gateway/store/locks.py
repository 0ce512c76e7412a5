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
        _give_to_owner_of(lock.parent, file)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(else_say) from error
        yield
    finally:
        os.close(file)


def _give_to_owner_of(folder: Path, file: int) -> None:
    """What root makes first the service must be able to open later."""
    owner = folder.stat()
    if os.geteuid() == 0 and os.fstat(file).st_uid != owner.st_uid:
        os.fchown(file, owner.st_uid, owner.st_gid)


def of_service(database: Path) -> Path:
    """The lock of the one service that works on `database`."""
    return Path(f"{database}.lock")
