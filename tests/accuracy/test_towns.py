from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from gateway.report.scoring import SESSION_GAP_S
from tests.accuracy.radio import OUTDOORS
from tests.accuracy.towns import WELL, Faults, Town, Trial
from tests.accuracy.walks import DAY_S
from tests.accuracy.worlds import short_street


def town(folder: Path, faults: Faults = WELL) -> Town:
    return Town(folder, short_street(), OUTDOORS, seed=5, faults=faults)


def day(place: Town, number: int = 0) -> Trial:
    return place.day({"a": 0.0, "b": -6.0}, seconds=120, number=number, outings=2)


def counts(trial: Trial) -> Counter[str]:
    return Counter(row.receiver for row in trial.recording.rows)


def test_a_day_is_the_same_whenever_it_is_asked_for(tmp_path: Path) -> None:
    place = town(tmp_path)
    later = day(place, 3)
    assert day(place, 0).recording.rows != later.recording.rows
    assert day(town(tmp_path), 3).recording.rows == later.recording.rows
    assert later.recording.rows[0].at - day(place, 0).recording.rows[0].at == pytest.approx(
        3 * DAY_S, abs=120
    )


def test_every_tag_goes_out_as_often_as_asked_and_its_truth_has_holes(tmp_path: Path) -> None:
    found = day(town(tmp_path))
    assert found.recording.tags == ["a", "b"]
    for truth in found.truths.values():
        pauses = np.diff(truth.at)
        assert (pauses > SESSION_GAP_S).sum() == 1
        assert (pauses > 0).all()


def test_a_weaker_tag_is_heard_less(tmp_path: Path) -> None:
    place = town(tmp_path)
    usual, weak = (
        place.day({"a": offset_db}, seconds=120).recording.rows for offset_db in (0.0, -10.0)
    )
    assert len(weak) < len(usual)
    assert max(row.rssi_dbm for row in weak) == max(row.rssi_dbm for row in usual) - 10


def test_faults_are_what_they_are_called(tmp_path: Path) -> None:
    well = day(town(tmp_path))
    ill = Faults(dead=frozenset({0}), swapped=((2, 7),), moved={4: (99.0, 3.0)}, deaf_db={5: 20.0})
    found = day(town(tmp_path, ill))
    before, after = counts(well), counts(found)
    assert after["r0"] == 0
    assert (after["r2"], after["r7"]) == (before["r7"], before["r2"])
    assert after["r4"] == before["r4"]
    assert after["r5"] < before["r5"]
    apart = [
        np.hypot(*np.subtract(a.xy, b.xy))
        for a, b in zip(well.recording.site.receivers, found.recording.site.receivers, strict=True)
    ]
    assert [k for k, metres in enumerate(apart) if metres > 1] == [4]


def test_a_survey_hears_every_receiver_from_known_places(tmp_path: Path) -> None:
    place = town(tmp_path)
    rows = place.survey(stay_s=3.0) + place.survey(stay_s=3.0, number=1)
    assert {row.receiver for row in rows} == {f"r{k}" for k in range(10)}
    assert {row.day for row in rows} == {"day 0", "day 1"}
    assert len({row.xy for row in rows}) > 60
