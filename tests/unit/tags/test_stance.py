import numpy as np
import pytest

from gateway.tags.stance import stances

ANTENNAS = np.array([[0.0, 0.0, 1.0], [40.0, 0.0, 1.0], [20.0, 20.0, 1.0], [20.0, -20.0, 1.0]])
MIDDLE = np.array([[20.0, 0.0]])


def visits(lean_db: list[float], *, seed: int = 0) -> np.ndarray:
    """Errors (visits, 4) in the middle: of each visit the west is so much weaker than the east."""
    noise = np.random.default_rng(seed).normal(0, 0.5, (len(lean_db), 4))
    return noise + np.outer(lean_db, [-1.0, 1.0, 0.0, 0.0])


def found(errors: np.ndarray, *, sd_db: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    return stances(errors, np.full(errors.shape, sd_db**2), MIDDLE.repeat(len(errors), 0), ANTENNAS)


def test_receivers_behind_a_body_are_weak_together() -> None:
    lean_db = [6.0, -6.0, 5.0, -7.0, 6.0, -5.0]
    errors = visits(lean_db)
    stance, unsure = found(errors)
    assert np.abs(stance - np.outer(lean_db, [-1, 1, 0, 0])).mean() < 0.6
    assert 0 < unsure.max() < 1.5


def test_where_no_body_shows_a_single_visit_has_no_lean() -> None:
    """A tag on a stick: then the one odd visit is the place's."""
    stance, _ = found(visits([0.0] * 30 + [4.0]), sd_db=2.0)
    assert np.abs(stance[-1]).max() < 1.0


def test_a_hand_around_the_tag_is_an_offset() -> None:
    stance, _ = found(visits([0.0] * 10) - 3.0)
    assert stance == pytest.approx(np.full((10, 4), -3.0), abs=1.2)


def test_a_single_odd_receiver_is_the_place_s_and_hardly_the_stance_s() -> None:
    errors = visits([0.0] * 10)
    errors[0, 2] += 8.0
    stance, _ = found(errors, sd_db=2.0)
    assert stance[0, 2] < 4.0
    assert abs(stance[0, 0]) < 2.0


def test_a_visit_that_few_receivers_heard_has_no_stance() -> None:
    variances = np.ones((2, 4))
    variances[0, 3] = np.inf
    errors = np.full((2, 4), 5.0)
    stance, unsure = stances(errors, variances, MIDDLE.repeat(2, axis=0), ANTENNAS)
    assert stance[0].tolist() == [0.0] * 4
    assert unsure[0].tolist() == [0.0] * 4
    assert stance[1].min() > 2.5
    assert unsure[1].min() > 0.1
