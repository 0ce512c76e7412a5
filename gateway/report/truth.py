"""A recording's truth: what `truth.csv.gz`, `zone_truth.csv.gz` and `reference_path.geojson` say.

None of them has to be there. Scoring them is the report's and the tests'; nobody else reads them.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gateway.model import UnusableError
from gateway.report.scoring import Tolerance, Truth, ZoneTruth
from gateway.site import Points, Site

TRUTH = "truth.csv.gz"
ZONE_TRUTH = "zone_truth.csv.gz"
REFERENCE = "reference_path.geojson"


class TruthError(UnusableError):
    """A file of truth cannot be used; the message names it and what to do."""


@dataclass(frozen=True, slots=True)
class Truths:
    """Everything that is known about where the tags really were; each part may be empty.

    `tags` by tag; `ways` are lines (n, 2), metres, that were walked at unknown times.
    """

    tags: Mapping[str, Truth]
    zones: Sequence[ZoneTruth]
    ways: Sequence[Points]
    tolerance: Tolerance


def read_truths(folder: Path, site: Site) -> Truths:
    """What `folder` holds of truth. Raises TruthError for a file that is there and damaged."""
    return Truths(
        tags=_tags(folder / TRUTH, site),
        zones=_zones(folder / ZONE_TRUTH),
        ways=_ways(folder / REFERENCE, site),
        tolerance=_tolerance(folder / "site.geojson"),
    )


def _tags(file: Path, site: Site) -> dict[str, Truth]:
    rows: dict[str, list[tuple[float, ...]]] = {}
    for (tag,), numbers in _rows(file, ("tag",), ("at", "lon", "lat")):
        rows.setdefault(tag, []).append(numbers)
    tables = {tag: np.array(sorted(found)) for tag, found in rows.items()}
    return {tag: Truth(t[:, 0], site.to_metres(t[:, 1:])) for tag, t in sorted(tables.items())}


def _zones(file: Path) -> list[ZoneTruth]:
    rows: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for (tag, zone), numbers in _rows(file, ("tag", "zone"), ("at", "inside")):
        rows.setdefault((tag, zone), []).append(numbers)
    tables = {key: np.array(sorted(found)) for key, found in sorted(rows.items())}
    return [
        ZoneTruth(*key, at=table[:, 0], inside=table[:, 1] > 0) for key, table in tables.items()
    ]


def _rows(
    file: Path, words: Sequence[str], numbers: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], tuple[float, ...]]]:
    """The named columns of every row; nothing where there is no such file."""
    if not file.exists():
        return
    try:
        with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
            for line in csv.DictReader(text):
                yield tuple(line[w] for w in words), tuple(float(line[n]) for n in numbers)
    except (KeyError, TypeError, ValueError, EOFError, OSError, zlib.error, csv.Error) as error:
        raise TruthError(
            f"{file}: cannot be used ({error!r}). It needs the columns "
            f"{', '.join((*words, *numbers))}; mend it, or remove it."
        ) from error


def _ways(file: Path, site: Site) -> list[Points]:
    if not file.exists():
        return []
    try:
        features = json.loads(file.read_text(encoding="utf-8"))["features"]
        lines = [np.array(one["geometry"]["coordinates"], dtype=float) for one in features]
        return [site.to_metres(line[:, :2]) for line in lines]
    except (KeyError, TypeError, ValueError, IndexError, OSError) as error:
        raise TruthError(
            f"{file}: is no GeoJSON of lines ({error!r}). Export it again, or remove it."
        ) from error


def _tolerance(file: Path) -> Tolerance:
    """As the recording's site says, in the property names of published recordings."""
    usual = Tolerance()
    given = json.loads(file.read_text(encoding="utf-8-sig")).get("properties") or {}
    early_s, late_s = given.get("zone_match_early_s"), given.get("zone_match_late_s")
    return Tolerance(
        early_s if isinstance(early_s, int | float) else usual.early_s,
        late_s if isinstance(late_s, int | float) else usual.late_s,
    )
