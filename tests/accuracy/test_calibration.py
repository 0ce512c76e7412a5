"""Receivers that calibrate themselves at night, by the unlabelled walks of the day.

The reference is a calibration by one who knows where every tag was (labelled.py).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.report.scoring import Score
from tests.accuracy.labelled import labelled
from tests.accuracy.radio import OUTDOORS
from tests.accuracy.towns import WELL, Faults, Town, Trial
from tests.accuracy.trials import corrected, learned, outcome
from tests.accuracy.worlds import SOME_FAULTS, long_street

TAGS: Mapping[str, float] = {"a": 0.0, "b": -5.0, "c": 4.0, "d": 1.0}
DAYS = 7
OUTING_S = 450


def town(folder: Path, *, seed: int, faults: Faults = WELL) -> Town:
    return Town(folder, long_street(), OUTDOORS, seed=seed, faults=faults)


def day(place: Town, number: int) -> Trial:
    return place.day(TAGS, seconds=OUTING_S, number=number, outings=2, rate_hz=1.0)


def live(trial: Trial) -> Score:
    return outcome([trial]).positions


@pytest.mark.parametrize("seed", [21, 22])
def test_seven_days_of_walks_do_what_labels_would(tmp_path: Path, seed: int) -> None:
    place = town(tmp_path, seed=seed)
    days = [day(place, number) for number in range(DAYS)]
    calibration = None
    for one in days:
        calibration = learned(one, calibration)
    assert calibration is not None
    after = day(place, DAYS)
    generic = live(after)
    labels = live(replace(after, radios=labelled(days)))
    own = live(corrected(after, calibration))
    assert own.median <= 1.10 * labels.median, (generic, labels, own)
    assert own.median <= generic.median, (generic, own)


@pytest.mark.parametrize("seed", [31, 32])
def test_a_night_finds_out_two_swapped_receivers_and_a_dead_one(tmp_path: Path, seed: int) -> None:
    well, ill = (town(tmp_path, seed=seed, faults=faults) for faults in (WELL, SOME_FAULTS))
    calibration = learned(day(ill, 0))
    told = {verdict.receiver for verdict in calibration.verdicts}
    assert told == {"r3", "r5", "r6"}, calibration.verdicts
    healthy = live(day(well, 1))
    found = live(corrected(day(ill, 1), calibration))
    assert found.median <= 1.20 * healthy.median, (healthy, found)


def test_a_night_finds_out_a_moved_receiver_and_a_deaf_one(tmp_path: Path) -> None:
    ill = Faults(moved={2: (195.0, 10.0)}, deaf_db={6: 15.0})
    calibration = learned(day(town(tmp_path, seed=33, faults=ill), 0))
    told = {verdict.receiver for verdict in calibration.verdicts}
    assert told == {"r2", "r6"}, calibration.verdicts


@pytest.mark.parametrize("seed", [21, 31, 33])
def test_nobody_is_accused_where_all_is_well(tmp_path: Path, seed: int) -> None:
    assert learned(day(town(tmp_path, seed=seed), 0)).verdicts == ()
