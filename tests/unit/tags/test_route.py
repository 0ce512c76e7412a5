import numpy as np
import pytest

from gateway.tags.looking_back import TEMPER, held_states
from gateway.tags.motion import Singles
from gateway.tags.route import CONFIRMED, Hindsight, Lag, smooth
from gateway.tags.tile import Ground
from gateway.tags.tracker import Crowd, Estimate, Track
from gateway.tags.weighing import RESCUED, STRIPES
from tests.unit.tags.places import alive_at, heard_at, levels_at, loop, matrix_of, places_of, site


def track(*, seconds: int, since: int = 0) -> list[Estimate]:
    place = loop(side_m=20.0)
    alive = alive_at(place)
    spots = [(float(min(second, 20)), 0.0) for second in range(seconds)]
    heard = [heard_at(place, levels_at(place, spot)) for spot in spots]
    filter_ = Track(Crowd(Ground(place)), second=since, heard=heard[0])
    told = [filter_.update(since + second, one, alive) for second, one in enumerate(heard)]
    return [one.estimate(0) for one in told]


def dense(estimate: Estimate) -> tuple[Singles, Singles]:
    """The belief over all states, and the likelihood of all places."""
    moves, held = estimate.tile.moves, estimate.held
    states = np.zeros(len(moves.stays), dtype=np.float32)
    states[held_states(moves, held.places)[0]] = held.states
    likelihood = np.zeros(len(moves.first), dtype=np.float32)
    likelihood[held.places] = held.likelihood
    return states, likelihood


def test_smoothing_is_forward_backward_with_the_whole_matrix() -> None:
    estimates = track(seconds=6)
    moves, cells = estimates[0].tile.moves, len(estimates[0].tile.cells)
    matrix, places = matrix_of(moves), places_of(moves)
    message = np.ones(len(places))
    for estimate, found in zip(estimates[::-1], smooth(estimates)[::-1], strict=True):
        states, likelihood = dense(estimate)
        wanted = states * message
        assert found.estimate is estimate
        assert found.mass == pytest.approx(
            np.bincount(places, weights=wanted / wanted.sum()), abs=1e-5
        )
        rescue = np.zeros(len(places))
        rescue[np.arange(estimate.second % STRIPES, cells, STRIPES)] = 1.0
        rescued = (1 - RESCUED) * np.eye(len(places)) + RESCUED * rescue / rescue.sum()
        message = matrix @ rescued @ (likelihood[places] ** TEMPER * (matrix @ message))
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
    hindsight = Hindsight(Lag(lag_s=100, block_s=20))
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
    alive = alive_at(place)
    xs = np.arange(500, 1_200, 1.3)
    heard = [heard_at(place, levels_at(place, (float(x), 0.0))) for x in xs]
    filter_ = Track(Crowd(Ground(place)), second=0, heard=heard[0])
    told = [filter_.update(second, one, alive) for second, one in enumerate(heard)]
    estimates = [one.estimate(0) for one in told]
    assert len({id(estimate.tile) for estimate in estimates}) > 1
    late = [one.mass[:-1] @ one.estimate.tile.cells[:, 0] for one in smooth(estimates)]
    assert np.abs(np.array(late) - xs)[5:].max() < 6.0
