import numpy as np
import pytest

from gateway.tags.motion import WIDTH, Belief, mass_of
from gateway.tags.packing import Dense, pack, room_for, trimmed, unpack
from gateway.tags.tile import Ground, Tile
from tests.unit.tags.places import road


def belief(tile: Tile, *, seed: int, held: int) -> Dense:
    """In so many cells, anywhere, and out of coverage."""
    random = np.random.default_rng(seed)
    places, states = tile.sizes
    chosen = np.zeros(places, dtype=bool)
    chosen[random.permutation(places - 1)[:held]] = True
    chosen[-1] = True
    cells = np.repeat(np.arange(places - 1), np.diff(tile.moves.first))
    mask = np.concatenate([chosen[:-1], chosen[:-1][cells], [True]])
    values = np.where(mask, random.random(states), 0.0).astype(np.float32)
    rows = random.random((places, WIDTH)).astype(np.float32) * chosen[:, None]
    likelihood = random.random(places).astype(np.float32) * chosen
    return Dense(Belief(values, mass_of(tile.moves, values), rows), likelihood)


@pytest.mark.parametrize("held", [1, 7, 40])
def test_what_is_packed_comes_back_as_it_was(held: int) -> None:
    tile = Ground(road()).tile_at((60.0, 0.0))
    beliefs = [belief(tile, seed=seed, held=held) for seed in range(3)]
    places, states = tile.sizes
    room = room_for(3, (3 * places, 3 * states))
    for member, one in enumerate(beliefs):
        pack(tile.moves, one, room, member)
    room = trimmed(room, 3)
    assert np.diff(room.starts[:, 0]).tolist() == [held + 1] * 3
    assert len(room.rows) == 3 * (held + 1)
    for member, one in enumerate(beliefs):
        found = belief(tile, seed=99, held=1)  # what was there before must not shine through
        unpack(tile.moves, room, member, found)
        pairs = zip((*one.belief, one.likelihood), (*found.belief, found.likelihood), strict=True)
        for had, got in pairs:
            np.testing.assert_array_equal(got, had)
