"""A point, two circles and the zones, from a belief over cells."""

from dataclasses import dataclass

import numpy as np

from gateway.site import Points
from gateway.tags.propagation import Floats
from gateway.tags.tile import Tile

CELL_RADIUS_M = 0.8  # people do not walk on lines
NEAR_M = 2.5
ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Fix:
    """Where a tag is on the map, if it is on it: `xy` metres, `zones` (z,) probabilities."""

    xy: Floats
    radius68_m: float
    radius95_m: float
    zones: Floats


def fix_of(tile: Tile, mass: Floats) -> Fix:
    """The fix of a belief: a point, and circles around it that hold 68 % and 95 % of the belief.

    `mass` (cells + 1,) is a belief over the tile's cells and, last, out of coverage.
    """
    on_map = mass[:-1] / mass[:-1].sum()
    point = _best_point(tile.cells, on_map)
    distance = np.hypot(tile.cells[:, 0] - point[0], tile.cells[:, 1] - point[1])
    order = np.argsort(distance)
    radius68, radius95 = np.interp([0.68, 0.95], np.cumsum(on_map[order]), distance[order])
    return Fix(
        xy=point,
        radius68_m=float(np.hypot(radius68, CELL_RADIUS_M)),
        radius95_m=float(np.hypot(radius95, CELL_RADIUS_M)),
        zones=tile.zones @ on_map,
    )


def _best_point(cells: Points, mass: Floats) -> Floats:
    """Where the error is least if errors count squared up to NEAR_M and plainly beyond (Huber).

    The mean of two pavements is the roadway; this stays with the likelier one.
    """
    point = mass @ cells
    for _ in range(ROUNDS):
        distance = np.hypot(cells[:, 0] - point[0], cells[:, 1] - point[1])
        weight = mass / np.maximum(distance, NEAR_M)
        point = weight @ cells / weight.sum()
    return np.asarray(point)
