import numpy as np
import pytest

from tests.accuracy.labelled import labelled
from tests.accuracy.radio import OUTDOORS, Air
from tests.accuracy.towns import Town
from tests.accuracy.worlds import long_street


def test_labels_find_what_is_hidden_although_weak_packets_are_missing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    scene = long_street()
    town = Town(tmp_path_factory.mktemp("town"), scene, OUTDOORS, seed=6)
    days = [
        town.day({"a": 0.0, "b": -6.0, "c": 4.0}, seconds=900, number=n, rate_hz=1.0)
        for n in range(3)
    ]
    found = labelled(days)
    assert found.keys() == {f"r{k}" for k in range(9)}
    hidden = Air(scene, OUTDOORS, 6)
    exponents = np.array([found[f"r{k}"].exponent for k in range(9)])
    assert np.abs(exponents - hidden.exponents).mean() < 0.2
    assert (exponents - hidden.exponents).mean() == pytest.approx(0, abs=0.12)
    powers = np.array([found[f"r{k}"].power_dbm for k in range(9)])
    assert np.corrcoef(powers, hidden.gains_db)[0, 1] > 0.5
    thresholds = [radio.threshold_dbm for radio in found.values()]
    assert np.mean(thresholds) == pytest.approx(OUTDOORS.sensitivity_dbm, abs=2)
    assert np.mean([r.detection for r in found.values()]) == pytest.approx(0.8, abs=0.05)
