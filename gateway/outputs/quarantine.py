"""The file of lines that InfluxDB will never take: one JSON object a line, on disk before going on.

Each object has `at` (when it was put here, Unix seconds), `reason` (the server's words) and `line`.
A delivery that is repeated after a crash may put a line here twice. The file holds pseudonyms
beside positions, so only its owner may read it, and neither its size nor its age is without end.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

MAX_BYTES = 100_000_000
KEEP_S = 30 * 86_400.0

_log = structlog.get_logger()


class _Stamp(msgspec.Struct):
    at: float


_stamp_from = msgspec.json.Decoder(_Stamp)


class Quarantine:
    """Appends to `path`, which is made with its folder at the first line.

    At half of `max_bytes` it becomes the file of the `older` lines, without those put here more
    than `keep_s` ago; what that one held goes. So both together have at most `max_bytes`.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, keep_s: float = KEEP_S) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._keep_s = keep_s

    def add(self, lines: Sequence[str], *, reason: str, at: float) -> None:
        """Append lines and wait for the disk. Blocks. Raises OSError."""
        records = msgspec.json.Encoder().encode_lines(
            [{"at": at, "reason": reason, "line": line} for line in lines]
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size + len(records) > self._max_bytes // 2:
            self._rotate(young_from=at - self._keep_s)
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

    def _rotate(self, *, young_from: float) -> None:
        before = older(self.path)
        if before.exists():
            _log.error(
                "the quarantine is full: its oldest lines are gone. See why InfluxDB refuses so "
                "many, or raise sink.quarantine_max_mb",
                path=str(self.path),
                size_mb=round(before.stat().st_size / 1e6, 1),
            )
            before.unlink()  # first, as the disk may have no room for the copy
        begin = _first_young(self.path, young_from)
        if begin:
            _cut_front(self.path, begin)
        self.path.rename(before)
        _sync_folder(self.path.parent)


def older(path: Path) -> Path:
    """Where the lines are that were in the file `path` before it was begun anew."""
    return path.with_name(f"{path.name}.1")


def put_at(line: bytes) -> float | None:
    """When a line of the file was put there, Unix seconds; None of what is no such line."""
    try:
        return _stamp_from.decode(line).at
    except msgspec.DecodeError:
        return None


def _first_young(path: Path, young_from: float) -> int:
    """Where in the file the first line begins that was put there at `young_from` or later."""
    begin = 0
    with path.open("rb") as file:
        for line in file:
            at = put_at(line)
            if at is not None and at >= young_from:
                break
            begin += len(line)
    return begin


def _cut_front(path: Path, begin: int) -> None:
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with path.open("rb") as source, os.fdopen(descriptor, "wb") as target:
        source.seek(begin)
        shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(descriptor)
    part.replace(path)


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
