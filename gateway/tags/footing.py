"""How a tile lies in memory: its sizes and the addresses of its arrays, in one row of numbers.

Many small arrays are handed to compiled code by their addresses; who does so keeps them alive.
"""

import numpy as np
from numpy.typing import NDArray

from gateway.tags.compiled import array_at, compiled, inlined
from gateway.tags.motion import Counts, Moves, Shorts
from gateway.tags.weighing import Listening

Addresses = NDArray[np.int64]

CELLS, EDGES, WAYS, RECEIVERS, ALL, ZONES = range(6)  # a tile's sizes, before its addresses
MOVES, LISTENING = 6, 15
PATH, RIM, ZONE_NUMBERS, INSIDE, AMID, KEYS, ORDER, TILE_NUMBERS = range(23, 31)

ABSENT = -1


@inlined
def moves_at(tile: Addresses) -> Moves:
    """The moves of a tile."""
    cells, edges, ways = tile[CELLS], tile[EDGES], tile[WAYS]
    return Moves(
        array_at(tile[6], cells + 1, np.int16),
        array_at(tile[7], edges, np.int16),
        array_at(tile[8], edges + 1, np.int16),
        array_at(tile[9], ways, np.int16),
        array_at(tile[10], ways, np.float32),
        array_at(tile[11], edges, np.float32),
        array_at(tile[12], cells + edges + 1, np.float32),
        array_at(tile[13], edges, np.float32),
        array_at(tile[14], cells + edges + 1, np.float32),
    )


@inlined
def listening_at(tile: Addresses) -> Listening:
    """What is heard on a tile."""
    cells, receivers = tile[CELLS], tile[RECEIVERS]
    return Listening(
        array_at(tile[15], (cells, 2), np.float32),
        array_at(tile[16], receivers, np.int32),
        array_at(tile[17], tile[ALL], np.int16),
        array_at(tile[18], (cells, receivers), np.int8),
        array_at(tile[19], (receivers, 3), np.float32),
        array_at(tile[20], receivers, np.float32),
        array_at(tile[21], receivers, np.float32),
        array_at(tile[22], receivers, np.float32),
    )


@inlined
def columns_at(tile: Addresses) -> Shorts:
    """Where each receiver of the site (all,) is among those of the tile, -1 if it is not."""
    return array_at(tile[LISTENING + 2], tile[ALL], np.int16)


@inlined
def amid_at(tile: Addresses) -> NDArray[np.bool_]:
    """The receivers (r,) that stand beside a cell of the tile."""
    return array_at(tile[AMID], tile[RECEIVERS], np.bool_)


@compiled
def found(keys: Counts, order: Shorts, key: int) -> int:
    """Where in `keys`, which `order` sorts, a key is; ABSENT where it is not."""
    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        if keys[order[middle]] < key:
            low = middle + 1
        else:
            high = middle
    if low < len(order) and keys[order[low]] == key:
        return int(order[low])
    return ABSENT
