import numpy as np
import pytest

from gateway.site import SiteError
from gateway.tags.graph import (
    HALF_STEP_S,
    Graph,
    Moves,
    build_graph,
    moves_within,
)
from gateway.tags.surroundings import STREET
from tests.unit.tags.places import site


def moves(graph: Graph, *, exits: bool = False) -> Moves:
    every = np.arange(len(graph.cells))
    doors = graph.ends if exits else np.zeros(len(every), dtype=bool)
    return moves_within(graph, every, exits=doors, surroundings=STREET)


def cell_at(graph: Graph, x: float, y: float) -> int:
    distance = np.hypot(graph.cells[:, 0] - x, graph.cells[:, 1] - y)
    assert distance.min() < 0.3
    return int(distance.argmin())


def reachable(graph: Graph, start: int) -> set[int]:
    found, todo = {start}, [start]
    while todo:
        here = todo.pop()
        for beside in graph.heads[graph.tails == here].tolist():
            if beside not in found:
                found.add(beside)
                todo.append(beside)
    return found


def test_cells_lie_on_the_path_at_most_two_and_a_half_metres_apart() -> None:
    graph = build_graph(site(paths=[[(0, 0), (10, 0), (10, 6)]]))
    assert set(map(tuple, graph.cells.tolist())) >= {(0, 0), (10, 0), (10, 6)}
    spans = graph.cells[graph.heads] - graph.cells[graph.tails]
    assert np.hypot(*spans.T).max() <= 2.5
    assert len(graph.cells) == 1 + 4 + 3


def test_paths_whose_vertices_nearly_meet_are_joined() -> None:
    graph = build_graph(site(paths=[[(0, 0), (10, 0)], [(10.3, 0.2), (10, 10)]]))
    assert len(reachable(graph, 0)) == len(graph.cells)


def test_paths_that_end_further_apart_are_not_joined() -> None:
    graph = build_graph(site(paths=[[(0, 0), (10, 0)], [(10.8, 0), (20, 0)]]))
    assert len(reachable(graph, 0)) < len(graph.cells)


def test_a_path_that_ends_on_the_middle_of_another_is_joined_to_it() -> None:
    graph = build_graph(site(paths=[[(0, 0), (10, 0)], [(3.1, 0.2), (3.1, 8)]]))
    assert len(reachable(graph, 0)) == len(graph.cells)
    assert graph.ends.sum() == 3


def test_paths_that_share_a_vertex_cross_there() -> None:
    graph = build_graph(site(paths=[[(-5, 0), (0, 0), (5, 0)], [(0, -5), (0, 0), (0, 5)]]))
    assert (graph.tails == cell_at(graph, 0, 0)).sum() == 4


def test_an_area_beside_a_path_has_coarse_cells_joined_to_it() -> None:
    graph = build_graph(site(paths=[[(0, 0), (20, 0)]], areas=[(0, 0, 20, 20)]))
    assert graph.off_path.any()
    assert graph.cells[graph.off_path][:, 1].min() > 2.5
    assert len(reachable(graph, 0)) == len(graph.cells)


def test_an_area_that_a_lattice_of_paths_covers_gets_no_cells_of_its_own() -> None:
    rows = [[(x, y) for x in range(11)] for y in range(11)]
    columns = [[(x, y) for y in range(11)] for x in range(11)]
    graph = build_graph(site(paths=rows + columns, areas=[(0, 0, 10, 10)]))
    assert not graph.off_path.any()
    assert len(graph.cells) == 121


def test_an_area_alone_is_enough() -> None:
    graph = build_graph(site(areas=[(0, 0, 12, 12)]))
    assert len(reachable(graph, 0)) == len(graph.cells) == 9


def test_a_site_with_nowhere_to_walk_is_refused_with_what_to_do() -> None:
    with pytest.raises(SiteError, match="Draw the ways"):
        build_graph(site(receivers={"r": (0, 0)}))


