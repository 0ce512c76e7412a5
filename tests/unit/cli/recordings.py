"""Recordings to locate, written as folders; nothing random but by a seed."""

import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

COLUMNS = ("at", "receiver", "tag", "rssi_dbm")
START = 1_770_000_000
ORIGIN = (140.888, 37.05)
METRES_PER_DEGREE = (88_963.0, 110_981.0)
LENGTH_M, POLES = 120.0, 5

Row = tuple[float, str, str, float]


def degrees(x: float, y: float) -> list[float]:
    return [ORIGIN[0] + x / METRES_PER_DEGREE[0], ORIGIN[1] + y / METRES_PER_DEGREE[1]]


def write_site(folder: Path) -> None:
    """A road of 120 m with a pole every 30 m and a zone over its last 40 m."""
    zone = [degrees(*xy) for xy in ((80, -9), (130, -9), (130, 9), (80, 9), (80, -9))]
    features = [
        ("LineString", {"kind": "path"}, [degrees(0, 0), degrees(LENGTH_M, 0)]),
        ("Polygon", {"kind": "zone", "id": "end"}, [zone]),
        *(
            ("Point", {"kind": "receiver", "id": f"r{k}", "height_m": 4}, degrees(30.0 * k, 3))
            for k in range(POLES)
        ),
    ]
    document = {
        "type": "FeatureCollection",
        "properties": {"name": "road"},
        "features": [
            {"type": "Feature", "properties": known, "geometry": {"type": s, "coordinates": at}}
            for s, known, at in features
        ],
    }
    (folder / "site.geojson").write_text(json.dumps(document), encoding="utf-8")


def write_sightings(
    folder: Path, rows: Iterable[Sequence[object]], *, header: Sequence[str] = COLUMNS
) -> Path:
    file = folder / "sightings.csv.gz"
    with gzip.open(file, "wt", encoding="utf-8", newline="") as text:
        lines = csv.writer(text)
        lines.writerow(header)
        lines.writerows(rows)
    return file


def walk(*, tag: str = "t", start: float = START, seconds: int = 90, seed: int = 0) -> list[Row]:
    """Packets of a tag that walks the road, about two a second at each pole that hears it."""
    random = np.random.default_rng(seed)
    rows: list[Row] = []
    for at in np.sort(start + random.uniform(0, seconds, 2 * seconds)):
        x = min((at - start) * 1.3, LENGTH_M)
        for pole in range(POLES):
            dbm = -60 - 22 * np.log10(np.hypot(x - 30 * pole, 4)) + random.normal(0, 5)
            if dbm > -96 and random.random() < 0.8:
                rows.append((round(float(at), 4), f"r{pole}", tag, round(dbm)))
    return rows


def write_recording(folder: Path, rows: Iterable[Sequence[object]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_site(folder)
    write_sightings(folder, rows)
    return folder
