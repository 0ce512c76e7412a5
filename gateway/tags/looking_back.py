"""What later seconds say of earlier ones: a message carried back through the filter's own moves.

Only states that hold belief are looked at: through others nothing came to where the tag was later.
"""

import numpy as np

from gateway.tags.compiled import compiled
from gateway.tags.footing import CELLS, EDGES, Addresses, moves_at
from gateway.tags.motion import Counts, Moves, Shorts, Singles
from gateway.tags.packing import Packed
from gateway.tags.weighing import RESCUED, stripe_of

TEMPER = 0.5
UNSEEN = 1e-9


@compiled
def seen_from(tile: Addresses, held: Packed, message: Singles) -> tuple[Singles, Singles]:
    """With a `message` (states,) over the tile: that over the held states, and the mass (places,).

    `tile` is its address; the message comes back scaled, the mass sums to one.
    """
    states, owners = held_states(moves_at(tile), held.places)
    own = np.empty_like(held.states)
    mass = np.zeros(tile[CELLS] + 1, dtype=np.float32)
    total, most = np.float32(0.0), np.float32(UNSEEN)
    for k in range(len(states)):
        own[k] = message[states[k]]
        most = max(most, own[k])
        part = held.states[k] * own[k]
        mass[held.places[owners[k]]] += part
        total += part
    own /= most
    mass /= total
    return own, mass


@compiled
def carried_back(tile: Addresses, second: int, later: Packed, message: Singles) -> Singles:
    """What a `message` over the states held at the end of `second` says of its beginning (states,).

    `tile` is the address of that on which the second was weighed.
    """
    moves, cells = moves_at(tile), tile[CELLS]
    states, owners = held_states(moves, later.places)
    end = np.zeros(cells + tile[EDGES] + 1, dtype=np.float32)
    for k in range(len(states)):
        end[states[k]] = message[k]
    reached = step_back(moves, later.places, end)
    factors = later.likelihood ** np.float32(TEMPER)
    middle = np.zeros_like(end)
    stripe, stripes, members = stripe_of(second, cells)
    rescued = np.float32(0.0)
    for k in range(len(states)):
        state, value = states[k], reached[states[k]] * factors[owners[k]]
        middle[state] = np.float32(1 - RESCUED) * value
        if state < cells and state % stripes == stripe:
            rescued += value
    beginning = step_back(moves, later.places, middle)
    beginning += np.float32(RESCUED / members) * rescued + np.float32(UNSEEN)
    return beginning


@compiled
def step_back(moves: Moves, places: Shorts, message: Singles) -> Singles:
    """What a `message` (states,) says half a second earlier: the transpose of `advance`.

    It is zero in all but the states of `places`.
    """
    out = len(message) - 1
    cells = len(moves.first) - 1
    earlier: Singles = moves.leaves * message[out]
    earlier[out] += moves.stays[out] * message[out]
    for place in places:
        if place == cells:
            continue
        earlier[place] += moves.stays[place] * message[place]
        for edge in range(moves.first[place], moves.first[place + 1]):
            value = message[cells + edge]
            earlier[cells + edge] += moves.stays[cells + edge] * value
            earlier[cells + edge] += moves.stops[edge] * message[place]
            earlier[out] += moves.doors[edge] * value
            for way in range(moves.onto[edge], moves.onto[edge + 1]):
                earlier[moves.sources[way]] += moves.weights[way] * value
    return earlier


@compiled
def held_states(moves: Moves, places: Shorts) -> tuple[Counts, Counts]:
    """The packed states of `places`, by their numbers on the tile, and the place of each."""
    cells, count = len(moves.first) - 1, 0
    states = np.empty(len(moves.stays), dtype=np.int32)
    owners = np.empty(len(moves.stays), dtype=np.int32)
    for k in range(len(places)):
        place = places[k]
        owners[count] = k
        if place == cells:
            states[count] = len(moves.stays) - 1
        else:
            states[count] = place
            for edge in range(moves.first[place], moves.first[place + 1]):
                count += 1
                states[count], owners[count] = cells + edge, k
        count += 1
    return states[:count], owners[:count]
