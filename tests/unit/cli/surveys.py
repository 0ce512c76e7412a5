"""Surveys to read, written as files; nothing random but by a seed."""

import csv
import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tests.unit.cli.recordings import LENGTH_M, POLES, degrees

COLUMNS = ("lon", "lat", "receiver", "rssi_dbm", "day")

SurveyRow = tuple[float, float, str, float, str]


def write_survey(
    file: Path, rows: Iterable[Sequence[object]], *, header: Sequence[str] = COLUMNS
) -> Path:
    with gzip.open(file, "wt", encoding="utf-8", newline="") as text:
        lines = csv.writer(text)
        lines.writerow(header)
        lines.writerows(rows)
    return file


def survey(
    *, until_m: float = LENGTH_M, day: str = "2026-04-01", packets: int = 5
) -> list[SurveyRow]:
    """Packets on places along the road, every 4 m."""
    random = np.random.default_rng(3)
    rows: list[SurveyRow] = []
    for x in np.arange(0, until_m, 4.0).tolist():
        lon, lat = degrees(x, 0.0)
        for pole in range(POLES):
            mean = -60 - 22 * np.log10(np.hypot(x - 30 * pole, 4))
            rows += [
                (lon, lat, f"r{pole}", round(dbm), day) for dbm in random.normal(mean, 4, packets)
            ]
    return rows
