import math

import numpy as np
from firmware_sim.geometry import inside, middle, nearest_on_segments, to_lonlat, to_metres

ORIGIN = (140.93, 36.99)
SQUARE = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]])


def test_metres_and_degrees_lead_back_to_each_other():
    points = np.array([[0.0, 0.0], [512.5, -83.25]])

    there = to_lonlat(points, ORIGIN)

    assert np.allclose(to_metres(there, ORIGIN), points, atol=1e-9)


def test_a_minute_of_latitude_is_a_nautical_mile_to_a_few_metres():
    north = to_metres(np.array([[140.93, 36.99 + 1 / 60]]), ORIGIN)[0]

    assert math.isclose(north[1], 1852.0, abs_tol=5.0)


def test_inside_tells_the_hole_of_a_hook_from_its_arms():
    hook = np.array([[0, 0], [6, 0], [6, 6], [4, 6], [4, 2], [2, 2], [2, 6], [0, 6], [0, 0]], float)

    found = inside(hook, np.array([[1.0, 5.0], [3.0, 5.0], [5.0, 5.0], [3.0, 1.0], [7.0, 1.0]]))

    assert found.tolist() == [True, False, True, True, False]


def test_the_middle_of_a_square_is_its_middle():
    assert np.allclose(middle(SQUARE), [2.0, 2.0])


def test_the_nearest_point_lies_on_the_nearest_segment():
    starts, ends = np.array([[0.0, 0.0], [0.0, 10.0]]), np.array([[10.0, 0.0], [10.0, 10.0]])

    index, foot, distance = nearest_on_segments(np.array([3.0, 7.0]), starts, ends)

    assert (index, foot.tolist(), distance) == (1, [3.0, 10.0], 3.0)
