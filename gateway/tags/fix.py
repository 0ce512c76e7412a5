"""A point, two circles, the zones and the pavement, from a belief over cells."""

from typing import NamedTuple

import numpy as np

from gateway.tags.compiled import compiled, inlined
from gateway.tags.motion import CELL_M, Counts, Singles
from gateway.tags.tile import Tile
from gateway.tags.weighing import LEAST_MASS

CELL_RADIUS_M = 0.6  # people do not walk on lines
# Shadows last: measured over simulated towns and a real office. They do not pass with the seconds
# that hindsight adds, and only a survey knows them.
LONGER_68, LONGER_95 = 1.03, 1.13
AFTERWARDS_68, AFTERWARDS_95 = 1.1, 1.03
NEAR_M = 2.5
ROUNDS, ANYWHERE_M = 2, 1e9  # after a first one in which all are near
HALVINGS = 8


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
    """The fix of what is believed afterwards: a point, and circles that hold it by 68 % and 95 %.

    `mass` (cells + 1,) is a belief over the tile's cells and, last, out of coverage.
    """
    east, north, radius68_m, radius95_m, path, share = summary(
        tile.listening.cells, tile.path, mass
    )
    if not tile.surveyed:
        radius68_m, radius95_m = radius68_m * AFTERWARDS_68, radius95_m * AFTERWARDS_95
    on_map = mass[:-1]
    zones = tile.zones @ on_map / on_map.sum()
    return Fix((east, north), radius68_m, radius95_m, zones, path, share)


@compiled
def summary(
    cells: Singles, path: Counts, mass: Singles
) -> tuple[float, float, float, float, int, float]:
    """East, north; radii of 68 % and 95 %; likeliest path, its share."""
    held, weight = holding(mass)
    corner_east, corner_north = cells[held[0], 0], cells[held[0], 1]
    from_corner = np.empty((2, len(held)), dtype=np.float32)  # short ways: singles will do
    for k in range(len(held)):
        from_corner[0, k] = cells[held[k], 0] - corner_east
        from_corner[1, k] = cells[held[k], 1] - corner_north
    east, north = best_point(from_corner, weight)
    distance = np.empty(len(held), dtype=np.float32)
    for k in range(len(held)):
        distance[k] = away_m(from_corner, k, east, north)
    radius68 = LONGER_68 * np.hypot(radius_of(0.68, distance, weight), CELL_RADIUS_M)
    radius95 = LONGER_95 * np.hypot(radius_of(0.95, distance, weight), CELL_RADIUS_M)
    likeliest, share = likeliest_path(path, held, weight)
    return corner_east + east, corner_north + north, radius68, radius95, likeliest, share


@compiled
def holding(mass: Singles) -> tuple[Counts, Singles]:
    """The cells that hold belief, and the part of it that each does."""
    cells, most = len(mass) - 1, np.float32(0.0)
    for cell in range(cells):
        most = max(most, mass[cell])
    least = min(np.float32(LEAST_MASS), most)
    held = np.empty(cells, dtype=np.int32)
    count, total = 0, np.float32(0.0)
    for cell in range(cells):
        held[count] = cell
        count += mass[cell] >= least
    weight = np.empty(count, dtype=np.float32)
    for k in range(count):
        weight[k] = mass[held[k]]
        total += weight[k]
    weight /= total
    return held[:count], weight


@compiled
def best_point(cells: Singles, weight: Singles) -> tuple[np.float32, np.float32]:
    """Where the error is least if errors count squared up to NEAR_M and plainly beyond (Huber).

    The mean of two pavements is the roadway; this stays with the likelier one. `cells` (2, k).
    """
    east, north = np.float32(0.0), np.float32(0.0)
    for rounds in range(ROUNDS + 1):
        near = np.float32(NEAR_M if rounds > 0 else ANYWHERE_M)
        total, next_east, next_north = np.float32(0.0), np.float32(0.0), np.float32(0.0)
        for k in range(len(weight)):
            counted = weight[k] * near / max(away_m(cells, k, east, north), near)
            total += counted
            next_east += counted * cells[0, k]
            next_north += counted * cells[1, k]
        east, north = next_east / total, next_north / total
    return east, north


@inlined
def away_m(cells: Singles, k: int, east: np.float32, north: np.float32) -> np.float32:
    """From a point to the middle of one of the `cells` (2, k)."""
    east, north = cells[0, k] - east, cells[1, k] - north
    return np.float32(np.sqrt(east * east + north * north))


@compiled
def radius_of(share: float, distance: Singles, weight: Singles) -> float:
    """How far one must go from the point to have met `share` of the belief.

    A cell is met evenly, from where the last one was met; but no cell is wider than CELL_M.
    """
    least, most = np.float32(-1.0), np.max(distance)
    for _ in range(HALVINGS):  # cheaper than to sort what is far from the answer
        middle = np.float32(0.5) * (least + most)
        if met_within(middle, distance, weight) < share:
            least = middle
        else:
            most = middle
    met, last = met_within(least, distance, weight), furthest_within(least, distance)
    while True:
        cell = next_after(last, distance)
        before_m = distance[last] if last >= 0 else np.float32(0.0)
        if cell < 0:
            return float(before_m)
        if met + weight[cell] >= share:
            beyond = (met + weight[cell] - share) / weight[cell] if last >= 0 else 0.0
            return float(distance[cell] - beyond * min(distance[cell] - before_m, CELL_M))
        met, last = met + weight[cell], cell


@inlined
def met_within(limit_m: np.float32, distance: Singles, weight: Singles) -> np.float32:
    """How much belief is no farther away than that."""
    met = np.float32(0.0)
    for k in range(len(distance)):
        met += weight[k] if distance[k] <= limit_m else np.float32(0.0)
    return met


@inlined
def furthest_within(limit_m: np.float32, distance: Singles) -> int:
    """The last of those no farther away than that, by distance; -1 for none."""
    last = -1
    for k in range(len(distance)):
        if distance[k] <= limit_m and (last < 0 or distance[k] >= distance[last]):
            last = k
    return last


@inlined
def next_after(last: int, distance: Singles) -> int:
    """The one after the `last`, by distance; -1 for none. -1 is before the first."""
    found = -1
    for k in range(len(distance)):
        beyond = last < 0 or distance[k] > distance[last]
        beyond = beyond or (distance[k] == distance[last] and k > last)
        if beyond and (found < 0 or distance[k] < distance[found]):
            found = k
    return found


@compiled
def likeliest_path(path: Counts, held: Counts, weight: Singles) -> tuple[int, float]:
    """Which path, -1 for none, most likely holds the tag; how likely that is."""
    shares = np.zeros(path[held].max() + 2)
    for k in range(len(held)):
        shares[path[held[k]] + 1] += weight[k]
    likeliest = int(np.argmax(shares))
    return likeliest - 1, shares[likeliest]
