"""Rooms of about 18 × 14 m with 6 to 12 receivers of unknown gains: real ones and simulated ones.

For comparison, measured in the real room: weighted centroid 2.7 m, Kalman filter 2.1 m (medians).
"""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from gateway.cli.locate import Mode
from gateway.cli.recording import read_recording
from tests.accuracy.radio import INDOORS
from tests.accuracy.scenes import room
from tests.accuracy.score import Truth
from tests.accuracy.trials import Trial, make_trial, outcome


@pytest.fixture(scope="module")
def office(shared: Path) -> list[Trial]:
    """One beacon carried through a furnished office, heard by twelve receivers; six sessions."""
    folder = shared / "data" / "recordings" / "danis-dev"
    recording = read_recording(folder, progress=lambda _done, _total: None)
    with gzip.open(folder / "truth.csv.gz", "rt", encoding="utf-8", newline="") as text:
        rows = sorted(
            (float(row["at"]), float(row["lon"]), float(row["lat"])) for row in csv.DictReader(text)
        )
    table = np.array(rows)
    return [Trial(recording, Truth(table[:, 0], recording.site.to_metres(table[:, 1:])))]


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> list[Trial]:
    folder = tmp_path_factory.mktemp("rooms")
    return [
        make_trial(
            folder,
            room(np.random.default_rng(seed), receivers=receivers),
            INDOORS,
            seed=seed,
            offset_db=offset_db,
        )
        for seed, receivers, offset_db in ((1, 10, 0.0), (2, 12, -4.0), (3, 6, 3.0), (4, 8, -8.0))
    ]


def test_the_office_is_located_live_without_any_calibration(office: list[Trial]) -> None:
    found = outcome(office).positions
    assert found.median <= 1.6, found
    assert found.p90 <= 3.7, found
    assert 0.60 <= found.coverage68 <= 0.80, found
    assert 0.91 <= found.coverage95 <= 0.985, found


def test_the_office_is_known_better_afterwards(office: list[Trial]) -> None:
    confirmed = outcome(office, Mode.CONFIRMED).positions
    route = outcome(office, Mode.ROUTE).positions
    assert confirmed.median <= 1.25, confirmed
    assert route.median <= 1.1, route


def test_rooms_never_seen_before_are_located_live(rooms: list[Trial]) -> None:
    found = outcome(rooms).positions
    assert found.median < 2.5, found
    assert 0.45 <= found.coverage68 <= 0.78, found
    assert found.coverage95 > 0.85, found
