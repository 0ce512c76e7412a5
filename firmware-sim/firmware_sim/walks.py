"""A walk: a way with a time at every point. Once made, where somebody is follows from the time."""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from firmware_sim.geometry import Floats, inside

SLOWEST_M_S, FASTEST_M_S = 0.9, 1.6
SWERVE_M = 0.3  # nobody walks on the line


@dataclass(frozen=True, slots=True)
class Habits:
    """How somebody walks: usual speed, stops per vertex of the way and how long they last."""

    speed_m_s: float
    stop_chance: float
    stop_s: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Walk:
    """Outdoors from `times[0]` to `times[-1]`, then indoors at `goal` (a place's name)."""

    person: int
    goal: str
    times: tuple[float, ...]
    points: tuple[tuple[float, float], ...]

    def at(self, time: float) -> tuple[float, float, float, float]:
        """x, y and the unit vector of the heading at `time`, clamped to the walk."""
        k = min(max(bisect_right(self.times, time), 1), len(self.times) - 1)
        (x0, y0), (x1, y1) = self.points[k - 1], self.points[k]
        begin, end = self.times[k - 1], self.times[k]
        share = min(max((time - begin) / max(end - begin, 1e-9), 0.0), 1.0)
        east, north = self._heading(k)
        return x0 + share * (x1 - x0), y0 + share * (y1 - y0), east, north

    def _heading(self, k: int) -> tuple[float, float]:
        """Along the present stretch; one who stands faces the way that they came, or go."""
        for i in (*range(k, 0, -1), *range(k + 1, len(self.times))):
            (x0, y0), (x1, y1) = self.points[i - 1], self.points[i]
            length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
            if length > 1e-6:
                return (x1 - x0) / length, (y1 - y0) / length
        return 0.0, 1.0


def time_the_way(
    way: Floats, *, person: int, goal: str, depart: float, habits: Habits, rng: np.random.Generator
) -> Walk:
    """Walk `way` (n, 2) from `depart`: with a pace that varies, swerves and stops."""
    way = way[np.concatenate([[True], np.hypot(*np.diff(way, axis=0).T) > 1e-6])]
    if len(way) == 1:
        way = np.vstack([way, way + 0.01])
    way[1:-1] += np.clip(rng.normal(0.0, SWERVE_M, (len(way) - 2, 2)), -0.7, 0.7)
    lengths = np.hypot(*np.diff(way, axis=0).T)
    speeds = habits.speed_m_s * rng.normal(1.0, 0.06, len(lengths))
    seconds = lengths / np.clip(speeds, SLOWEST_M_S, FASTEST_M_S)
    stops = rng.uniform(*habits.stop_s, len(lengths)) * (
        rng.random(len(lengths)) < habits.stop_chance
    )
    arrivals = depart + np.cumsum(seconds + stops)
    times, points = [depart], [way[0]]
    for point, arrival, stop in zip(way[1:], arrivals, stops, strict=True):
        times.append(arrival - stop)
        points.append(point)
        if stop > 0.0:
            times.append(arrival)
            points.append(point)
    return Walk(
        person, goal, tuple(map(float, times)), tuple((float(x), float(y)) for x, y in points)
    )


def wander(ring: Floats, *, seconds: float, rng: np.random.Generator) -> Floats:
    """Points of an aimless way inside `ring`, long enough for about `seconds`, shape (n, 2)."""
    low, high = ring.min(axis=0), ring.max(axis=0)
    tries = rng.uniform(low, high, (400, 2))
    found = tries[inside(ring, tries)]
    steps = np.hypot(*np.diff(found, axis=0).T)
    enough = int(np.searchsorted(np.cumsum(steps), seconds * 0.6)) + 2
    return np.asarray(found[:enough])
