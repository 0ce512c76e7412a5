"""What later seconds say of earlier ones: a message carried back through the filter's own moves.

Only states that hold belief are looked at: through others nothing came to where the tag was later.
"""

import numpy as np

from gateway.tags.compiled import array_at, compiled, inlined
from gateway.tags.footing import ABSENT, CELLS, EDGES, KEYS, ORDER, Addresses, found, moves_at
from gateway.tags.motion import Counts, Moves, Shorts, Singles
from gateway.tags.packing import Packed, Room
from gateway.tags.weighing import RESCUED, stripe_of

TEMPER = 0.5
UNSEEN = 1e-9


@compiled
def look_back(tiles: Addresses, seconds: Addresses, track: Room, mass: Singles) -> None:
    """Write to `mass` that of all places of a `track` (n beliefs) as the whole track sees them.

    `tiles` (n, …) are the addresses of those that its consecutive `seconds` (n,) were weighed on.
    """
    beginning = np.ones(1, dtype=np.float32)
    for k in range(len(seconds) - 1, -1, -1):
        (first, value), (last, end) = track.starts[k], track.starts[k + 1]
        held = Packed(
            track.places[first:last],
            track.mass[first:last],
            track.likelihood[first:last],
            track.states[value:end],
        )
        states, owners = held_states(moves_at(tiles[k]), held.places)
        message = np.ones(len(states), dtype=np.float32)
        if k < len(seconds) - 1:
            take(tiles[k], states, tiles[k + 1], beginning, message)
        total = weigh_by(message, held, owners, mass[first:last])
        mass[first:last] /= total
        if k > 0:
            beginning = carried_back(tiles[k], seconds[k], held, message)


@inlined
def take(
    tile: Addresses, states: Counts, later: Addresses, beginning: Singles, message: Singles
) -> None:
    """What a message about the `beginning` of a second on the tile `later` says of `states`."""
    if tile[KEYS] == later[KEYS]:
        for k in range(len(states)):
            message[k] = beginning[states[k]]
        return
    names = array_at(tile[KEYS], tile[CELLS] + tile[EDGES] + 1, np.int32)
    keys = array_at(later[KEYS], len(beginning), np.int32)
    order = array_at(later[ORDER], len(beginning), np.int16)
    for k in range(len(states)):
        there = found(keys, order, names[states[k]])
        message[k] = np.float32(UNSEEN) if there == ABSENT else beginning[there]


@inlined
def weigh_by(message: Singles, held: Packed, owners: Counts, mass: Singles) -> float:
    """The `mass` of places when their states are weighed by a message, which is scaled; its sum."""
    most = max(message.max(), np.float32(UNSEEN))
    message /= most
    total = np.float32(0.0)
    mass[:] = 0.0
    for k in range(len(owners)):
        part = held.states[k] * message[k]
        mass[owners[k]] += part
        total += part
    return float(total)


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
