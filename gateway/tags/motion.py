"""Belief in motion: half a second forward with what it carries, half a second back.

A state is a cell and a manner: standing in it, or having come into it along one of its edges. The
states are the n standing ones, the e walking ones and, last, out of coverage.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.tags.compiled import compiled, inlined
from gateway.tags.rows import WIDTH as WIDTH
from gateway.tags.rows import plus, put_row, row_at, scaled, zero_row

CELL_M = 2.5  # from a cell of a path to the next one, at most
NOTHING = 1e-30
LEAST_OUT = 1e-5  # less out of coverage brings no belief that counts through a door

Singles = NDArray[np.float32]
Counts = NDArray[np.int32]
Shorts = NDArray[np.int16]


class Moves(NamedTuple):
    """A sparse transition matrix over half a second among the cells of a piece of the map.

    The edges into cell k are `first[k]:first[k + 1]`, each with the cell it comes from (`tails`).
    Onto edge e one comes from the states `sources[onto[e]:onto[e + 1]]`, with the `weights` there,
    and from out of coverage with the probability `doors[e]`. `stays` (states,) is the probability
    to remain in a state, `stops` (e,) to stand still at the end of an edge, `leaves` (states,) to
    go out of coverage.
    """

    first: Shorts
    tails: Shorts
    onto: Shorts
    sources: Shorts
    weights: Singles
    doors: Singles
    stays: Singles
    stops: Singles
    leaves: Singles


class Belief(NamedTuple):
    """What is believed: `states` (states,), their `mass` (places,), and the `rows` (places, WIDTH)
    that belief carries. A place without mass has no belief in its states, and its row says nothing.
    """

    states: Singles
    mass: Singles
    rows: Singles


@compiled
def advance(moves: Moves, now: Belief, later: Belief) -> None:
    """Write to `later` the belief half a second after `now`.

    A place's new row is the mean of the rows of where its belief came from; out of coverage, the
    last, keeps its own. Places without belief cost next to nothing.
    """
    cells, out = len(now.mass) - 1, len(now.states) - 1
    later.states[:] = 0.0
    later.mass[:] = 0.0
    left = np.float32(0.0)
    for cell in range(cells):
        left += moves.leaves[cell] * now.mass[cell]
    later.states[out] = later.mass[cells] = moves.stays[out] * now.states[out] + left
    put_row(later.rows, cells, row_at(now.rows, cells))
    for cell in reach(moves, now.mass):
        enter(moves, now, later, at(cell))


@inlined
def at(index: np.int16 | np.int32) -> int:
    """An index that is not negative, and known not to be: nothing is counted from the end."""
    return int(np.uint16(index))


@compiled
def reach(moves: Moves, mass: Singles) -> Shorts:
    """The cells to which belief can come in a step."""
    cells = len(mass) - 1
    marked = np.zeros(cells, dtype=np.bool_)
    by_door = mass[cells] > LEAST_OUT
    for cell in range(cells):
        if mass[cell] > 0.0:
            marked[cell] = True
            for edge in range(at(moves.first[cell]), at(moves.first[cell + 1])):
                marked[at(moves.tails[edge])] = True
        elif by_door:
            for edge in range(at(moves.first[cell]), at(moves.first[cell + 1])):
                if moves.doors[edge] > 0.0:
                    marked[cell] = True
    reached = np.empty(cells, dtype=np.int16)
    count = 0
    for cell in range(cells):
        reached[count] = cell
        count += marked[cell]
    return reached[:count]


@inlined
def enter(moves: Moves, now: Belief, later: Belief, cell: int) -> None:
    """One cell of `later`."""
    cells, out = len(now.mass) - 1, len(now.states) - 1
    stays, states = moves.stays, now.states
    stood, walked = stays[cell] * states[cell], np.float32(0.0)
    arrived, returned = np.float32(0.0), np.float32(0.0)
    row = zero_row()
    for edge in range(at(moves.first[cell]), at(moves.first[cell + 1])):
        state, tail = cells + edge, at(moves.tails[edge])
        flow = np.float32(0.0)
        if now.mass[tail] > 0.0:
            for way in range(at(moves.onto[edge]), at(moves.onto[edge + 1])):
                flow += moves.weights[way] * states[at(moves.sources[way])]
            row = plus(row, flow, row_at(now.rows, tail))
        by_door = moves.doors[edge] * states[out]
        walks_on = stays[state] * states[state]
        stood += moves.stops[edge] * states[state]
        later.states[state] = walks_on + flow + by_door
        walked += walks_on
        arrived += flow
        returned += by_door
    own = stood + walked
    total = own + arrived + returned
    later.states[cell], later.mass[cell] = stood, total
    if now.mass[cell] > 0.0:
        row = plus(row, own, row_at(now.rows, cell))
    row = plus(row, returned, row_at(now.rows, cells))
    put_row(later.rows, cell, scaled(row, np.float32(1.0) / max(total, np.float32(NOTHING))))


@compiled
def mass_of(moves: Moves, states: Singles) -> Singles:
    """Probability (places,) of each cell, and of out of coverage, last."""
    cells = len(moves.first) - 1
    mass = np.empty(cells + 1, dtype=np.float32)
    mass[cells] = states[len(states) - 1]
    for cell in range(cells):
        total = states[cell]
        for edge in range(moves.first[cell], moves.first[cell + 1]):
            total += states[cells + edge]
        mass[cell] = total
    return mass
