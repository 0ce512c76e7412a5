from dataclasses import replace

import numpy as np
import pytest

from gateway.tags.fix import (
    AFTERWARDS_68,
    AFTERWARDS_95,
    CELL_RADIUS_M,
    LONGER_68,
    LONGER_95,
    fix_of,
)
from gateway.tags.motion import CELL_M, Singles
from gateway.tags.tile import Ground, Tile
from tests.unit.tags.places import site

WIDER_68, WIDER_95 = LONGER_68 * AFTERWARDS_68, LONGER_95 * AFTERWARDS_95


def two_pavements() -> Tile:
    lines = [[(0, 0), (60, 0)], [(0, 9), (60, 9)], [(0, 0), (0, 9)]]
    zones = {"south": (-1, -1, 61, 4), "east": (29, -1, 61, 10)}
    return Ground(site(paths=lines, receivers={"r": (0, 0)}, zones=zones)).tile_by(0)


def belief(tile: Tile, shares: dict[tuple[float, float], float], *, out: float = 0.0) -> Singles:
    mass = np.zeros(len(tile.cells) + 1, dtype=np.float32)
    for xy, share in shares.items():
        mass[np.hypot(*(tile.cells - xy).T).argmin()] += share
    mass[-1] = out
    return mass


def test_a_certain_belief_is_a_point_with_the_radius_of_a_cell() -> None:
    tile = two_pavements()
    fix = fix_of(tile, belief(tile, {(30, 0): 1.0}))
    assert fix.xy == pytest.approx([30, 0])
    assert fix.radius68_m == pytest.approx(WIDER_68 * CELL_RADIUS_M)
    assert fix.radius95_m == pytest.approx(WIDER_95 * CELL_RADIUS_M)


def test_only_where_receivers_are_surveyed_hindsight_is_as_sure_as_it_thinks() -> None:
    tile = two_pavements()
    mass = belief(tile, {(20, 0): 0.3, (25, 0): 0.4, (30, 0): 0.3})
    fix, surveyed = fix_of(tile, mass), fix_of(replace(tile, surveyed=True), mass)
    assert fix.xy == surveyed.xy
    assert fix.radius68_m == pytest.approx(AFTERWARDS_68 * surveyed.radius68_m)
    assert fix.radius95_m == pytest.approx(AFTERWARDS_95 * surveyed.radius95_m)


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
    mass = (mass * random.random(len(mass))).astype(np.float32)
    fix = fix_of(tile, mass)
    near = np.hypot(*(tile.cells - fix.xy).T)
    believed_m = fix.radius68_m / WIDER_68, fix.radius95_m / WIDER_95
    for radius, share in zip(believed_m, (0.68, 0.95), strict=True):
        assert mass[:-1][near <= radius].sum() / mass.sum() == pytest.approx(share, abs=0.06)


def test_zones_and_place_are_of_a_tag_that_is_on_the_map() -> None:
    tile = two_pavements()
    fix = fix_of(tile, belief(tile, {(20, 0): 0.3, (40, 0): 0.1, (40, 9): 0.1}, out=0.5))
    assert fix.zones == pytest.approx([0.8, 0.4])


def test_circles_grow_evenly_through_the_cell_that_reaches_their_share() -> None:
    tile = two_pavements()
    mass = belief(tile, {(30, 0): 0.5, (32.5, 0): 0.25, (27.5, 0): 0.25})
    fix = fix_of(tile, mass)
    assert fix.xy == pytest.approx([30, 0], abs=1e-4)
    distance = np.array([0.0, 2.5, 2.5])
    wanted = np.interp([0.68, 0.95], [0.5, 0.75, 1.0], distance)
    found = [fix.radius68_m / WIDER_68, fix.radius95_m / WIDER_95]
    assert found == pytest.approx(np.hypot(wanted, CELL_RADIUS_M), abs=1e-3)


def test_a_circle_reaches_the_far_place_without_which_it_holds_too_little() -> None:
    tile = two_pavements()
    fix = fix_of(tile, belief(tile, {(10, 0): 0.6, (50, 0): 0.4}))
    assert 10 <= fix.xy[0] < 26
    assert fix.radius68_m > 50 - fix.xy[0] - CELL_M


def test_a_fix_tells_the_pavement_and_how_likely_it_is() -> None:
    tile = two_pavements()
    fix = fix_of(tile, belief(tile, {(20, 0): 0.2, (40, 0): 0.2, (40, 9): 0.1}, out=0.5))
    assert fix.path == 0
    assert fix.path_probability == pytest.approx(0.8)
    fix = fix_of(tile, belief(tile, {(20, 0): 0.2, (40, 9): 0.8}))
    assert fix.path == 1
    assert fix.path_probability == pytest.approx(0.8)


def test_a_tag_on_an_open_area_is_on_no_path() -> None:
    place = site(paths=[[(0, 0), (20, 0)]], areas=[(0, 4, 20, 20)], receivers={"r": (0, 0)})
    tile = Ground(place).tile_by(0)
    fix = fix_of(tile, belief(tile, {(10, 0): 0.4, (10, 10): 0.3, (10, 14): 0.3}))
    assert fix.path == -1
    assert fix.path_probability == pytest.approx(0.6)


def test_a_tag_that_is_all_but_surely_out_of_coverage_was_somewhere_if_not() -> None:
    tile = two_pavements()
    fix = fix_of(tile, belief(tile, {(30, 0): 7e-6, (40, 0): 3e-6}, out=1 - 1e-5))
    assert fix.xy[0] == pytest.approx(30, abs=2)
    assert fix.zones == pytest.approx([1.0, 1.0])
    assert fix.path == 0
