"""A recording as a folder: `site.geojson` and `sightings.csv.gz` become a site and its windows.

What a recording holds besides is for others: truth and zone truth are never opened here, and a
survey is read by survey_file.py.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import floor, isfinite
from pathlib import Path

from gateway.app.tables import RecordingError, packed_lines
from gateway.model import Reading, Window
from gateway.site import Site, load_site

SITE = "site.geojson"
SIGHTINGS = "sightings.csv.gz"
COLUMNS = ("at", "receiver", "tag", "rssi_dbm")

PATIENCE_S = 60
MEMORY_S = 300


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One line of a sightings file."""

    at: float
    receiver: str
    tag: str
    rssi_dbm: float


@dataclass(frozen=True, slots=True)
class Recording:
    """`rows` by time; `strangers` counts the rows of receivers that are not on the site."""

    site: Site
    rows: tuple[Row, ...]
    strangers: Mapping[str, int]

    @property
    def tags(self) -> list[str]:
        """Every tag that was heard."""
        return sorted({row.tag for row in self.rows})


def read_recording(folder: Path, *, progress: Callable[[int, int], None]) -> Recording:
    """Read `folder`. `progress` is told how many bytes are read, and of how many.

    Raises RecordingError or SiteError.
    """
    if not folder.is_dir():
        raise RecordingError(f"{folder}: no such folder. Name the folder of a recording.")
    site = load_site(folder / SITE)
    known = {receiver.id for receiver in site.receivers}
    rows: list[Row] = []
    strangers: Counter[str] = Counter()
    file = folder / SIGHTINGS
    for row in _rows(file, progress=progress):
        if row.receiver in known:
            rows.append(row)
        else:
            strangers[row.receiver] += 1
    if not rows:
        raise RecordingError(_why_nothing(file, strangers))
    return Recording(site, tuple(sorted(rows)), strangers)


def _why_nothing(file: Path, strangers: Mapping[str, int]) -> str:
    if not strangers:
        return f"{file}: holds no sightings. Record again, or name another folder."
    names = ", ".join(sorted(strangers)[:5])
    return (
        f"{file}: none of its receivers ({names}) is on the site. "
        f"Give them the ids of the receivers in {SITE}."
    )


def _rows(file: Path, *, progress: Callable[[int, int], None]) -> Iterator[Row]:
    try:
        yield from (_row(*one) for one in packed_lines(file, COLUMNS, progress=progress))
    except OSError as error:
        raise RecordingError(
            f"{file}: cannot be read ({error.strerror}). A recording has its sightings there."
        ) from error


def _row(line: Mapping[str, str | None], where: str) -> Row:
    at, receiver, tag, rssi_dbm = (line[name] for name in COLUMNS)
    try:
        row = Row(float(at or ""), receiver or "", tag or "", float(rssi_dbm or ""))
    except ValueError as error:
        raise RecordingError(f"{where}: {error}. Mend or remove that line.") from error
    if not (isfinite(row.at) and isfinite(row.rssi_dbm) and row.receiver and row.tag):
        raise RecordingError(f"{where}: a value is missing. Mend or remove that line.")
    return row


class Attendance:
    """Which receivers of a recording count as alive in a second: judged by the past alone.

    A recording does not say it. A receiver that has not spoken yet is given the benefit of the
    first minute; one that spoke, of five minutes of others speaking.
    """

    def __init__(self, receivers: Iterable[str]) -> None:
        self._silent_s = dict.fromkeys(receivers, MEMORY_S - PATIENCE_S)

    def take(self, heard: frozenset[str]) -> tuple[str, ...]:
        """The receivers alive in a second in which those that `heard` spoke."""
        if heard:
            for receiver, silent_s in self._silent_s.items():
                self._silent_s[receiver] = 0 if receiver in heard else silent_s + 1
        return tuple(one for one, silent_s in self._silent_s.items() if silent_s < MEMORY_S)


def seconds_of(recording: Recording) -> int:
    """How many seconds hold a sighting."""
    return len({floor(row.at) for row in recording.rows})


def windows_of(recording: Recording, *, tail_s: int) -> Iterator[Window]:
    """A window for every second from the first to the last, and `tail_s` empty ones after a pause.

    Seconds beyond those are left out: a recording may pause for hours.
    """
    attendance = Attendance(receiver.id for receiver in recording.site.receivers)
    before: int | None = None
    for second, rows in groupby(recording.rows, key=lambda row: floor(row.at)):
        if before is not None:
            yield from _empty(before + 1, min(before + 1 + tail_s, second), attendance)
        readings = _readings(list(rows))
        alive = attendance.take(frozenset(reading.receiver for reading in readings))
        yield Window(second, alive, readings)
        before = second
    if before is not None:
        yield from _empty(before + 1, before + 1 + tail_s, attendance)


def _empty(since: int, until: int, attendance: Attendance) -> Iterator[Window]:
    for second in range(since, until):
        yield Window(second, attendance.take(frozenset()), ())


def _readings(rows: list[Row]) -> tuple[Reading, ...]:
    levels: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        levels.setdefault((row.receiver, row.tag), []).append(row.rssi_dbm)
    return tuple(
        Reading(receiver, tag, sum(dbm) / len(dbm), round(max(dbm)), len(dbm))
        for (receiver, tag), dbm in levels.items()
    )
