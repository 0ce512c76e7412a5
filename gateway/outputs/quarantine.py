"""The file of lines that InfluxDB will never take: one JSON object a line, on disk before going on.

Each object has `at` (when it was put here, Unix seconds), `reason` (the server's words) and `line`.
A delivery that is repeated after a crash may put a line here twice. The file holds pseudonyms
beside positions, so only its owner may read it.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec


class Quarantine:
    """Appends to `path`, which is made with its folder at the first line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, lines: Sequence[str], *, reason: str, at: float) -> None:
        """Append lines and wait for the disk. Blocks. Raises OSError."""
        records = msgspec.json.Encoder().encode_lines(
            [{"at": at, "reason": reason, "line": line} for line in lines]
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            if _is_torn(descriptor):
                records = b"\n" + records
            file.write(records)
            file.flush()
            os.fsync(descriptor)
        if is_new:
            _sync_folder(self.path.parent)


def _is_torn(descriptor: int) -> bool:
    """Whether the last write was cut short, by a full disk or a crash."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
