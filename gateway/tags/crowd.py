"""One second of many tags in one compiled call: each weighed on its tile, and summed up."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.tags.compiled import (
    addresses_of,
    codes_at,
    compiled,
    counts_at,
    doubles_at,
    inlined,
    marks_at,
    seconds_at,
    shorts_at,
    singles_at,
)
from gateway.tags.fix import Fix, summary
from gateway.tags.motion import WIDTH, Belief, Moves, Singles, packed, unpacked
from gateway.tags.tile import Tile
from gateway.tags.weighing import MOST_HEARD, Doubles, Heard, Learned, Listening, weigh

Addresses = NDArray[np.int64]

CELLS, EDGES, WAYS, RECEIVERS, ALL, ZONES = range(6)  # a tile's sizes, before its addresses
BELIEF = 5  # where its addresses begin among those of a track
SUMMARY = 6
NEAREST = 4


class Outcome(NamedTuple):
    """What a second told of one tag, in numbers.

    `near` is how many of its readings were of use. `rim` is the belief on the tile's rim, `middle`
    the mean point of the belief. It is `strange` where who heard the tag best is not among the
    receivers nearest to where it is.
    """

    log_evidence: float
    missed: float
    silence_log: float
    near: float
    rim: float
    middle_east: float
    middle_north: float
    strange: float


class Told(NamedTuple):
    """What a second told of one tag: as `weigh` says it, and where the tag is then.

    The rows of `belief` are packed. All arrays are parts of larger ones, those of many tags.
    """

    outcome: Outcome
    belief: Belief
    address: Addresses
    likelihood: Singles
    fix: Fix


class Member(NamedTuple):
    """One tag whose second is to be weighed: its addresses are those of `address_of`."""

    tile: Tile
    address: Addresses
    learned: Learned
    heard: Heard
    sent: float
    silence_log: float


def address_of(learned: Learned, belief: Belief) -> Addresses:
    """Where all lies that a step needs of a track."""
    arrays = (learned.covariance, learned.prior, learned.kept, learned.owners, learned.last_heard)
    return addresses_of((*arrays, *belief))


def step(second: int, members: Sequence[Member], alive: NDArray[np.bool_]) -> list[Told]:
    """Carry all beliefs through `second`; the arguments are those of `weigh`.

    What was learned is changed in its place, a belief is not.
    """
    tiles = np.array([one.tile.address for one in members])
    tracks = np.array([one.address for one in members])
    states = _starts(tiles[:, CELLS] + tiles[:, EDGES] + 1)
    places = _starts(tiles[:, CELLS] + 1)
    room = Room(
        states,
        np.empty(states[-1], dtype=np.float32),
        places,
        np.empty(places[-1], dtype=np.float32),
        np.empty(places[-1], dtype=np.float32),
        np.zeros(len(members) + 1, dtype=np.int64),
        np.empty((places[-1], WIDTH), dtype=np.float32),
        np.empty((len(members), len(Outcome._fields))),
        np.empty((len(members), SUMMARY)),
        np.zeros((len(members), members[0].tile.zone_count), dtype=np.float32),
    )
    _step(
        second,
        tiles,
        tracks,
        np.array([(one.sent, one.silence_log, one.learned.packet_variance) for one in members]),
        _starts(np.array([len(one.heard.receivers) for one in members])),
        Heard(*(np.concatenate(part) for part in zip(*(o.heard for o in members), strict=True))),
        alive,
        room,
    )
    room = room._replace(packed=room.packed[: room.rows[-1]].copy())
    for column, (array, starts) in enumerate(
        ((room.states, room.at_states), (room.mass, room.at_places), (room.packed, room.rows))
    ):
        tracks[:, BELIEF + column] = addresses_of([array])[0] + starts[:-1] * array.strides[0]
    return _told(room, tracks)


class Room(NamedTuple):
    """Room for what many tags are told, side by side; `at_states`, `at_places`, `rows` say where
    those of each begin.
    """

    at_states: Addresses
    states: Singles
    at_places: Addresses
    mass: Singles
    likelihood: Singles
    rows: Addresses
    packed: Singles
    outcomes: Doubles
    points: Doubles
    zones: Singles


def _told(room: Room, addresses: Addresses) -> list[Told]:
    beliefs = [
        Belief(room.states[a:b], room.mass[c:d], room.packed[e:f])
        for (a, b), (c, d), (e, f) in zip(
            pairwise(room.at_states.tolist()),
            pairwise(room.at_places.tolist()),
            pairwise(room.rows.tolist()),
            strict=True,
        )
    ]
    likelihoods = [room.likelihood[a:b] for a, b in pairwise(room.at_places.tolist())]
    fixes = [
        Fix((east, north), radius68_m, radius95_m, inside, int(path), share)
        for (east, north, radius68_m, radius95_m, path, share), inside in zip(
            room.points.tolist(), room.zones, strict=True
        )
    ]
    outcomes = map(Outcome._make, room.outcomes.tolist())
    return list(map(Told, outcomes, beliefs, addresses, likelihoods, fixes))


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where parts of such lengths begin in one array, and where the last ends."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])


@compiled
def _step(
    second: int,
    tiles: Addresses,
    tracks: Addresses,
    known: Doubles,
    firsts: Addresses,
    heard: Heard,
    alive: NDArray[np.bool_],
    room: Room,
) -> None:
    """Of each member: rows of `tiles`, `tracks`, `known`; `firsts` are where its readings begin."""
    for k in range(len(tiles)):
        tile = tiles[k]
        listening, belief = listening_at(tile), unpacked(belief_at(tracks[k], tile))
        near = nearby(listening, heard, firsts[k], firsts[k + 1])
        weighed = weigh(
            second,
            moves_at(tile),
            listening,
            near,
            alive,
            known[k, 0],
            learned_at(tracks[k], known[k]),
            belief,
            known[k, 1],
        )
        first, last = room.at_places[k], room.at_places[k + 1]
        room.states[room.at_states[k] : room.at_states[k + 1]] = belief.states
        room.mass[first:last] = belief.mass
        room.likelihood[first:last] = weighed.likelihood
        room.rows[k + 1] = room.rows[k] + packed(belief, room.packed[room.rows[k] :])
        outcome = room.outcomes[k]
        outcome[0], outcome[1] = weighed.log_evidence, weighed.missed
        outcome[2], outcome[3] = weighed.silence_log, len(near.receivers)
        outcome[7] = 0.0
        if firsts[k] < firsts[k + 1]:
            outcome[7] = is_strange(listening, heard.receivers[firsts[k]], belief.mass)
        locate(tile, listening.cells, belief.mass, outcome, room.points[k], room.zones[k])


@inlined
def moves_at(tile: Addresses) -> Moves:
    """The moves of a tile."""
    cells, edges, ways = tile[CELLS], tile[EDGES], tile[WAYS]
    return Moves(
        shorts_at(tile[6], cells + 1),
        shorts_at(tile[7], edges),
        shorts_at(tile[8], edges + 1),
        shorts_at(tile[9], ways),
        singles_at(tile[10], ways),
        singles_at(tile[11], edges),
        singles_at(tile[12], cells + edges + 1),
        singles_at(tile[13], edges),
        singles_at(tile[14], cells + edges + 1),
    )


@inlined
def listening_at(tile: Addresses) -> Listening:
    """What is heard on a tile."""
    cells, receivers = tile[CELLS], tile[RECEIVERS]
    return Listening(
        singles_at(tile[15], (cells, 2)),
        counts_at(tile[16], receivers),
        shorts_at(tile[17], tile[ALL]),
        codes_at(tile[18], (cells, receivers)),
        singles_at(tile[19], (receivers, 3)),
        singles_at(tile[20], receivers),
        singles_at(tile[21], receivers),
        singles_at(tile[22], receivers),
    )


@inlined
def learned_at(track: Addresses, known: Doubles) -> Learned:
    """What is known of the levels of a track."""
    return Learned(
        doubles_at(track[0], (WIDTH, WIDTH)),
        doubles_at(track[1], WIDTH),
        doubles_at(track[2], WIDTH),
        counts_at(track[3], WIDTH),
        seconds_at(track[4], WIDTH),
        known[2],
    )


@inlined
def belief_at(track: Addresses, tile: Addresses) -> Belief:
    """What is believed of a track on its tile; at most so many rows."""
    cells, edges = tile[CELLS], tile[EDGES]
    return Belief(
        singles_at(track[5], cells + edges + 1),
        singles_at(track[6], cells + 1),
        singles_at(track[7], (cells + 1, WIDTH)),
    )


@compiled
def nearby(listening: Listening, heard: Heard, first: int, last: int) -> Heard:
    """The strongest readings by receivers of the tile; the weakest of many say little."""
    kept = np.empty(MOST_HEARD, dtype=np.int64)
    count = 0
    for k in range(first, last):
        if count < MOST_HEARD and listening.columns[heard.receivers[k]] >= 0:
            kept[count] = k
            count += 1
    kept = kept[:count]
    return Heard(heard.receivers[kept], heard.dbm[kept], heard.packets[kept])


@compiled
def is_strange(listening: Listening, receiver: int, mass: Singles) -> bool:
    """Whether `receiver` is not among those nearest to the likeliest cell."""
    column = listening.columns[receiver]
    if column < 0:
        return True
    cell = np.argmax(mass[:-1])
    east, north = listening.cells[cell, 0], listening.cells[cell, 1]
    nearer, limit = 0, away(listening.antennas, column, east, north)
    for other in range(len(listening.antennas)):
        if away(listening.antennas, other, east, north) < limit:
            nearer += 1
    return nearer >= NEAREST


@inlined
def away(antennas: Singles, column: int, east: float, north: float) -> float:
    """The square of how far an antenna is from a point."""
    return float((antennas[column, 0] - east) ** 2 + (antennas[column, 1] - north) ** 2)


@compiled
def locate(
    tile: Addresses,
    cells: Singles,
    mass: Singles,
    outcome: Doubles,
    point: Doubles,
    zones: Singles,
) -> None:
    """Where on the tile the belief is: the rest of `outcome`, a Fix's `point` and `zones` (z,)."""
    count, inner = tile[CELLS], tile[ZONES]
    path, rim = counts_at(tile[23], count), marks_at(tile[24], count)
    numbers, inside = counts_at(tile[25], inner), singles_at(tile[26], (inner, count))
    on_rim, east, north, total = 0.0, 0.0, 0.0, 0.0
    for cell in range(count):
        if mass[cell] > 0.0:
            total += mass[cell]
            east += mass[cell] * cells[cell, 0]
            north += mass[cell] * cells[cell, 1]
            if rim[cell]:
                on_rim += mass[cell]
    outcome[4], outcome[5], outcome[6] = on_rim, east / total, north / total
    for row in range(inner):
        share = 0.0
        for cell in range(count):
            share += inside[row, cell] * mass[cell]
        zones[numbers[row]] = share / total
    point[0], point[1], point[2], point[3], point[4], point[5] = summary(cells, path, mass)
