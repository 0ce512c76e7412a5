import numpy as np
import pytest

from gateway.site import SiteError
from gateway.tags.graph import HALF_STEP_S, Graph, build_graph, moves_within
from gateway.tags.motion import Counts, Moves, Singles
from gateway.tags.surroundings import STREET
from tests.unit.tags.places import matrix_of, places_of, site


def moves(graph: Graph, *, exits: bool = False) -> tuple[Moves, Counts]:
    every = np.arange(len(graph.cells))
    doors = graph.ends if exits else np.zeros(len(every), dtype=bool)
    return moves_within(graph, every, exits=doors, surroundings=STREET)


def walking(graph: Graph, keys: Counts, tail: int, head: int) -> Singles:
    """The belief that a tag has come from cell `tail` into cell `head`."""
    edge = np.flatnonzero((graph.tails == tail) & (graph.heads == head))
    states: Singles = (keys == len(graph.cells) + edge).astype(np.float32)
    assert states.sum() == 1
    return states


def after(moved: Moves, states: Singles, *, steps: int) -> np.ndarray:
    """The belief (places,) some steps later."""
    later = states @ np.linalg.matrix_power(matrix_of(moved), steps)
    return np.bincount(places_of(moved), weights=later)


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


def test_a_cell_knows_its_path_and_an_open_area_is_on_none() -> None:
    graph = build_graph(
        site(paths=[[(0, 0), (20, 0)], [(20.2, 0.2), (20, 20)]], areas=[(0, 3, 16, 20)])
    )
    assert graph.path[graph.off_path].tolist() == [-1] * graph.off_path.sum()
    on_path = ~graph.off_path
    second = graph.cells[on_path, 1] > 1
    assert graph.path[on_path][second].tolist() == [1] * second.sum()
    assert graph.path[on_path][~second].tolist() == [0] * (~second).sum()


def test_nothing_of_the_belief_is_lost_or_made() -> None:
    graph = build_graph(
        site(paths=[[(-9, 0), (0, 0), (9, 0)], [(0, 0), (0, 9)]], areas=[(-9, -12, 9, -1)])
    )
    for exits in (False, True):
        moved, _ = moves(graph, exits=exits)
        matrix = matrix_of(moved)
        assert matrix.sum(axis=1) == pytest.approx(np.ones(len(matrix)), abs=1e-6)
        assert matrix.min() >= 0
        assert bool(moved.doors.any()) == bool(moved.leaves.any()) == exits


def test_states_are_those_who_stand_then_those_who_walk_in_then_out_of_coverage() -> None:
    graph = build_graph(site(paths=[[(0, 0), (10, 0)], [(5, 0), (5, 5)]]))
    moved, keys = moves(graph)
    total = len(graph.cells)
    assert len(keys) == len(moved.stays) == total + len(graph.tails) + 1
    assert len(set(keys.tolist())) == len(keys)
    heads = places_of(moved)[total:-1]
    named = keys[total:-1] - total
    assert graph.tails[named].tolist() == moved.tails.tolist()
    assert graph.heads[named].tolist() == heads.tolist()
    edges = set(zip(graph.tails.tolist(), graph.heads.tolist(), strict=True))
    assert set(zip(moved.tails.tolist(), heads.tolist(), strict=True)) == edges


def test_one_comes_onto_an_edge_from_where_it_begins() -> None:
    graph = build_graph(site(paths=[[(0, 0), (10, 0)], [(5, 0), (5, 5)]], areas=[(0, 6, 9, 9)]))
    moved, _ = moves(graph)
    places = places_of(moved)
    for edge, tail in enumerate(moved.tails.tolist()):
        sources = moved.sources[moved.onto[edge] : moved.onto[edge + 1]]
        assert set(places[sources].tolist()) == {tail}
        assert len(sources) == 1 + (places[:-1] == tail).sum() - 1  # who stands, and who came in


def test_whoever_walks_goes_on_and_seldom_turns() -> None:
    graph = build_graph(site(paths=[[(0, 0), (50, 0)]]))
    moved, keys = moves(graph)
    states = walking(graph, keys, cell_at(graph, 20, 0), cell_at(graph, 22.5, 0))
    mass = after(moved, states, steps=20)[:-1]
    assert mass[graph.cells[:, 0] > 22.5].sum() > 0.85
    assert 22.5 + 7 < mass @ graph.cells[:, 0] < 22.5 + 13.5


def test_a_junction_splits_the_walkers() -> None:
    graph = build_graph(site(paths=[[(-20, 0), (0, 0)], [(0, -20), (0, 0), (0, 20)]]))
    moved, keys = moves(graph)
    states = walking(graph, keys, cell_at(graph, -2.5, 0), cell_at(graph, 0, 0))
    mass = after(moved, states, steps=12)[:-1]
    north = mass[graph.cells[:, 1] > 1].sum()
    assert north == pytest.approx(mass[graph.cells[:, 1] < -1].sum())
    assert north > 0.35


def test_whoever_goes_and_comes_back_does_it_at_the_exits() -> None:
    graph = build_graph(site(paths=[[(0, 0), (10, 0)]]))
    moved, keys = moves(graph, exits=True)
    states = walking(graph, keys, cell_at(graph, 7.5, 0), cell_at(graph, 10, 0))
    assert after(moved, states, steps=1)[-1] == pytest.approx(STREET.exit_per_s * HALF_STEP_S)
    outside = np.zeros(len(keys), dtype=np.float32)
    outside[-1] = 1.0
    back = after(moved, outside, steps=1)
    assert set(np.flatnonzero(back).tolist()) == {
        cell_at(graph, 2.5, 0),
        cell_at(graph, 7.5, 0),
        len(graph.cells),
    }
