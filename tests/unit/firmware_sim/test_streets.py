import numpy as np
import pytest
from firmware_sim.site import Way
from firmware_sim.streets import Streets


def way(name, *points, use="pavement"):
    return Way(name, use, False, np.array(points, dtype=float))


SQUARE = (
    way("south", (0, 0), (100, 0)),
    way("east", (100, 0), (100, 60)),
    way("west", (0, 0), (0, 60)),
    way("north", (0, 60), (100, 60)),
)


def alike(_way):
    return 1.0


def length(route):
    return float(np.hypot(*np.diff(route, axis=0).T).sum())


def test_the_shortest_way_round_is_taken():
    route = Streets(SQUARE).route(np.array([20.0, -5.0]), np.array([0.0, 50.0]), alike)

    assert route.tolist() == [[20, -5], [20, 0], [0, 0], [0, 50], [0, 50]]


def test_a_way_that_is_liked_is_worth_a_detour():
    start, goal = np.array([60.0, 0.0]), np.array([60.0, 60.0])
    streets = Streets(SQUARE)

    usual = streets.route(start, goal, alike)
    liked = streets.route(start, goal, lambda path: 0.1 if path.id == "west" else 1.0)

    assert [100.0, 0.0] in usual.tolist()
    assert [0.0, 0.0] in liked.tolist()
    assert length(liked) > length(usual)


def test_a_crossing_costs_more_than_its_length():
    ring = (*SQUARE[1:], way("south", (0, 0), (100, 0), use="crossing"))
    route = Streets(ring).route(np.array([0.0, 30.5]), np.array([100.0, 30.0]), alike)

    assert [0.0, 60.0] in route.tolist()


def test_both_ends_on_one_stretch_need_no_corner():
    route = Streets(SQUARE).route(np.array([20.0, 3.0]), np.array([40.0, -3.0]), alike)

    assert route.tolist() == [[20, 3], [20, 0], [40, 0], [40, -3]]


def test_ways_that_do_not_meet_are_told():
    island = (*SQUARE, way("island", (500, 0), (600, 0)))

    with pytest.raises(ValueError, match="not connected"):
        Streets(island).route(np.array([0.0, 0.0]), np.array([550.0, 0.0]), alike)
