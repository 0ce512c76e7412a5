import numpy as np
import pytest

from gateway.site import SiteError
from gateway.tags.tile import TILE_CELLS, Ground
from tests.unit.tags.places import road, site


def town(*, blocks: int = 14, side_m: float = 50.0) -> Ground:
    """More than 20 km of ways and 225 poles."""
    ticks = [k * side_m for k in range(blocks + 1)]
    streets = [[(x, y) for x in ticks] for y in ticks] + [[(x, y) for y in ticks] for x in ticks]
    poles = {f"r{x:.0f}-{y:.0f}": (x + 2, y + 2) for x in ticks for y in ticks}
    return Ground(site(paths=streets, receivers=poles))


def test_a_small_site_is_one_tile() -> None:
    ground = Ground(road())
    assert ground.tile_by("r0") is ground.tile_by("r4")
    assert not ground.tile_by("r0").rim.any()


def test_a_tile_of_a_town_is_bounded_and_lies_around_its_receiver() -> None:
    ground = town()
    tile = ground.tile_by("r350-350")
    assert len(tile.cells) == TILE_CELLS
    assert np.hypot(*(tile.cells - [350, 350]).T).max() < 130
    assert tile.rim.any()
    assert len(tile.columns) < 80


def test_neighbouring_tiles_agree_on_the_states_that_they_share() -> None:
    ground = town()
    one, other = ground.tile_by("r350-350"), ground.tile_by("r400-350")
    assert one is not other
    random = np.random.default_rng(3)
    states = random.random(len(other.moves.places))
    taken = one.take(other, states, absent=-1.0)
    there = {int(key): value for key, value in zip(other.moves.keys, states, strict=True)}
    wanted = [there.get(int(key), -1.0) for key in one.moves.keys]
    assert taken == pytest.approx(np.array(wanted))
    assert 0 < (taken < 0).sum() < len(taken) / 2


def test_rows_follow_their_cells_to_the_next_tile() -> None:
    ground = town()
    one, other = ground.tile_by("r350-350"), ground.tile_by("r400-350")
    rows = np.concatenate([other.cells, [[7.0, 7.0]]])
    taken = one.take_places(other, rows, absent=np.array([np.nan, np.nan]))
    shared = ~np.isnan(taken[:-1, 0])
    assert taken[:-1][shared] == pytest.approx(one.cells[shared])
    assert taken[-1].tolist() == [7.0, 7.0]
    assert 0 < shared.sum() < len(shared)


def test_zones_are_marked_cell_by_cell() -> None:
    tile = Ground(road(length_m=120)).tile_by("r0")
    assert tile.zones.shape == (1, len(tile.cells))
    assert (tile.zones[0] == (tile.cells[:, 0] > 80)).all()


def test_a_site_without_receivers_is_refused_with_what_to_do() -> None:
    with pytest.raises(SiteError, match="Add a feature of kind receiver"):
        Ground(site(paths=[[(0, 0), (10, 0)]]))
