"""A survey file: packets of a tag on known places, as `survey.csv.gz` (lon, lat, receiver, …)."""

import csv
import gzip
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.app.tables import RecordingError, packed_lines
from gateway.site import Points, Site
from gateway.tags.survey import SurveyRow

SURVEY = "survey.csv.gz"
COLUMNS = ("lon", "lat", "receiver", "rssi_dbm", "day")

ASTRAY_M = 30.0
ALONG_M = 2.0
_AT_ONCE = 256


class SurveyLine(NamedTuple):
    """One line of the file; `day` is any name of a day, such as 2026-04-01."""

    lon: float
    lat: float
    receiver: str
    rssi_dbm: float
    day: str


@dataclass(frozen=True, slots=True)
class SurveyFile:
    """What of a file is of use on a site.

    `strangers` counts the rows of receivers that are not on it, `astray` those more than ASTRAY_M
    from its paths and areas; they are left out.
    """

    rows: tuple[SurveyRow, ...]
    strangers: Mapping[str, int]
    astray: int

    def remarks(self, file: Path) -> list[str]:
        """A sentence about whatever of `file` was left out."""
        lines = [
            f"{file}: {receiver} is not on the site: {count} packets left out."
            for receiver, count in sorted(self.strangers.items())
        ]
        if self.astray:
            lines.append(f"{file}: {self.astray} packets far from any path are left out.")
        return lines


def load_survey(file: Path, site: Site, *, progress: Callable[[int, int], None]) -> SurveyFile:
    """Read `file` for `site`. `progress` is told how many bytes are read, and of how many.

    Raises RecordingError.
    """
    try:
        lines = read_lines(file, progress=progress)
    except FileNotFoundError as error:
        raise RecordingError(f"{file}: no such file. Name a survey.") from error
    return on_site(file, lines, site)


def read_lines(file: Path, *, progress: Callable[[int, int], None]) -> list[SurveyLine]:
    """The lines of `file`. Raises RecordingError, and FileNotFoundError."""
    try:
        return [_line(*one) for one in packed_lines(file, COLUMNS, progress=progress)]
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RecordingError(f"{file}: cannot be read ({error.strerror}).") from error


def write_lines(file: Path, lines: Iterable[SurveyLine]) -> None:
    """Write a survey file, whole or not at all; raises RecordingError where it cannot be."""
    part = file.with_name(f"{file.name}.part")
    try:
        with gzip.open(part, "wt", encoding="utf-8", newline="") as text:
            rows = csv.writer(text)
            rows.writerow(COLUMNS)
            rows.writerows(
                (f"{one.lon:.8f}", f"{one.lat:.8f}", one.receiver, f"{one.rssi_dbm:g}", one.day)
                for one in lines
            )
        part.replace(file)
    except OSError as error:
        raise RecordingError(
            f"{file}: cannot be written ({error.strerror}). Name a file in a folder that exists."
        ) from error


def on_site(file: Path, lines: Sequence[SurveyLine], site: Site) -> SurveyFile:
    """Those of the `lines` that fit `site`. Raises RecordingError where none does."""
    known = {receiver.id for receiver in site.receivers}
    strangers = Counter(line.receiver for line in lines if line.receiver not in known)
    own = [line for line in lines if line.receiver in known]
    if not own:
        raise RecordingError(_why_nothing(file, strangers))
    lonlat, spot = np.unique([line[:2] for line in own], axis=0, return_inverse=True)
    places = site.to_metres(lonlat)
    away_m = metres_between(places, points_on_ways(site))
    if away_m.min() > ASTRAY_M:
        raise RecordingError(
            f"{file}: all its places are more than {ASTRAY_M:g} m from the site's paths and areas "
            f"(the nearest {away_m.min():,.0f} m). Take the survey of this site; "
            "the columns must be lon and lat, in degrees, in that order."
        )
    rows = tuple(
        SurveyRow((x, y), line.receiver, line.rssi_dbm, line.day)
        for line, (x, y), away in zip(
            own, places[spot].tolist(), away_m[spot].tolist(), strict=True
        )
        if away <= ASTRAY_M
    )
    return SurveyFile(rows, strangers, astray=len(own) - len(rows))


def points_on_ways(site: Site) -> Points:
    """Points (n, 2), metres, every ALONG_M of the site's paths and areas."""
    return np.concatenate(
        [*(_points_along(path.points) for path in site.paths)]
        + [area.grid(ALONG_M) for area in site.areas]
    )


def metres_between(points: Points, others: Points) -> NDArray[np.float64]:
    """How far (n,) each of `points` (n, 2) is from the nearest of `others` (m, 2)."""
    away = [
        np.sqrt(((part[:, None] - others) ** 2).sum(axis=2).min(axis=1))
        for part in np.array_split(points, math.ceil(len(points) / _AT_ONCE))
    ]
    return np.concatenate(away)


def _points_along(line: Points) -> Points:
    """Points every ALONG_M metres of a line (n, 2), its ends too."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0.0, along[-1], max(math.ceil(along[-1] / ALONG_M), 1) + 1)
    return np.stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)], axis=1)


def _why_nothing(file: Path, strangers: Mapping[str, int]) -> str:
    if not strangers:
        return f"{file}: holds no packets. Survey again, or name another file."
    names = ", ".join(sorted(strangers)[:5])
    return (
        f"{file}: none of its receivers ({names}) is on the site. "
        "Give them the ids of the site's receivers."
    )


def _line(line: Mapping[str, str | None], where: str) -> SurveyLine:
    lon, lat, receiver, rssi_dbm, day = (line[name] for name in COLUMNS)
    try:
        found = SurveyLine(
            float(lon or ""), float(lat or ""), receiver or "", float(rssi_dbm or ""), day or ""
        )
    except ValueError as error:
        raise RecordingError(f"{where}: {error}. Mend or remove that line.") from error
    if not (abs(found.lon) <= 180 and abs(found.lat) <= 90):
        raise RecordingError(f"{where}: lon and lat are no degrees. Mend or remove that line.")
    if not (math.isfinite(found.rssi_dbm) and found.receiver and found.day):
        raise RecordingError(f"{where}: a value is missing. Mend or remove that line.")
    return found
