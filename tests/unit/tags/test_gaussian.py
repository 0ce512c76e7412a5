import numpy as np
import pytest

from gateway.tags.gaussian import crossed, learn, spread_of, whitened
from gateway.tags.motion import WIDTH

SIZES = (1, 2, 7, 12)


def covariance(seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    roots = np.random.default_rng(seed).normal(size=(WIDTH, WIDTH))
    return np.asarray(roots @ roots.T + np.eye(WIDTH))


@pytest.mark.parametrize("size", SIZES)
def test_readings_are_whitened_and_their_determinant_told(size: int) -> None:
    random = np.random.default_rng(size)
    spread = np.zeros((size, WIDTH))
    spread[:, :size] = covariance(size)[:size, :size]
    cross = random.normal(size=(size, WIDTH))
    white = cross.copy()
    whitener, log_determinant = whitened(np.tril(spread), white)
    square = whitener[:, :size]
    assert square @ spread[:, :size] @ square.T == pytest.approx(np.eye(size), abs=1e-9)
    assert not whitener[:, size:].any()
    assert log_determinant == pytest.approx(np.linalg.slogdet(spread[:, :size])[1])
    assert white == pytest.approx(square @ cross)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_heard_goes_with_the_deviations_that_it_is_made_of(size: int) -> None:
    random, prior = np.random.default_rng(size), covariance(size)
    leans = random.normal(size=(size, 2)).astype(np.float32)
    slots = (3 + random.permutation(WIDTH - 3)[:size]).astype(np.int32)
    terms = np.zeros((size, WIDTH))
    terms[:, 0], terms[:, 1:3] = 1.0, leans
    terms[np.arange(size), slots] = 1.0
    cross = crossed(prior, leans, slots)
    assert cross == pytest.approx(terms @ prior)
    spread = spread_of(cross, leans, slots)[:, :size]
    assert spread == pytest.approx(np.tril(terms @ prior @ terms.T))


def test_what_was_learned_makes_the_covariance_smaller() -> None:
    prior = covariance(3)
    white = np.random.default_rng(3).normal(size=(4, WIDTH))
    later = prior.copy()
    learn(later, white)
    assert later == pytest.approx(prior - white.T @ white)