def test_nothing_of_the_belief_is_lost_or_made() -> None:
    graph = build_graph(
        site(paths=[[(-9, 0), (0, 0), (9, 0)], [(0, 0), (0, 9)]], areas=[(-9, -12, 9, -1)])
    )
    for exits in (False, True):
        moved = moves(graph, exits=exits)
        leaving = np.bincount(moved.sources, moved.weights, len(moved.places))
        assert leaving == pytest.approx(np.ones(len(moved.places)))
        assert moved.weights.min() > 0


def test_whoever_walks_goes_on_and_seldom_turns() -> None:
    graph = build_graph(site(paths=[[(0, 0), (50, 0)]]))
    moved = moves(graph)
    states = np.zeros(len(moved.places))
    eastward = np.flatnonzero(
        (graph.tails == cell_at(graph, 20, 0)) & (graph.heads == cell_at(graph, 22.5, 0))
    )
    states[len(graph.cells) + eastward] = 1.0
    for _ in range(20):
        states, _ = moved.forward(states)
    mass = moved.mass(states)[:-1]
    assert mass[graph.cells[:, 0] > 22.5].sum() > 0.85
    assert 22.5 + 7 < mass @ graph.cells[:, 0] < 22.5 + 13.5


def test_a_junction_splits_the_walkers() -> None:
    graph = build_graph(site(paths=[[(-20, 0), (0, 0)], [(0, -20), (0, 0), (0, 20)]]))
    moved = moves(graph)
    states = np.zeros(len(moved.places))
    into = np.flatnonzero(graph.heads == cell_at(graph, 0, 0))
    coming = into[graph.cells[graph.tails[into], 0] < -1]
    states[len(graph.cells) + coming] = 1.0
    for _ in range(12):
        states, _ = moved.forward(states)
    mass = moved.mass(states)[:-1]
    north = mass[graph.cells[:, 1] > 1].sum()
    assert north == pytest.approx(mass[graph.cells[:, 1] < -1].sum())
    assert north > 0.35


def test_backward_is_the_transpose_of_forward() -> None:
    graph = build_graph(site(paths=[[(0, 0), (9, 0), (9, 9)], [(9, 0), (18, 0)]]))
    moved = moves(graph, exits=True)
    random = np.random.default_rng(1)
    belief, message = random.random((2, len(moved.places)))
    later, _ = moved.forward(belief)
    assert later @ message == pytest.approx(belief @ moved.backward(message))


def test_what_cells_carry_arrives_as_the_mean_of_where_it_came_from() -> None:
    graph = build_graph(site(paths=[[(0, 0), (12, 0)], [(5, -5), (5, 0), (5, 5)]]))
    moved = moves(graph, exits=True)
    random = np.random.default_rng(2)
    belief = random.random(len(moved.places))
    carried = random.random((len(graph.cells) + 1, 2))
    _, flow = moved.forward(belief)
    rows = moved.flows.carry(carried, flow)
    assert rows[-1] == pytest.approx(carried[-1])
    for place in range(len(graph.cells)):
        into = moved.places[moved.targets] == place
        came_with = carried[moved.places[moved.sources[into]]]
        assert rows[place] == pytest.approx(flow[into] @ came_with / flow[into].sum())


def test_whoever_goes_and_comes_back_does_it_at_the_exits() -> None:
    graph = build_graph(site(paths=[[(0, 0), (10, 0)]]))
    moved = moves(graph, exits=True)
    states = np.zeros(len(moved.places))
    at_end = np.flatnonzero(graph.heads == cell_at(graph, 10, 0))
    states[len(graph.cells) + at_end] = 1.0
    later, _ = moved.forward(states)
    assert later[-1] == pytest.approx(STREET.exit_per_s * HALF_STEP_S)
    back, _ = moved.forward(np.eye(len(later))[-1])
    assert set(moved.places[np.flatnonzero(back)].tolist()) == {
        cell_at(graph, 2.5, 0),
        cell_at(graph, 7.5, 0),
        len(graph.cells),
    }
