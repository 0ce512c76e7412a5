import numpy as np
import pytest

from gateway.tags.crowd import hold, slots_for
from gateway.tags.handover import hand_over
from gateway.tags.looking_back import held_states
from gateway.tags.motion import WIDTH, Belief, mass_of
from gateway.tags.packing import Dense, member_of, pack, room_for
from gateway.tags.tile import Ground, Tile
from tests.unit.tags.places import site

STREET = site(
    paths=[[(0, 0), (1_600, 0)], [(300, 0), (300, 400)]],
    receivers={f"r{x}": (float(x), 3.0) for x in range(0, 1_600, 30)},
)


def names_of(tile: Tile, values: np.ndarray) -> dict[int, float]:
    """What is believed of each state, by its name across tiles."""
    return {int(key): float(value) for key, value in zip(tile.keys, values, strict=True) if value}


@pytest.mark.parametrize("seed", range(3))
def test_what_is_believed_is_the_same_on_both_tiles(seed: int) -> None:
    """Wherever they overlap; what lies outside is lost, and the rest sums to one."""
    ground = Ground(STREET)
    old, new = ground.tile_at((300.0, 60.0)), ground.tile_at((330.0, 0.0))
    assert old is not new
    random = np.random.default_rng(seed)
    believed = random.random(len(old.cells) + 1) < 0.3
    believed[-1] = True
    places = np.repeat(np.arange(len(old.cells)), np.diff(old.moves.first))
    mask = np.concatenate([believed[:-1], believed[:-1][places], [True]])
    states = (random.random(len(mask)) * mask).astype(np.float32)
    rows = random.random((len(believed), WIDTH)).astype(np.float32)
    belief = Belief(states, mass_of(old.moves, states), rows)
    slots, before = slots_for(3), room_for(1, old.sizes)
    pack(old.moves, Dense(belief, np.ones(len(believed), dtype=np.float32)), before, 0)
    member = np.array([2])
    slots.tiles[member] = old.address
    hold(slots, member, before)
    after = room_for(1, new.sizes)
    hand_over(slots, member, new.address[None], after)
    found = member_of(after, 0)

    values = np.zeros(len(new.keys), dtype=np.float32)
    values[held_states(new.moves, found.places)[0]] = found.states
    shared = names_of(old, states)
    shared = {key: shared[key] for key in shared.keys() & set(new.keys.tolist())}
    total = sum(shared.values())
    assert names_of(new, values) == pytest.approx({k: v / total for k, v in shared.items()})
    assert 0.1 < len(shared) / len(names_of(old, states)) < 0.95
    assert found.mass.sum() == pytest.approx(1.0, abs=1e-5)
    cells = {int(key): cell for cell, key in enumerate(old.keys[: len(old.cells)])}
    for k, place in enumerate(found.places[:-1].tolist()):
        assert after.rows[k].tolist() == rows[cells[int(new.keys[place])]].tolist()
    assert after.rows[len(found.places) - 1].tolist() == rows[-1].tolist()


def test_where_nothing_is_left_the_tag_is_out_of_coverage() -> None:
    ground = Ground(STREET)
    old, new = ground.tile_at((0.0, 0.0)), ground.tile_at((1_600.0, 0.0))
    states = np.zeros(len(old.moves.stays), dtype=np.float32)
    states[old.cells[:, 0].argmin()] = 1.0
    mass = mass_of(old.moves, states)
    rows = np.zeros((len(mass), WIDTH), dtype=np.float32)
    slots, before, after = slots_for(1), room_for(1, old.sizes), room_for(1, new.sizes)
    pack(old.moves, Dense(Belief(states, mass, rows), mass), before, 0)
    member = np.array([0])
    slots.tiles[member] = old.address
    hold(slots, member, before)
    hand_over(slots, member, new.address[None], after)
    found = member_of(after, 0)
    assert found.places.tolist() == [len(new.cells)]
    assert (found.mass.tolist(), found.states.tolist()) == ([1.0], [1.0])
