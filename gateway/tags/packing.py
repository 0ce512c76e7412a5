"""Beliefs of many tags side by side: packed, since most cells of a tile hold none.

A packed belief never changes. Only cells that hold some are there, one after another, and out of
coverage as the last.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.tags.compiled import compiled, inlined
from gateway.tags.motion import WIDTH, Belief, Moves, Shorts, Singles


class Room(NamedTuple):
    """What is believed of tracks, packed: those of track k begin at `starts[k]`.

    `starts` (n + 1, 2) counts places and states. A place has its cell (`places`), `mass`,
    `likelihood` and row (`rows`); its states are the standing one and those of the edges into it.
    """

    starts: NDArray[np.int64]
    places: Shorts
    mass: Singles
    likelihood: Singles
    rows: Singles
    states: Singles


class Packed(NamedTuple):
    """One belief of a Room, and what it is made of.

    `places` (k,) are cells and, last, out of coverage, with their `mass` and `likelihood` (k,);
    `states` are their standing states, each with those of the edges into it behind.
    """

    places: Shorts
    mass: Singles
    likelihood: Singles
    states: Singles


class Dense(NamedTuple):
    """A belief over all places of a tile, and the likelihood (places,) of the second before."""

    belief: Belief
    likelihood: Singles


def room_for(members: int, sizes: tuple[int, int]) -> Room:
    """Room for so many beliefs, over so many places and states together."""
    places, states = sizes
    return Room(
        np.zeros((members + 1, 2), dtype=np.int64),
        np.empty(places, dtype=np.int16),
        np.empty(places, dtype=np.float32),
        np.empty(places, dtype=np.float32),
        np.empty((places, WIDTH), dtype=np.float32),
        np.empty(states, dtype=np.float32),
    )


def member_of(room: Room, member: int) -> Packed:
    """A copy of the belief of one track."""
    (first, value), (last, end) = room.starts[member : member + 2].tolist()
    return Packed(
        room.places[first:last].copy(),
        room.mass[first:last].copy(),
        room.likelihood[first:last].copy(),
        room.states[value:end].copy(),
    )


def joined(beliefs: Sequence[Packed]) -> Room:
    """Beliefs behind each other; their rows are left out."""
    sizes = [(0, 0), *((len(one.places), len(one.states)) for one in beliefs)]
    return Room(
        np.cumsum(sizes, axis=0),
        np.concatenate([one.places for one in beliefs]),
        np.concatenate([one.mass for one in beliefs]),
        np.concatenate([one.likelihood for one in beliefs]),
        np.empty((0, WIDTH), dtype=np.float32),
        np.concatenate([one.states for one in beliefs]),
    )


def trimmed(room: Room, members: int) -> Room:
    """A copy of what is used of it, by so many tracks."""
    places, states = room.starts[members].tolist()
    return Room(
        room.starts[: members + 1].copy(),
        room.places[:places].copy(),
        room.mass[:places].copy(),
        room.likelihood[:places].copy(),
        room.rows[:places].copy(),
        room.states[:states].copy(),
    )


@compiled
def pack(moves: Moves, dense: Dense, room: Room, member: int) -> None:
    """Write a belief to its place in `room`, which is behind that of the `member` before it."""
    (states, mass, rows), likelihood = dense.belief, dense.likelihood
    count, value = room.starts[member]
    cells = len(mass) - 1
    for cell in range(cells):
        if mass[cell] > 0.0:
            room.places[count] = cell
            room.mass[count] = mass[cell]
            room.likelihood[count] = likelihood[cell]
            for column in range(WIDTH):
                room.rows[count, column] = rows[cell, column]
            count += 1
            room.states[value] = states[cell]
            value += 1
            for edge in range(moves.first[cell], moves.first[cell + 1]):
                room.states[value] = states[cells + edge]
                value += 1
    room.places[count] = cells
    room.mass[count], room.states[value] = mass[cells], mass[cells]
    room.likelihood[count] = likelihood[cells]
    for column in range(WIDTH):
        room.rows[count, column] = rows[cells, column]
    room.starts[member + 1] = count + 1, value + 1


@compiled
def unpack(moves: Moves, room: Room, member: int, dense: Dense) -> None:
    """The opposite of `pack`; the rows of places without belief are zero."""
    first, value = room.starts[member]
    last = room.starts[member + 1, 0]
    dense.belief.rows[:] = 0.0
    dense.likelihood[:] = 0.0
    places, found = room.places[first:last], room.states[value:]
    spread(moves, places, room.mass[first:last], room.rows[first:last], found, dense.belief)
    for k in range(first, last):
        dense.likelihood[room.places[k]] = room.likelihood[k]


@inlined
def spread(
    moves: Moves, places: Shorts, masses: Singles, rows: Singles, states: Singles, belief: Belief
) -> None:
    """A packed belief over all places; the rows of those without belief are left as they are."""
    belief.states[:] = 0.0
    belief.mass[:] = 0.0
    cells, value = len(belief.mass) - 1, 0
    for k in range(len(places)):
        place = places[k]
        belief.mass[place] = masses[k]
        for column in range(WIDTH):
            belief.rows[place, column] = rows[k, column]
        if place == cells:
            belief.states[len(belief.states) - 1] = states[value]
        else:
            belief.states[place] = states[value]
            value += 1
            for edge in range(moves.first[place], moves.first[place + 1]):
                belief.states[cells + edge] = states[value]
                value += 1
