"""One second of many tags in one compiled call: each weighed on its tile, and summed up.

What a step knows of a tag is a row of `Slots`: those of all tags lie side by side, and no object is
asked for anything.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.tags.compiled import array_at, compiled, inlined
from gateway.tags.fix import summary
from gateway.tags.footing import (
    CELLS,
    EDGES,
    INSIDE,
    PATH,
    RIM,
    TILE_NUMBERS,
    ZONE_NUMBERS,
    ZONES,
    Addresses,
    amid_at,
    columns_at,
    listening_at,
    moves_at,
)
from gateway.tags.motion import WIDTH, Belief, Shorts, Singles
from gateway.tags.packing import Dense, Room, pack, spread
from gateway.tags.weighing import MOST_HEARD, Doubles, Heard, Learned, Listening, weigh

Bits = NDArray[np.bool_]

PLACES, AT_PLACES, AT_MASS, AT_ROWS, AT_STATES = range(5)  # where a belief is packed
BELIEF_NUMBERS = 5
NEAREST = 4

PACE_LEARNING = 0.1
LONGEST_INTERVAL_S = 20.0
SURE_TO_SEND = 0.95
ASTRAY_SECONDS = 5

SILENT_AFTER_S = 30.0
SILENT_AFTER_INTERVALS = 4.0
ENOUGH_MISSED_HEARINGS = 3.0
GOES_ON, UNKNOWN, GONE, FELL_SILENT = range(4)  # how a track ends


class Slots(NamedTuple):
    """What is known of many tracks, one a row.

    `tiles` are addresses of tiles (Tile.address), `beliefs` where each belief is packed. Of levels:
    `covariance` (n, WIDTH, WIDTH), `prior`, `owners` and `last_heard` (n, WIDTH) as in Learned.
    `interval_s` is how often the tag is heard, `silence_log` how much silence has said,
    `missed_hearings` how many hearings were to be expected since second `heard_in`, and `astray`
    for how many seconds those that hear it best have stood elsewhere.
    """

    tiles: Addresses
    beliefs: Addresses
    covariance: Doubles
    prior: Doubles
    owners: NDArray[np.int32]
    last_heard: Addresses
    interval_s: Doubles
    silence_log: Doubles
    missed_hearings: Doubles
    heard_in: Addresses
    astray: Addresses


def slots_for(count: int) -> Slots:
    """Rows for so many tracks, with nothing in them."""
    return Slots(
        np.zeros((count, TILE_NUMBERS), dtype=np.int64),
        np.zeros((count, BELIEF_NUMBERS), dtype=np.int64),
        np.zeros((count, WIDTH, WIDTH)),
        np.zeros((count, WIDTH)),
        np.zeros((count, WIDTH), dtype=np.int32),
        np.zeros((count, WIDTH), dtype=np.int64),
        np.zeros(count),
        np.zeros(count),
        np.zeros(count),
        np.zeros(count, dtype=np.int64),
        np.zeros(count, dtype=np.int64),
    )


class Common(NamedTuple):
    """What holds for the levels of all tags, as in Learned."""

    kept: Doubles
    packet_variance: float


class News(NamedTuple):
    """What one second brought: the readings of track k are `heard[begins[k]:ends[k]]`.

    `alive` (receivers of the site,) are those whose silence is evidence.
    """

    second: int
    begins: Addresses
    ends: Addresses
    heard: Heard
    alive: Bits


class Outcomes(NamedTuple):
    """What a second told of each track (n,).

    `heard` is how many readings there were, `unheard_s` for how long there was none of use. `rim`
    is the belief on the tile's rim, `middle` (n, 2) its mean point. It is `strange` where who heard
    the tag best is not among the receivers nearest to where it is. `ending` says how the track
    ends. `points` (n, 6) and `zones` (n, z) are those of fixes.
    """

    log_evidence: Doubles
    heard: Addresses
    unheard_s: Addresses
    rim: Doubles
    middle: Doubles
    strange: Bits
    ending: NDArray[np.int8]
    points: Doubles
    zones: Singles


def outcomes_for(count: int, zones: int) -> Outcomes:
    """Room for what is told of so many tracks."""
    return Outcomes(
        np.empty(count),
        np.empty(count, dtype=np.int64),
        np.empty(count, dtype=np.int64),
        np.empty(count),
        np.empty((count, 2)),
        np.empty(count, dtype=bool),
        np.empty(count, dtype=np.int8),
        np.empty((count, 6)),
        np.zeros((count, zones), dtype=np.float32),
    )


@compiled
def hold(slots: Slots, members: Addresses, room: Room) -> None:
    """From now on, the beliefs of the tracks in these slots are those in `room`."""
    for k in range(len(members)):
        place, value = room.starts[k]
        held = slots.beliefs[members[k]]
        held[PLACES] = room.starts[k + 1, 0] - place
        held[AT_PLACES] = room.places.ctypes.data + place * room.places.itemsize
        held[AT_MASS] = room.mass.ctypes.data + place * room.mass.itemsize
        held[AT_ROWS] = room.rows.ctypes.data + place * WIDTH * room.rows.itemsize
        held[AT_STATES] = room.states.ctypes.data + value * room.states.itemsize


@compiled
def step(
    news: News,
    members: Addresses,
    order: Addresses,
    slots: Slots,
    common: Common,
    room: Room,
    told: Outcomes,
) -> None:
    """Carry some of the tracks in the slots `members` (n,) through a second, and tell of them.

    `order` numbers them; in that order what they then believe is written to `room`. What was
    learned is changed in its place.
    """
    for j in range(len(order)):
        k = order[j]
        slot = members[k]
        tile = slots.tiles[slot]
        listening, belief = listening_at(tile), held_by(slots, slot, tile)
        near = nearby(listening, news.heard, news.begins[k], news.ends[k])
        learned = Learned(
            slots.covariance[slot],
            slots.prior[slot],
            common.kept,
            slots.owners[slot],
            slots.last_heard[slot],
            common.packet_variance,
        )
        weighed = weigh(
            news.second,
            moves_at(tile),
            listening,
            near,
            news.alive,
            min(1 / slots.interval_s[slot], SURE_TO_SEND),
            learned,
            belief,
            slots.silence_log[slot],
        )
        note(slots, slot, news.second, len(near.receivers), weighed.missed, weighed.silence_log)
        pack(moves_at(tile), Dense(belief, weighed.likelihood), room, j)
        told.log_evidence[k] = weighed.log_evidence
        told.unheard_s[k] = news.second - slots.heard_in[slot]
        told.ending[k] = ending(slots, slot, told.unheard_s[k], belief.mass[tile[CELLS]])
        tell(tile, news, k, belief.mass, room, j, told)


@inlined
def held_by(slots: Slots, slot: int, tile: Addresses) -> Belief:
    """What a track believes, over all places of its tile."""
    cells, states = tile[CELLS], tile[CELLS] + tile[EDGES] + 1
    belief = Belief(
        np.empty(states, dtype=np.float32),
        np.empty(cells + 1, dtype=np.float32),
        np.empty((cells + 1, WIDTH), dtype=np.float32),
    )
    held = slots.beliefs[slot]
    count = held[PLACES]
    spread(
        moves_at(tile),
        array_at(held[AT_PLACES], count, np.int16),
        array_at(held[AT_MASS], count, np.float32),
        array_at(held[AT_ROWS], (count, WIDTH), np.float32),
        array_at(held[AT_STATES], states, np.float32),
        belief,
    )
    return belief


@inlined
def tell(
    tile: Addresses, news: News, k: int, mass: Singles, room: Room, j: int, told: Outcomes
) -> None:
    """Where track k is by its `mass` (places,), which stands as the j-th in `room`."""
    listening, cells = listening_at(tile), tile[CELLS]
    told.heard[k] = news.ends[k] - news.begins[k]
    told.strange[k] = told.heard[k] > 0 and is_strange(
        listening, news.heard.receivers[news.begins[k]], mass
    )
    first, last = room.starts[j, 0], room.starts[j + 1, 0] - 1  # without out of coverage
    told.rim[k] = locate(
        tile, room.places[first:last], room.mass[first:last], told.middle[k], told.zones[k]
    )
    point, path = told.points[k], array_at(tile[PATH], cells, np.int32)
    point[0], point[1], point[2], point[3], point[4], point[5] = summary(
        listening.cells, path, mass
    )


@inlined
def note(
    slots: Slots, slot: int, second: int, near: int, missed: float, silence_log: float
) -> None:
    """Whether the tag was heard, and for how long it was not."""
    if near == 0:
        slots.missed_hearings[slot] += missed
        slots.silence_log[slot] = silence_log
        return
    pause_s = min(float(second - slots.heard_in[slot]), LONGEST_INTERVAL_S)
    slots.interval_s[slot] += PACE_LEARNING * (max(pause_s, 1.0) - slots.interval_s[slot])
    slots.heard_in[slot] = second
    slots.missed_hearings[slot] = slots.silence_log[slot] = 0.0


@inlined
def ending(slots: Slots, slot: int, unheard_s: int, out: float) -> int:
    """Whether and how a track ends that was unheard for so long; `out` of coverage believed.

    A tag that no living receiver could have heard is UNKNOWN.
    """
    if unheard_s < max(SILENT_AFTER_S, SILENT_AFTER_INTERVALS * slots.interval_s[slot]):
        return GOES_ON
    if slots.missed_hearings[slot] < ENOUGH_MISSED_HEARINGS:
        return UNKNOWN
    return GONE if out > 0.5 else FELL_SILENT


@compiled
def are_lost(members: Addresses, slots: Slots, news: News) -> Bits:
    """Which tags (n,) are not where they were followed to: ask once a second, before the step.

    A tag is lost where no receiver nearby hears it, or where those that hear it best stand
    elsewhere for some seconds.
    """
    lost = np.zeros(len(members), dtype=np.bool_)
    for k in range(len(members)):
        slot, first = members[k], news.begins[k]
        if first == news.ends[k]:
            continue
        tile = slots.tiles[slot]
        columns = columns_at(tile)
        best = columns[news.heard.receivers[first]]
        if best >= 0 and amid_at(tile)[best]:
            slots.astray[slot] = 0
            continue
        slots.astray[slot] += 1
        nowhere = True
        for reading in range(first, news.ends[k]):
            if columns[news.heard.receivers[reading]] >= 0:
                nowhere = False
        lost[k] = nowhere or slots.astray[slot] >= ASTRAY_SECONDS
    return lost


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
    tile: Addresses, places: Shorts, mass: Singles, middle: Doubles, zones: Singles
) -> float:
    """The `middle` (2,) of a belief in some `places` of a tile, and its share in `zones` (z,).

    Returns how much of it is on the tile's rim.
    """
    count, inner = tile[CELLS], tile[ZONES]
    cells, rim = listening_at(tile).cells, array_at(tile[RIM], count, np.bool_)
    numbers = array_at(tile[ZONE_NUMBERS], inner, np.int32)
    inside = array_at(tile[INSIDE], (inner, count), np.float32)
    on_rim, east, north, total = 0.0, 0.0, 0.0, 0.0
    for k in range(len(places)):
        cell = places[k]
        total += mass[k]
        east += mass[k] * cells[cell, 0]
        north += mass[k] * cells[cell, 1]
        if rim[cell]:
            on_rim += mass[k]
    middle[0], middle[1] = east / total, north / total
    for row in range(inner):
        share = 0.0
        for k in range(len(places)):
            share += inside[row, places[k]] * mass[k]
        zones[numbers[row]] = share / total
    return on_rim
