"""Plane geometry on arrays, and the town's local plane: metres east and north of an origin."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Points are of shape (n, 2): x east and y north, in metres."""


def metres_per_degree(latitude: float) -> tuple[float, float]:
    """Metres in one degree of longitude and of latitude there (WGS84 series, good to 1e-5)."""
    phi = math.radians(latitude)
    east = 111_412.84 * math.cos(phi) - 93.5 * math.cos(3 * phi)
    north = 111_132.92 - 559.82 * math.cos(2 * phi) + 1.175 * math.cos(4 * phi)
    return east, north


def to_lonlat(points: Floats, origin: tuple[float, float]) -> Floats:
    """Metres (n, 2) east and north of `origin` (lon, lat) to degrees (n, 2), lon first."""
    return np.asarray(points) / metres_per_degree(origin[1]) + origin


def to_metres(lonlat: Floats, origin: tuple[float, float]) -> Floats:
    """Degrees (n, 2), lon first, to metres (n, 2) east and north of `origin` (lon, lat)."""
    return (np.asarray(lonlat) - origin) * metres_per_degree(origin[1])


def inside(ring: Floats, points: Floats) -> NDArray[np.bool_]:
    """Which of `points` (n, 2) lie in the closed `ring` (m, 2), even-odd rule; shape (n,)."""
    x, y = points[:, 0, None], points[:, 1, None]
    (x1, y1), (x2, y2) = ring[:-1].T, ring[1:].T
    spans = (y1 > y) != (y2 > y)
    rise = np.where(y2 == y1, 1.0, y2 - y1)
    left_of = x < (x2 - x1) * (y - y1) / rise + x1
    return np.asarray(np.sum(spans & left_of, axis=1) % 2 == 1)


def middle(ring: Floats) -> Floats:
    """The centre of area of a closed ring, shape (2,)."""
    (x1, y1), (x2, y2) = ring[:-1].T, ring[1:].T
    twice = x1 * y2 - x2 * y1
    weights = np.array([np.sum((x1 + x2) * twice), np.sum((y1 + y2) * twice)])
    return np.asarray(weights / (3.0 * np.sum(twice)))


def nearest_on_segments(point: Floats, starts: Floats, ends: Floats) -> tuple[int, Floats, float]:
    """The segment nearest to `point` (2,): index, nearest point on it, distance in m."""
    along = ends - starts
    length2 = np.maximum(np.sum(along**2, axis=1), 1e-12)
    share = np.clip(np.sum((point - starts) * along, axis=1) / length2, 0.0, 1.0)
    feet = starts + share[:, None] * along
    distances = np.hypot(*(feet - point).T)
    best = int(np.argmin(distances))
    return best, feet[best], float(distances[best])
