"""From tile to tile: beliefs of tags that come near a rim, put over onto the tiles around them."""

import numpy as np

from gateway.tags.compiled import array_at, compiled
from gateway.tags.crowd import AT_PLACES, AT_ROWS, AT_STATES, PLACES, Slots
from gateway.tags.footing import ABSENT, CELLS, EDGES, KEYS, ORDER, Addresses, found, moves_at
from gateway.tags.looking_back import held_states
from gateway.tags.motion import WIDTH, Belief
from gateway.tags.packing import Dense, Room, pack


@compiled
def hand_over(slots: Slots, members: Addresses, tiles: Addresses, room: Room) -> None:
    """Write to `room` what the tracks in the slots `members` (n,) believe, over other `tiles`.

    `tiles` (n, …) are their addresses. What lay outside is lost; the rest sums to one again: where
    there is none, the tag is out of coverage. What was heard last has no likelihood there.
    """
    for k in range(len(members)):
        tile, held = tiles[k], slots.beliefs[members[k]]
        cells, states = tile[CELLS], tile[CELLS] + tile[EDGES] + 1
        belief = Belief(
            np.zeros(states, dtype=np.float32),
            np.zeros(cells + 1, dtype=np.float32),
            np.empty((cells + 1, WIDTH), dtype=np.float32),
        )
        put(slots.tiles[members[k]], held, tile, belief)
        pack(moves_at(tile), Dense(belief, np.zeros(cells + 1, dtype=np.float32)), room, k)


@compiled
def put(old: Addresses, held: Addresses, new: Addresses, belief: Belief) -> None:
    """One packed belief over the tile `old`, where it lies over the tile `new` too."""
    names = array_at(old[KEYS], old[CELLS] + old[EDGES] + 1, np.int32)
    keys = array_at(new[KEYS], len(belief.states), np.int32)
    order = array_at(new[ORDER], len(belief.states), np.int16)
    places = array_at(held[AT_PLACES], held[PLACES], np.int16)
    rows = array_at(held[AT_ROWS], (held[PLACES], WIDTH), np.float32)
    states, owners = held_states(moves_at(old), places)
    values = array_at(held[AT_STATES], len(states), np.float32)
    total, before, place = np.float32(0.0), ABSENT, ABSENT
    for k in range(len(states)):
        state = len(belief.states) - 1
        if k < len(states) - 1:
            state = found(keys, order, names[states[k]])
        if owners[k] != before:
            before = owners[k]
            place = ABSENT if state == ABSENT else min(state, len(belief.mass) - 1)
            if place != ABSENT:
                belief.rows[place] = rows[before]
        if state != ABSENT:
            belief.states[state] = values[k]
            belief.mass[place] += values[k]
            total += values[k]
    if total == 0.0:  # nothing of it lies here, not even out of coverage
        belief.states[-1] = belief.mass[-1] = total = np.float32(1.0)
    belief.states[:] /= total
    belief.mass[:] /= total
