import numpy as np
import pytest

from gateway.tags.field import Kernel, Spots, choose_kernel, left_out, log_evidence, predict

KERNEL = Kernel(length_m=5.0, place_sd_db=4.0, spot_sd_db=1.0, day_sd_db=2.0)


def spots(*, count: int = 60, seed: int = 0, kernel: Kernel = KERNEL, days: int = 3) -> Spots:
    """Drawn from the kernel itself, along a line of 80 m, each known to 0.5 dB."""
    random = np.random.default_rng(seed)
    xy = np.column_stack([np.sort(random.uniform(0, 80, count)), np.zeros(count)])
    day = random.integers(0, days, count)
    place = random.multivariate_normal(np.zeros(count), kernel.between(xy, xy))
    own = random.normal(0, np.hypot(kernel.spot_sd_db, 0.5), count)
    shift = random.normal(0, kernel.day_sd_db, days)
    return Spots(xy, day, place + own + shift[day], np.full(count, 0.25))


def without(known: Spots, gone: np.ndarray) -> Spots:
    kept = ~gone
    return Spots(known.xy[kept], known.day[kept], known.deviation[kept], known.variance[kept])


def test_near_a_spot_the_map_says_what_was_found_and_far_away_nothing() -> None:
    known = Spots(np.array([[10.0, 0.0]]), np.array([0]), np.array([6.0]), np.array([0.1]))
    mean, sd_db = predict(KERNEL, known, np.array([[10.0, 0.0], [500.0, 0.0]]))
    assert mean[0] == pytest.approx(6 * 16 / (16 + 1 + 4 + 0.1))
    assert mean[1] == pytest.approx(0.0, abs=1e-6)
    assert sd_db[0] < sd_db[1]
    assert sd_db[1] == pytest.approx(KERNEL.sd_db)


def test_a_map_of_no_spots_says_nothing() -> None:
    empty = Spots(np.zeros((0, 2)), np.zeros(0, np.intp), np.zeros(0), np.zeros(0))
    mean, sd_db = predict(KERNEL, empty, np.zeros((2, 2)))
    assert mean.tolist() == [0.0, 0.0]
    assert sd_db == pytest.approx([KERNEL.sd_db] * 2)


def test_a_shift_of_all_spots_of_one_day_is_the_day_s() -> None:
    plain = spots(kernel=Kernel(5.0, 4.0, 1.0, 0.0))
    shifted = plain.deviation + np.where(plain.day == 1, 8.0, 0.0)
    means = [
        predict(KERNEL, Spots(plain.xy, plain.day, one, plain.variance), plain.xy)[0]
        for one in (plain.deviation, shifted)
    ]
    assert np.abs(means[1] - means[0]).max() < 3.5


def test_the_standard_deviation_is_that_of_the_error() -> None:
    """Spots of their own show the map's error and half a decibel more."""
    plain = Kernel(5.0, 4.0, 1.0, 0.0)
    scaled = []
    for seed in range(8):
        known = spots(count=90, seed=seed, kernel=plain)
        away = np.arange(90) % 3 == 0
        mean, sd_db = predict(plain, without(known, away), known.xy[away])
        scaled.append((known.deviation[away] - mean) / np.hypot(sd_db, 0.5))
    assert 0.85 < np.concatenate(scaled).std() < 1.15


def test_leaving_out_in_one_go_is_leaving_out_one_group_after_the_other() -> None:
    known = spots(count=20)
    groups = np.arange(20) // 2
    errors = left_out(KERNEL, known, groups=groups)
    for group in (0, 5, 9):
        own = groups == group
        mean, _ = predict(KERNEL, without(known, own), known.xy[own])
        others = without(known, own)
        covariance = KERNEL.between(others.xy, others.xy) + np.diag(others.variance + 1.0)
        covariance += 4.0 * (others.day[:, None] == others.day)
        weights = np.linalg.solve(covariance, others.deviation)
        day = 4.0 * (known.day[own][:, None] == others.day) @ weights
        assert errors[own] == pytest.approx(known.deviation[own] - mean - day)


def test_the_evidence_is_the_normal_density_s() -> None:
    one = Spots(np.zeros((1, 2)), np.array([0]), np.array([3.0]), np.array([0.25]))
    variance = 16 + 1 + 4 + 0.25
    assert log_evidence(KERNEL, one) == pytest.approx(-0.5 * (9 / variance + np.log(variance)))


def test_the_kernel_that_drew_the_spots_is_found_again() -> None:
    found = choose_kernel([spots(count=120, seed=seed) for seed in range(10)])
    assert 3.0 < found.length_m < 8.0
    assert found.place_sd_db == pytest.approx(4.0, abs=1.1)
    assert found.spot_sd_db == pytest.approx(1.0, abs=0.6)
    assert found.day_sd_db == pytest.approx(2.0, abs=0.8)


def test_what_days_differ_by_is_not_concluded_from_one_day() -> None:
    found = choose_kernel([spots(seed=seed, days=1) for seed in range(4)])
    assert found.day_sd_db == Kernel().day_sd_db


def test_thinning_keeps_about_as_many_as_asked_for() -> None:
    assert 100 <= len(spots(count=450).thinned(150)) <= 150
    assert len(spots(count=60).thinned(150)) == 60
