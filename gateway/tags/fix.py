"""A point, two circles, the zones and the pavement, from a belief over cells."""

from math import sqrt
from typing import NamedTuple

import numpy as np

from gateway.tags.compiled import compiled, inlined
from gateway.tags.graph import CELL_M
from gateway.tags.motion import Counts, Singles
from gateway.tags.tile import Tile
from gateway.tags.weighing import LEAST_MASS, Doubles

CELL_RADIUS_M = 0.6  # people do not walk on lines
LONGER_68, LONGER_95 = 1.03, 1.13  # shadows last: measured over simulated towns and a real office
NEAR_M = 2.5
ROUNDS = 2


class Fix(NamedTuple):
    """Where a tag is on the map, if it is on it: `xy` metres, `zones` (z,) probabilities.

    `path` is the index of the site's path that most likely holds the tag, with its probability;
    -1 where an open area does.
    """

    xy: tuple[float, float]
    radius68_m: float
    radius95_m: float
    zones: Singles
    path: int
    path_probability: float


def fix_of(tile: Tile, mass: Singles) -> Fix:
    """The fix of a belief: a point, and circles around it that hold 68 % and 95 % of the belief.

    `mass` (cells + 1,) is a belief over the tile's cells and, last, out of coverage.
    """
    east, north, radius68_m, radius95_m, path, share = summary(
        tile.listening.cells, tile.path, mass
    )
    on_map = mass[:-1]
    zones = tile.zones @ on_map / on_map.sum()
    return Fix((east, north), radius68_m, radius95_m, zones, path, share)


@compiled
def summary(
    cells: Singles, path: Counts, mass: Singles
) -> tuple[float, float, float, float, int, float]:
    """East, north; radii of 68 % and 95 %; likeliest path, its share."""
    on_map = mass[:-1]
    held = np.flatnonzero(on_map >= min(LEAST_MASS, on_map.max())).astype(np.int32)
    total = 0.0
    for cell in held:
        total += mass[cell]
    east, north = best_point(cells, held, mass)
    distance = np.empty(len(held))
    for k in range(len(held)):
        distance[k] = away_m(cells, held[k], east, north)
    order = np.argsort(distance).astype(np.int32)
    radius68 = radius_of(0.68, distance, order, held, mass, total)
    radius95 = radius_of(0.95, distance, order, held, mass, total)
    shares = np.zeros(path[held].max() + 2)
    for cell in held:
        shares[path[cell] + 1] += mass[cell] / total
    likeliest = int(np.argmax(shares))
    radius68 = LONGER_68 * np.hypot(radius68, CELL_RADIUS_M)
    radius95 = LONGER_95 * np.hypot(radius95, CELL_RADIUS_M)
    return east, north, radius68, radius95, likeliest - 1, shares[likeliest]


@compiled
def best_point(cells: Singles, held: Counts, mass: Singles) -> tuple[float, float]:
    """Where the error is least if errors count squared up to NEAR_M and plainly beyond (Huber).

    The mean of two pavements is the roadway; this stays with the likelier one.
    """
    east, north = 0.0, 0.0
    for rounds in range(ROUNDS + 1):
        weights, next_east, next_north = 0.0, 0.0, 0.0
        for cell in held:
            weight = float(mass[cell])
            if rounds > 0:
                weight /= max(away_m(cells, cell, east, north), NEAR_M)
            weights += weight
            next_east += weight * cells[cell, 0]
            next_north += weight * cells[cell, 1]
        east, north = next_east / weights, next_north / weights
    return east, north


@inlined
def away_m(cells: Singles, cell: int, east: float, north: float) -> float:
    """From a point to the middle of a cell."""
    return sqrt((cells[cell, 0] - east) ** 2 + (cells[cell, 1] - north) ** 2)


@compiled
def radius_of(
    share: float, distance: Doubles, order: Counts, held: Counts, mass: Singles, total: float
) -> float:
    """How far one must go from the point to have met `share` of the belief.

    A cell is met evenly, from where the last one was met; but no cell is wider than CELL_M.
    """
    met, before_m = 0.0, 0.0
    for k in order:
        added = mass[held[k]] / total
        if met + added >= share:
            beyond = (met + added - share) / added if met > 0 else 0.0
            return float(distance[k] - beyond * min(distance[k] - before_m, CELL_M))
        met, before_m = met + added, distance[k]
    return before_m
