import numpy as np
import pytest

from gateway.tags.fix import CELL_RADIUS_M, fix_of
from gateway.tags.tile import Ground, Tile
from tests.unit.tags.places import site


def two_pavements() -> Tile:
    lines = [[(0, 0), (60, 0)], [(0, 9), (60, 9)], [(0, 0), (0, 9)]]
    zones = {"south": (-1, -1, 61, 4), "east": (29, -1, 61, 10)}
    return Ground(site(paths=lines, receivers={"r": (0, 0)}, zones=zones)).tile_by("r")


def belief(tile: Tile, shares: dict[tuple[float, float], float], *, out: float = 0.0) -> np.ndarray:
    mass = np.zeros(len(tile.cells) + 1)
    for xy, share in shares.items():
        mass[np.hypot(*(tile.cells - xy).T).argmin()] += share
    mass[-1] = out
    return mass


def test_a_certain_belief_is_a_point_with_the_radius_of_a_cell() -> None:
    tile = two_pavements()
    fix = fix_of(tile, belief(tile, {(30, 0): 1.0}))
    assert fix.xy == pytest.approx([30, 0])
    assert fix.radius68_m == fix.radius95_m == pytest.approx(CELL_RADIUS_M)


def test_the_point_stays_with_the_likelier_pavement() -> None:
    tile = two_pavements()
    fix = fix_of(tile, belief(tile, {(30, 0): 0.7, (30, 9): 0.3}))
    assert fix.xy[0] == pytest.approx(30)
    assert fix.xy[1] < 1.5  # the mean is 2.7
    assert fix.radius95_m > 7


def test_the_circles_hold_what_they_say() -> None:
    tile = two_pavements()
    random = np.random.default_rng(4)
    mass = np.append(np.exp(-(((tile.cells - [30, 3]) / 8) ** 2).sum(axis=1)), 0.0)
    mass *= random.random(len(mass))
    fix = fix_of(tile, mass)
    near = np.hypot(*(tile.cells - fix.xy).T)
    for radius, share in ((fix.radius68_m, 0.68), (fix.radius95_m, 0.95)):
        assert mass[:-1][near <= radius].sum() / mass.sum() == pytest.approx(share, abs=0.06)


def test_zones_and_place_are_of_a_tag_that_is_on_the_map() -> None:
    tile = two_pavements()
    fix = fix_of(tile, belief(tile, {(20, 0): 0.3, (40, 0): 0.1, (40, 9): 0.1}, out=0.5))
    assert fix.zones == pytest.approx([0.8, 0.4])
