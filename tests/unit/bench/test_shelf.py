"""Peers that are compared with the tracker are not to be hobbled: they find what they should."""

import numpy as np
import pytest

from tests.bench.shelf import Centroid, Filter, Floats, Heard, Kalman, Particles, Tuning, expected

POLES = np.array([[0.0, 3.0], [40.0, -3.0], [80.0, 3.0], [40.0, 60.0]])
PACE_M_S = 1.2
SECONDS = 60
EXACT = Tuning(noise_sd_db=3.0, acceleration_sd=0.2)
NOBODY = Heard(POLES[:0], np.empty(0))


def walk() -> Floats:
    """Where a tag is at the end of every second."""
    along = 5.0 + PACE_M_S * np.arange(1, SECONDS + 1)
    return np.column_stack([along, np.zeros(SECONDS)])


def heard_at(xy: Floats) -> Heard:
    """Levels just as the law has them, the strongest first."""
    dbm = expected(xy[None], POLES)[0]
    order = np.argsort(-dbm)
    return Heard(POLES[order], dbm[order])


@pytest.mark.parametrize("kind", [Kalman, Particles])
def test_a_filter_finds_a_tag_whose_levels_are_as_the_law_says(
    kind: type[Kalman | Particles],
) -> None:
    np.random.seed(1)
    filter_, away = kind(EXACT), []
    for end in walk():
        filter_.update(heard_at(end - [PACE_M_S / 2, 0.0]))
        away.append(np.linalg.norm(filter_.xy - end))
    assert np.median(away[20:]) < 3.0


@pytest.mark.parametrize("kind", [Kalman, Particles, Centroid])
def test_before_anybody_heard_the_tag_it_is_nowhere(kind: type[Filter]) -> None:
    filter_ = kind()
    filter_.update(NOBODY)
    assert np.isnan(filter_.xy).all()


@pytest.mark.parametrize("kind", [Kalman, Particles])
def test_an_unheard_tag_walks_on(kind: type[Filter]) -> None:
    np.random.seed(1)
    filter_ = kind()
    for end in walk()[:40]:
        filter_.update(heard_at(end))
    before = filter_.xy
    for _ in range(5):
        filter_.update(NOBODY)
    assert filter_.xy[0] > before[0] + 2 * PACE_M_S


def test_the_centroid_lies_near_the_pole_that_hears_best_and_stays_when_unheard() -> None:
    filter_ = Centroid()
    filter_.update(heard_at(np.array([1.0, 0.0])))
    there = filter_.xy
    assert np.linalg.norm(there - POLES[0]) < 5.0
    filter_.update(NOBODY)
    assert (filter_.xy == there).all()


def test_the_level_of_the_usual_law_falls_by_the_exponent_in_a_decade() -> None:
    levels = expected(np.array([[1e3, 0.0], [1e4, 0.0]]), np.zeros((1, 2)))[:, 0]
    assert levels[0] - levels[1] == pytest.approx(22.0, abs=0.01)
