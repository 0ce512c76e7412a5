import numpy as np
from firmware_sim.geometry import inside
from firmware_sim.walks import FASTEST_M_S, SLOWEST_M_S, Habits, time_the_way, wander

WAY = np.array([[float(x), 0.0] for x in range(0, 281, 14)])


BRISK = Habits(1.2, 0.0, (0.0, 0.0))


def walk(habits=BRISK, seed=1):
    rng = np.random.default_rng(seed)
    return time_the_way(WAY.copy(), person=3, goal="school", depart=1000.0, habits=habits, rng=rng)


def test_a_walk_begins_and_ends_where_the_way_does():
    done = walk()

    assert done.at(0.0)[:2] == (0.0, 0.0)
    assert done.at(1e9)[:2] == (280.0, 0.0)
    assert (done.person, done.goal, done.times[0]) == (3, "school", 1000.0)


def test_nobody_walks_slower_or_faster_than_people_do():
    for speed in (0.5, 1.2, 3.0):
        done = walk(Habits(speed, 0.0, (0.0, 0.0)))
        paces = np.hypot(*np.diff(done.points, axis=0).T) / np.diff(done.times)
        assert np.all((paces > SLOWEST_M_S - 1e-6) & (paces < FASTEST_M_S + 1e-6))


def test_one_who_stops_stays_and_faces_the_way_they_came():
    done = walk(Habits(1.2, 1.0, (10.0, 10.0)))

    begin, end = next(
        (t0, t1)
        for t0, t1, p0, p1 in zip(
            done.times, done.times[1:], done.points, done.points[1:], strict=False
        )
        if p0 == p1
    )
    assert np.isclose(end - begin, 10.0)
    x0, y0, east, north = done.at(begin + 1.0)
    assert (x0, y0) == done.at(end - 1.0)[:2]
    assert east > 0.9
    assert np.isclose(np.hypot(east, north), 1.0)


def test_the_same_seed_walks_the_same_way():
    assert walk(seed=4) == walk(seed=4)
    assert walk(seed=4) != walk(seed=5)


def test_wandering_stays_on_its_ground():
    ground = np.array([[0.0, 0.0], [60.0, 0.0], [60.0, 40.0], [0.0, 40.0], [0.0, 0.0]])

    way = wander(ground, seconds=600.0, rng=np.random.default_rng(2))

    assert inside(ground, way).all()
    assert np.hypot(*np.diff(way, axis=0).T).sum() > 350.0
