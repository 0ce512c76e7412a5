import numpy as np
import pytest

from gateway.tags.graph import build_graph, moves_within
from gateway.tags.motion import (
    WIDTH,
    Belief,
    Moves,
    Singles,
    advance,
    mass_of,
)
from gateway.tags.surroundings import STREET
from tests.unit.tags.places import matrix_of, places_of, site

SEEDS = range(5)


def moves(*, exits: bool = True) -> Moves:
    """Of a crossing with a dead end on each side and a lawn."""
    lines = [[(0, 0), (12, 0)], [(5, -5), (5, 0), (5, 5)]]
    graph = build_graph(site(paths=lines, areas=[(6, 2, 15, 9)]))
    doors = graph.ends if exits else np.zeros(len(graph.cells), dtype=bool)
    every = np.arange(len(graph.cells))
    return moves_within(graph, every, exits=doors, surroundings=STREET)[0]


def belief(moved: Moves, seed: int) -> Singles:
    states = np.random.default_rng(seed).random(len(moved.stays)).astype(np.float32) ** 3
    return np.asarray(states / states.sum())


def rows(moved: Moves, seed: int) -> Singles:
    places = len(moved.first)
    return np.random.default_rng(seed).normal(size=(places, WIDTH)).astype(np.float32)


def advanced(moved: Moves, states: Singles, carried: Singles) -> Belief:
    """Half a second later, written over what was there before."""
    now = Belief(states, mass_of(moved, states), carried)
    later = Belief(*(np.full_like(part, np.nan) for part in now))
    advance(moved, now, later)
    return later


@pytest.mark.parametrize("seed", SEEDS)
def test_belief_advances_by_the_transition_matrix(seed: int) -> None:
    moved = moves()
    states = belief(moved, seed)
    later = advanced(moved, states, rows(moved, seed))
    assert later.states == pytest.approx(states @ matrix_of(moved), rel=1e-4)
    assert later.mass == pytest.approx(mass_of(moved, later.states), rel=1e-5)
    assert later.mass.sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_cells_carry_arrives_as_the_mean_of_where_it_came_from(seed: int) -> None:
    moved = moves()
    states, carried = belief(moved, seed), rows(moved, seed)
    later = advanced(moved, states, carried).rows
    flows, places = states[:, None] * matrix_of(moved), places_of(moved)
    for place in range(len(moved.first) - 1):
        into = flows[:, places == place].sum(axis=1)
        assert later[place] == pytest.approx(into @ carried[places] / into.sum(), abs=1e-4)
    assert later[-1].tolist() == carried[-1].tolist()


def test_a_cell_that_nothing_comes_to_is_left_alone() -> None:
    moved = moves(exits=False)
    states = np.zeros_like(moved.stays)
    states[0] = 1.0
    later = advanced(moved, states, rows(moved, 1))
    believed = later.mass > 0
    assert 1 < believed.sum() < 5
    assert np.isfinite(later.rows[believed]).all()
    assert np.isnan(later.rows[:-1][~believed[:-1]]).all()
    assert later.states == pytest.approx(states @ matrix_of(moved))


def test_the_mass_of_a_place_is_that_of_all_its_states() -> None:
    moved = moves()
    states = belief(moved, 3)
    wanted = np.bincount(places_of(moved), weights=states)
    assert mass_of(moved, states) == pytest.approx(wanted, rel=1e-5)
