"""Truth for the walks of `tests.unit.cli.recordings`."""

import csv
import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.unit.cli.recordings import LENGTH_M, START, degrees

ZONE_BEGINS_M = 80.0


def write_truth(folder: Path, *, tag: str = "t", seconds: int = 90) -> None:
    """Where the walker was, and whether in the zone "end"."""
    way = [(START + second, min(second * 1.3, LENGTH_M)) for second in range(seconds)]
    rows = ([at, tag, *degrees(x, 0)] for at, x in way)
    _write(folder / "truth.csv.gz", ("at", "tag", "lon", "lat"), rows)
    inside = ([at, tag, "end", int(x > ZONE_BEGINS_M)] for at, x in way)
    _write(folder / "zone_truth.csv.gz", ("at", "tag", "zone", "inside"), inside)


def _write(file: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with gzip.open(file, "wt", encoding="utf-8", newline="") as text:
        lines = csv.writer(text)
        lines.writerow(header)
        lines.writerows(rows)
