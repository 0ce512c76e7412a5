"""A phone's track of a technician's walk: where the tag was carried, as CSV or GeoJSON.

CSV has the columns at (Unix seconds), lon, lat. GeoJSON is what loggers export: points with a
`time` each, or a line whose properties have `coordTimes`, one for each of its coordinates.
"""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from gateway.app.tables import RecordingError
from gateway.site import Points, Site
from gateway.tags.propagation import Floats

COLUMNS = ("at", "lon", "lat")
LONGEST_GAP_S = 5.0
STILL_M = 3.0
STILL_S = 10.0

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Track:
    """Where the tag was: `at` (n,), rising, and `xy` (n, 2), metres of the site."""

    at: Floats
    xy: Points

    def where(self, at: Floats) -> Points:
        """Positions (m, 2) at times (m,); NaN outside, and in gaps of more than 5 s."""
        found = np.stack([np.interp(at, self.at, self.xy[:, k]) for k in (0, 1)], axis=1)
        after = np.clip(np.searchsorted(self.at, at), 1, len(self.at) - 1)
        gap = self.at[after] - self.at[after - 1]
        found[(gap > LONGEST_GAP_S) | (at < self.at[0]) | (at > self.at[-1])] = np.nan
        return found


def read_track(file: Path, site: Site) -> Track:
    """The track in `file`, standstills drawn together. Raises RecordingError."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(
            f"{file}: cannot be read ({error}). Name the phone's track."
        ) from error
    if file.suffix == ".csv":
        points = list(_of_csv(file, text))
    elif file.suffix in {".geojson", ".json"}:
        points = list(_of_geojson(file, text))
    else:
        raise RecordingError(f"{file}: is neither .csv nor .geojson. Export the track as one.")
    _check(file, points)
    table = np.array(sorted({one[0]: one for one in points}.values()))
    if len(table) < 2:
        raise RecordingError(f"{file}: holds fewer than two moments. Record the walk again.")
    xy = site.to_metres(table[:, 1:])
    return Track(table[:, 0], _drawn_together(table[:, 0], xy))


def _drawn_together(at: Floats, xy: Points) -> Points:
    """The same positions, those of each standstill replaced by their mean.

    A phone that lies still wanders some metres, and packets of one place would count as of many.
    """
    found = xy.copy()
    first = 0
    while first < len(at):
        last = first
        while (
            last + 1 < len(at)
            and np.hypot(*(xy[last + 1] - xy[first : last + 1].mean(axis=0))) < STILL_M
        ):
            last += 1
        if at[last] - at[first] >= STILL_S:
            found[first : last + 1] = xy[first : last + 1].mean(axis=0)
            first = last
        first += 1
    return found


def _of_csv(file: Path, text: str) -> Iterator[Point]:
    lines = csv.DictReader(text.splitlines())
    missing = [name for name in COLUMNS if name not in (lines.fieldnames or ())]
    if missing:
        raise RecordingError(
            f"{file}: column {', '.join(missing)} is missing. "
            f"The first line must name the columns {', '.join(COLUMNS)}."
        )
    for line in lines:
        try:
            at, lon, lat = (float(line[name] or "") for name in COLUMNS)
        except ValueError as error:
            raise RecordingError(f"{file}: line {lines.line_num}: {error}. Mend it.") from error
        yield at, lon, lat


def _of_geojson(file: Path, text: str) -> Iterator[Point]:
    wrong = f"{file}: is no GeoJSON of points with a time, or of a line with coordTimes"
    try:
        document = json.loads(text)
        for feature in document["features"]:
            shape, known = feature["geometry"], feature["properties"]
            if shape["type"] == "Point":
                yield _point(known.get("time", known.get("at")), shape["coordinates"])
            elif shape["type"] == "LineString":
                yield from map(_point, _times(known), shape["coordinates"])
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise RecordingError(f"{wrong} ({error!r}). Export the track again.") from error


def _times(known: Mapping[str, Any]) -> Sequence[object]:
    times: Sequence[object] = known["coordTimes"]
    return times


def _point(time: object, coordinates: Sequence[float]) -> Point:
    if isinstance(time, str):
        moment = datetime.fromisoformat(time)
        if moment.tzinfo is None:
            raise ValueError(f"{time} does not name its time zone")
        at = moment.timestamp()
    elif isinstance(time, int | float):
        at = float(time)
    else:
        raise TypeError("no time")
    return at, float(coordinates[0]), float(coordinates[1])


def _check(file: Path, points: Sequence[Point]) -> None:
    for at, lon, lat in points:
        if not (math.isfinite(at) and abs(lon) <= 180 and abs(lat) <= 90):
            raise RecordingError(f"{file}: {at}, {lon}, {lat} is no time and place. Mend it.")
