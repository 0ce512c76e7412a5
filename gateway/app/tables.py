"""Gzipped CSV files from outside, as recordings and surveys are: read with clear messages."""

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from gateway.model import UnusableError


class RecordingError(UnusableError):
    """The recording cannot be used; the message names the file and what to do."""


def packed_lines(
    file: Path, columns: Sequence[str], *, progress: Callable[[int, int], None]
) -> Iterator[tuple[Mapping[str, str | None], str]]:
    """The lines of a gzipped CSV file that has at least `columns`, and where each stands.

    `progress` is told how many bytes are read, and of how many. Raises RecordingError, and OSError
    where the file cannot be opened.
    """
    try:
        size = file.stat().st_size
        with (
            file.open("rb") as packed,
            gzip.open(packed, "rt", encoding="utf-8", newline="") as text,
        ):
            lines = csv.DictReader(text)
            missing = [name for name in columns if name not in (lines.fieldnames or ())]
            if missing:
                raise RecordingError(
                    f"{file}: column {', '.join(missing)} is missing. "
                    f"The first line must name the columns {', '.join(columns)}."
                )
            for line in lines:
                if lines.line_num % 1_000 == 0:
                    progress(packed.tell(), size)
                yield line, f"{file}: line {lines.line_num}"
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError, csv.Error) as error:
        raise RecordingError(f"{file}: is damaged ({error}). Copy it again.") from error
