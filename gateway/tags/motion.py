"""Belief in motion: half a second forward with what it carries, half a second back.

A state is a cell and a manner: standing in it, or having come into it along one of its edges. The
states are the n standing ones, the e walking ones and, last, out of coverage.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.tags.compiled import compiled, inlined

WIDTH = 16  # columns that belief carries along; fixed, so that a row is two machine words wide
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
def packed(belief: Belief, rows: Singles) -> int:
    """Write to `rows` those of places that hold belief, and of out of coverage; how many."""
    count = 0
    for place in range(len(belief.mass)):
        if belief.mass[place] > 0.0 or place == len(belief.mass) - 1:
            for column in range(WIDTH):
                rows[count, column] = belief.rows[place, column]
            count += 1
    return count


@compiled
def unpacked(belief: Belief) -> Belief:
    """A copy with a row for each place, of one whose rows are `packed`."""
    rows = np.empty((len(belief.mass), WIDTH), dtype=np.float32)
    count = 0
    for place in range(len(belief.mass)):
        if belief.mass[place] > 0.0 or place == len(belief.mass) - 1:
            for column in range(WIDTH):
                rows[place, column] = belief.rows[count, column]
            count += 1
        else:
            rows[place, :] = 0.0
    return Belief(belief.states.copy(), belief.mass.copy(), rows)


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
        if now.mass[cell] > 0.0:
            left += moves.leaves[cell] * now.mass[cell]
    later.states[out] = later.mass[cells] = moves.stays[out] * now.states[out] + left
    for column in range(WIDTH):
        later.rows[cells, column] = now.rows[cells, column]
    reached = reach(moves, now.mass)
    for cell in range(cells):
        if reached[cell]:
            enter(moves, now, later, cell)


@compiled
def reach(moves: Moves, mass: Singles) -> NDArray[np.bool_]:
    """The cells (n,) to which belief can come in a step."""
    cells = len(mass) - 1
    reached = np.zeros(cells, dtype=np.bool_)
    by_door = mass[cells] > LEAST_OUT
    for cell in range(cells):
        if mass[cell] > 0.0:
            reached[cell] = True
            for edge in range(moves.first[cell], moves.first[cell + 1]):
                reached[moves.tails[edge]] = True
        elif by_door:
            for edge in range(moves.first[cell], moves.first[cell + 1]):
                if moves.doors[edge] > 0.0:
                    reached[cell] = True
    return reached


@inlined
def enter(moves: Moves, now: Belief, later: Belief, cell: int) -> None:
    """One cell of `later`."""
    cells, out = len(now.mass) - 1, len(now.states) - 1
    stood, walked = moves.stays[cell] * now.states[cell], np.float32(0.0)
    arrived, returned = np.float32(0.0), np.float32(0.0)
    later.rows[cell, :] = 0.0
    for edge in range(moves.first[cell], moves.first[cell + 1]):
        state, tail = cells + edge, moves.tails[edge]
        flow = np.float32(0.0)
        if now.mass[tail] > 0.0:
            for way in range(moves.onto[edge], moves.onto[edge + 1]):
                flow += moves.weights[way] * now.states[moves.sources[way]]
            for column in range(WIDTH):
                later.rows[cell, column] += flow * now.rows[tail, column]
        by_door = moves.doors[edge] * now.states[out]
        walks_on = moves.stays[state] * now.states[state]
        stood += moves.stops[edge] * now.states[state]
        later.states[state] = walks_on + flow + by_door
        walked += walks_on
        arrived += flow
        returned += by_door
    total = stood + walked + arrived + returned
    later.states[cell], later.mass[cell] = stood, total
    share = np.float32(1.0) / max(total, np.float32(NOTHING))
    outer = returned * share
    for column in range(WIDTH):
        later.rows[cell, column] *= share
        later.rows[cell, column] += outer * now.rows[cells, column]
    if now.mass[cell] > 0.0:
        own = (stood + walked) * share
        for column in range(WIDTH):
            later.rows[cell, column] += own * now.rows[cell, column]


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
