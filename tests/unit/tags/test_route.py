import numpy as np
import pytest

from gateway.tags.route import CONFIRMED, Hindsight, Lag, smooth
from gateway.tags.tile import Ground
from gateway.tags.tracker import Estimate, Track
from tests.unit.tags.places import levels_at, loop, site


def track(*, seconds: int, since: int = 0) -> list[Estimate]:
    place = loop(side_m=20.0)
    alive = frozenset(receiver.id for receiver in place.receivers)
    spots = [(float(min(second, 20)), 0.0) for second in range(seconds)]
    filter_ = Track(Ground(place), second=since, heard=levels_at(place, spots[0]))
    return [
        filter_.update(since + second, levels_at(place, spot), alive)
        for second, spot in enumerate(spots)
    ]


def test_smoothing_is_forward_backward_with_the_whole_matrix() -> None:
    estimates = track(seconds=6)
    moves = estimates[0].tile.moves
    matrix = np.zeros((len(moves.places), len(moves.places)))
    np.add.at(matrix, (moves.sources, moves.targets), moves.weights)
    message = np.ones(len(moves.places))
    for estimate, found in zip(estimates[::-1], smooth(estimates)[::-1], strict=True):
        wanted = estimate.states * message
        assert found.estimate is estimate
        assert found.mass == pytest.approx(moves.mass(wanted / wanted.sum()))
        weighed = estimate.likelihood[moves.places] * (matrix @ message)
        message = matrix @ weighed
        message /= message.max()


def test_the_last_second_has_no_hindsight() -> None:
    estimates = track(seconds=4)
    assert smooth(estimates)[-1].mass == pytest.approx(estimates[-1].mass)
    assert smooth([]) == []


def test_hindsight_makes_a_walk_surer() -> None:
    estimates = track(seconds=30)
    late = smooth(estimates)[10].mass[:-1]
    live = estimates[10].mass[:-1]
    cells = estimates[10].tile.cells

    def spread(mass: np.ndarray) -> float:
        mass = mass / mass.sum()
        return float(mass @ ((cells - mass @ cells) ** 2).sum(axis=1))

    assert spread(late) < 0.7 * spread(live)


def test_confirmed_positions_come_eight_seconds_late_and_know_them() -> None:
    estimates = track(seconds=20)
    hindsight = Hindsight(CONFIRMED)
    for number, estimate in enumerate(estimates):
        due = hindsight.update(estimate)
        if number < 8:
            assert not due
            continue
        (one,) = due
        assert one.estimate is estimates[number - 8]
        assert one.mass == pytest.approx(smooth(estimates[: number + 1])[number - 8].mass)
    assert [one.estimate for one in hindsight.end()] == estimates[-8:]
    assert hindsight.end() == []


def test_a_hole_is_not_smoothed_over() -> None:
    before, after = track(seconds=3), track(seconds=3, since=50)
    hindsight = Hindsight(Lag(lag_s=10, block_s=5))
    due = [one for estimate in (*before, *after) for one in hindsight.update(estimate)]
    assert [one.estimate for one in due] == before
    assert due[-1].mass == pytest.approx(before[-1].mass)
    assert [one.estimate for one in hindsight.end()] == after


def test_a_long_outing_is_smoothed_in_blocks_as_if_it_were_whole() -> None:
    estimates = track(seconds=150)
    hindsight = Hindsight(Lag(lag_s=60, block_s=20))
    found = [one for estimate in estimates for one in hindsight.update(estimate)]
    found += hindsight.end()
    assert [one.estimate for one in found] == estimates
    for one, whole in zip(found, smooth(estimates), strict=True):
        assert one.mass == pytest.approx(whole.mass, abs=0.05)


def test_a_route_goes_on_from_tile_to_tile() -> None:
    place = site(
        paths=[[(0, 0), (1_600, 0)]],
        receivers={f"r{x}": (float(x), 3.0) for x in range(0, 1_600, 30)},
    )
    alive = frozenset(receiver.id for receiver in place.receivers)
    xs = np.arange(500, 1_200, 1.3)
    filter_ = Track(Ground(place), second=0, heard=levels_at(place, (500.0, 0.0)))
    estimates = [
        filter_.update(second, levels_at(place, (float(x), 0.0)), alive)
        for second, x in enumerate(xs)
    ]
    assert len({id(estimate.tile) for estimate in estimates}) > 1
    late = [one.mass[:-1] @ one.estimate.tile.cells[:, 0] for one in smooth(estimates)]
    assert np.abs(np.array(late) - xs)[5:].max() < 6.0
