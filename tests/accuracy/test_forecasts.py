import numpy as np
import pytest

from gateway.model import Position, Presence
from gateway.report.scoring import Truth
from tests.accuracy.forecasts import (
    Forecasts,
    path_forecasts,
    pooled_forecasts,
    zone_forecasts,
)
from tests.unit.tags.places import road

AT = np.arange(0.0, 120.0)
TRUTH = Truth(AT, np.column_stack([AT, np.zeros(len(AT))]))  # the zone begins at 80 m


def position(at: float, *, zone: float = 0.0, path: str = "", on_path: float = 0.0) -> Position:
    zones = (("end", zone),) if zone else ()
    return Position(
        at, "t", 0.0, 0.0, 1.0, 2.0, 3, Presence.TRACKED, zones, path=path, path_probability=on_path
    )


def test_zones_are_judged_in_every_position_that_has_a_truth() -> None:
    told = [position(50.0, zone=0.4), position(60.0), position(90.0, zone=0.9), position(500.0)]
    found = zone_forecasts(told, TRUTH, road())
    assert found.probability == pytest.approx([0.4, 0.0, 0.9])
    assert found.came_true.tolist() == [False, False, True]
    assert found.brier == pytest.approx((0.16 + 0.0 + 0.01) / 3)


def test_the_way_named_is_right_where_the_truth_is_on_it() -> None:
    beside = Truth(AT, TRUTH.xy + np.array([0.0, 9.0]))
    told = [position(50.0, path="p0", on_path=0.7), position(51.0)]
    assert path_forecasts(told, TRUTH, road()).came_true.tolist() == [True]
    wrong = path_forecasts(told, beside, road())
    assert wrong.came_true.tolist() == [False]
    assert wrong.probability.tolist() == [0.7]


def test_bins_tell_what_was_said_and_what_came_true() -> None:
    said = np.repeat([0.1, 0.9, 0.5], [200, 200, 10])
    true = np.concatenate([np.arange(200) < 20, np.arange(200) < 180, np.ones(10, dtype=bool)])
    found = pooled_forecasts([Forecasts(said[:250], true[:250]), Forecasts(said[250:], true[250:])])
    assert np.array(found.bins()) == pytest.approx(np.array([(0.1, 0.1, 200), (0.9, 0.9, 200)]))
