import numpy as np
import pytest

from gateway.tags.arriving import THRESHOLD_SPREAD_DB, detectable, detectable_slope


def test_half_of_the_packets_are_strong_enough_at_the_threshold() -> None:
    above_db = np.array([[-1e6, -THRESHOLD_SPREAD_DB, 0.0], [THRESHOLD_SPREAD_DB, 30.0, 1e6]])
    assert detectable(above_db) == pytest.approx(
        np.array([[0.0, 0.1587, 0.5], [0.8413, 1.0, 1.0]]), abs=1e-4
    )


def test_the_slope_is_what_a_decibel_more_brings() -> None:
    above_db = np.arange(-20.0, 20.0, 0.5)
    brings = detectable(above_db + 0.5) - detectable(above_db - 0.5)
    assert detectable_slope(above_db) == pytest.approx(brings, abs=1e-3)
    assert detectable_slope(np.array([-100.0, 100.0])) == pytest.approx([0.0, 0.0], abs=1e-6)
