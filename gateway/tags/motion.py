"""Belief in motion: half a second forward with what it carries, half a second back.

A state is a cell and a manner: standing in it, or having come into it along one of its edges. The
states are the n standing ones, the e walking ones and, last, out of coverage.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.tags.compiled import compiled

WIDTH = 16  # columns that belief carries along; fixed, so that a row is two machine words wide
NOTHING = 1e-30

Singles = NDArray[np.float32]
Counts = NDArray[np.int32]


class Moves(NamedTuple):
    """A sparse transition matrix over half a second among the cells of a piece of the map.

    The edges into cell k are `first[k]:first[k + 1]`, each with the cell it comes from (`tails`).
    Onto edge e one comes from the states `sources[onto[e]:onto[e + 1]]`, with the `weights` there,
    and from out of coverage with the probability `doors[e]`. `stays` (states,) is the probability
    to remain in a state, `stops` (e,) to stand still at the end of an edge, `leaves` (states,) to
    go out of coverage.
    """

    first: Counts
    tails: Counts
    onto: Counts
    sources: Counts
    weights: Singles
    doors: Singles
    stays: Singles
    stops: Singles
    leaves: Singles


@compiled
def advance(moves: Moves, states: Singles, rows: Singles) -> tuple[Singles, Singles]:
    """The belief (states,) half a second later, and the rows (places, WIDTH) that it carries.

    A place's new row is the mean of the rows of where its belief came from; out of coverage, the
    last, keeps its own. A cell without belief has no row: zeros.
    """
    cells, out = len(moves.first) - 1, len(states) - 1
    mass = mass_of(moves, states)
    later = np.zeros_like(states)
    later_rows = np.zeros_like(rows)
    for column in range(WIDTH):
        later_rows[cells, column] = rows[cells, column]
    later[out] = moves.stays[out] * states[out] + left(moves, mass)
    for cell in range(cells):
        stays = mass[cell] > 0.0
        if stays or reached(moves, mass, cell):
            enter(moves, states, rows, cell, later, later_rows)
    return later, later_rows


@compiled
def left(moves: Moves, mass: Singles) -> float:
    """The belief that goes out of coverage."""
    total, cells = 0.0, len(mass) - 1
    for cell in range(cells):
        if moves.leaves[cell] > 0.0 and mass[cell] > 0.0:
            total += moves.leaves[cell] * mass[cell]
    return total


@compiled
def reached(moves: Moves, mass: Singles, cell: int) -> bool:
    """Whether belief can come to `cell` in a step."""
    for edge in range(moves.first[cell], moves.first[cell + 1]):
        if mass[moves.tails[edge]] > 0.0 or moves.doors[edge] > 0.0:
            return True
    return False


@compiled
def enter(
    moves: Moves,
    states: Singles,
    rows: Singles,
    cell: int,
    later: Singles,
    later_rows: Singles,
) -> None:
    """One cell of `later` and of `later_rows`."""
    cells, out = len(moves.first) - 1, len(states) - 1
    later[cell] = moves.stays[cell] * states[cell]
    stayed = later[cell]
    arrived = np.float32(0.0)
    returned = np.float32(0.0)
    for edge in range(moves.first[cell], moves.first[cell + 1]):
        state = cells + edge
        stopped = moves.stops[edge] * states[state]
        walks_on = moves.stays[state] * states[state]
        by_door = moves.doors[edge] * states[out]
        flow = np.float32(0.0)
        for way in range(moves.onto[edge], moves.onto[edge + 1]):
            flow += moves.weights[way] * states[moves.sources[way]]
        later[cell] += stopped
        later[state] = walks_on + flow + by_door
        stayed += stopped + walks_on
        arrived += flow
        returned += by_door
        tail = moves.tails[edge]
        for column in range(WIDTH):
            later_rows[cell, column] += flow * rows[tail, column]
    total = max(stayed + arrived + returned, np.float32(NOTHING))
    for column in range(WIDTH):
        kept = stayed * rows[cell, column] + returned * rows[cells, column]
        carried = later_rows[cell, column] + kept
        later_rows[cell, column] = carried / total


@compiled
def retreat(moves: Moves, message: Singles) -> Singles:
    """What a later message (states,) says half a second earlier: the transpose."""
    cells, out = len(moves.first) - 1, len(message) - 1
    earlier = np.empty_like(message)
    for state in range(len(message)):
        earlier[state] = moves.stays[state] * message[state] + moves.leaves[state] * message[out]
    for cell in range(cells):
        for edge in range(moves.first[cell], moves.first[cell + 1]):
            earlier[cells + edge] += moves.stops[edge] * message[cell]
            value = message[cells + edge]
            earlier[out] += moves.doors[edge] * value
            for way in range(moves.onto[edge], moves.onto[edge + 1]):
                earlier[moves.sources[way]] += moves.weights[way] * value
    return earlier


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


@compiled
def multiply(moves: Moves, states: Singles, factors: Singles) -> None:
    """Multiply each state by the factor (places,) of its place."""
    cells = len(moves.first) - 1
    states[len(states) - 1] *= factors[cells]
    for cell in range(cells):
        states[cell] *= factors[cell]
        for edge in range(moves.first[cell], moves.first[cell + 1]):
            states[cells + edge] *= factors[cell]
