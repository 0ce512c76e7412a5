"""A point, two circles and the zones, from a belief over cells."""

from dataclasses import dataclass

import numpy as np

from gateway.tags.propagation import Floats
from gateway.tags.tile import Tile

CELL_RADIUS_M = 0.7


@dataclass(frozen=True, slots=True)
class Fix:
    """Where a tag is on the map, if it is on it: `xy` metres, `zones` (z,) probabilities."""

    xy: Floats
    radius68_m: float
    radius95_m: float
    zones: Floats


def fix_of(tile: Tile, mass: Floats) -> Fix:
    """The mean over the map, whose error is least, and circles around it that hold 68 % and 95 %.

    `mass` (cells + 1,) is a belief over the tile's cells and, last, out of coverage.
    """
    on_map = mass[:-1] / mass[:-1].sum()
    middle = on_map @ tile.cells
    distance = np.hypot(tile.cells[:, 0] - middle[0], tile.cells[:, 1] - middle[1])
    order = np.argsort(distance)
    radius68, radius95 = np.interp([0.68, 0.95], np.cumsum(on_map[order]), distance[order])
    return Fix(
        xy=middle,
        radius68_m=float(np.hypot(radius68, CELL_RADIUS_M)),
        radius95_m=float(np.hypot(radius95, CELL_RADIUS_M)),
        zones=tile.zones @ on_map,
    )
