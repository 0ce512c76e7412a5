"""What one second of one tag says about its place: the readings, and who heard nothing.

Every cell carries its own means of what is not known of the levels (`levels.py`); the covariance is
shared. The readings are weighed given those means, and the means learn from them, cell by cell.
Only cells that hold belief take part; a cell that regains some begins with the usual means.
"""

from math import log, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.tags.arriving import ARRIVES, HEARING, LOUDER, step_of
from gateway.tags.compiled import compiled, inlined
from gateway.tags.gaussian import (
    Doubles as Doubles,
)
from gateway.tags.gaussian import (
    crossed,
    drifted,
    gained,
    learn,
    spread_of,
    whitened,
)
from gateway.tags.listening import CODES_PER_DB as CODES_PER_DB
from gateway.tags.listening import FIRST as FIRST
from gateway.tags.listening import FREE as FREE
from gateway.tags.listening import Codes, level_dbm, slot_of
from gateway.tags.listening import Heard as Heard
from gateway.tags.listening import Learned as Learned
from gateway.tags.listening import Listening as Listening
from gateway.tags.listening import decoded as decoded
from gateway.tags.listening import encoded as encoded
from gateway.tags.missing import weigh_misses
from gateway.tags.motion import WIDTH, Belief, Counts, Moves, Singles, advance, at
from gateway.tags.rows import plus, put_row, row_at, sum_of, times, zero_row

MOST_HEARD = 12

LEAST_MASS = 2e-5
RESCUED = 1e-3
STRIPES, STRIPE_CELLS = 8, 16  # more stripes where they would be wider
TAG_HEIGHT_M = 1.0
NEAREST_M = 1.0

PLAIN_SD_DB = 5.0
CLIP_SDS = 4.0  # beyond that a reading says no more
FAR_DBM, FAR_DB_PER_DB = -72.0, 0.25  # what comes from far has met more on its way
SHARED_BY_PACKETS = 0.25  # the part of their variance that more packets do not average out

FORGOTTEN_AFTER_S = 40  # unheard: it may be met again elsewhere
OFFSET_DRIFT_DB = 0.05  # per square root of a second

HEARD_OUT_LOG = -3.0  # to be heard, and yet out of coverage
SILENCE_LOG = 4.0  # the most that silence says for it
LOWEST_LOG = -25.0  # smaller numbers are slow, and nothing comes of them

COLUMN, SLOT = range(2)  # of a reading's receiver: that of Listening, that of the means
EAST, NORTH, DBM, THRESHOLD, LIMIT, USUAL = range(6)
TERMS, GAIN, WHITE = 3, 1, 2


class Weighed(NamedTuple):
    """What a second said.

    `likelihood` (places,) is that of the middle of the second. `log_evidence` is the log density of
    what was heard and missed, under all that was known before. `missed` is the number of hearings
    that were to be expected where there was none, `silence_log` how much silence has said.
    """

    likelihood: Singles
    log_evidence: float
    missed: float
    silence_log: float


@compiled
def weigh(
    second: int,
    moves: Moves,
    listening: Listening,
    heard: Heard,
    alive: NDArray[np.bool_],
    sent: float,
    learned: Learned,
    belief: Belief,
    silence_log: float,
) -> Weighed:
    """One second of the filter: half of it forward, the readings weighed, and on to its end.

    `belief` and `learned` are carried on in their place; the rows are the means of what is not
    known of the levels. `alive` (all,) are receivers whose silence is evidence; `sent` is the
    probability that the tag sent anything at all, given that nobody heard it.
    """
    drift(learned)
    states, mass, means = halfway = Belief(
        np.empty_like(belief.states), np.empty_like(belief.mass), np.empty_like(belief.rows)
    )
    advance(moves, belief, halfway)
    believed = rescued(second, states, mass, means)
    fade(means, learned.kept, believed)
    scores = np.zeros(len(mass), dtype=np.float32)
    missed = weigh_misses(listening, heard, alive, sent, learned, mass, means, believed, scores)
    normaliser = 0.0
    if len(heard.receivers) > 0:
        slots = slots_of(second, listening, heard, learned, means)
        normaliser = weigh_readings(listening, heard, slots, learned, mass, means, believed, scores)
    silence_log = weigh_absence(len(heard.receivers), mass, believed, scores, silence_log)
    likelihood, best = likelihood_of(believed, scores)
    total = condition(moves, halfway, likelihood)
    advance(moves, halfway, belief)
    return Weighed(likelihood, log(total) + best + normaliser, missed, silence_log)


@inlined
def weigh_absence(
    hearers: int, mass: Singles, believed: Counts, scores: Singles, silence_log: float
) -> float:
    """Write to `scores` (places,) that of being out of coverage; how much silence has said then."""
    best, average = scores[believed[0]], 0.0
    for cell in believed:
        best = max(best, scores[cell])
        average += mass[cell] * scores[cell]
    if hearers > 0:
        scores[-1] = best + np.float32(HEARD_OUT_LOG)
        return silence_log
    average /= 1.0 - mass[-1]
    gain = min(-average, SILENCE_LOG - silence_log)
    scores[-1] = average + gain
    return float(silence_log + gain)


@inlined
def likelihood_of(believed: Counts, scores: Singles) -> tuple[Singles, float]:
    """The likelihood (places,) by its log, up to a factor; the log of that factor."""
    best = scores[-1]
    for cell in believed:
        best = max(best, scores[cell])
    likelihood = np.zeros(len(scores), dtype=np.float32)
    for cell in believed:
        likelihood[cell] = np.exp(max(scores[cell] - best, np.float32(LOWEST_LOG)))
    likelihood[-1] = np.exp(max(scores[-1] - best, np.float32(LOWEST_LOG)))
    return likelihood, float(best)


@inlined
def condition(moves: Moves, belief: Belief, likelihood: Singles) -> float:
    """Multiply what is believed of each place by its likelihood (places,); the sum before scaling.

    A cell whose part of what is then believed of the map is less than LEAST_MASS holds nothing:
    to carry such cells on costs as much as to carry others.
    """
    states, mass, _ = belief
    cells, on_map = len(mass) - 1, np.float32(0.0)
    for cell in range(cells):
        on_map += mass[cell] * likelihood[cell]
    least, kept = np.float32(LEAST_MASS) * on_map, np.float32(0.0)
    for cell in range(cells):
        weighed = mass[cell] * likelihood[cell]
        kept += weighed if weighed >= least else np.float32(0.0)
    out = mass[cells] * likelihood[cells]
    scale = np.float32(1.0) / (kept + out)
    for cell in range(cells):
        if mass[cell] > 0.0:
            factor = likelihood[cell] * scale
            if mass[cell] * likelihood[cell] < least:
                factor = np.float32(0.0)
            mass[cell] *= factor
            states[cell] *= factor
            for edge in range(at(moves.first[cell]), at(moves.first[cell + 1])):
                states[cells + edge] *= factor
    mass[cells] = states[-1] = out * scale
    return float(on_map + out)


@inlined
def drift(learned: Learned) -> None:
    """A second passes: deviations return to what is usual, the offset grows less certain."""
    covariance, prior, kept = learned.covariance, learned.prior, learned.kept
    drifted(covariance, kept)
    for column in range(WIDTH):
        covariance[column, column] += prior[column] * (1 - kept[column] ** 2)
    room = max(prior[0] - covariance[0, 0], 0.0)
    covariance[0, 0] += min(OFFSET_DRIFT_DB**2, room)


@inlined
def fade(means: Singles, kept: Doubles, cells: Counts) -> None:
    """The means' part in that, at some `cells` and out of coverage."""
    factors = kept.astype(np.float32).reshape(1, WIDTH)
    every = row_at(factors, 0)
    for cell in cells:
        put_row(means, cell, times(row_at(means, cell), every))
    out = len(means) - 1
    put_row(means, out, times(row_at(means, out), every))


@inlined
def slots_of(
    second: int, listening: Listening, heard: Heard, learned: Learned, means: Singles
) -> Counts:
    """The column (h,) of each receiver that heard the tag; those unheard for long lose theirs."""
    for slot in range(FIRST, WIDTH):
        if learned.owners[slot] != FREE and second - learned.last_heard[slot] > FORGOTTEN_AFTER_S:
            give(slot, FREE, 0.0, learned, means)
    slots = np.empty(len(heard.receivers), dtype=np.int32)
    for k in range(len(slots)):
        slots[k] = slot_of(heard.receivers[k], learned)
        if slots[k] != FREE:
            learned.last_heard[slots[k]] = second
    for k in range(len(slots)):
        if slots[k] == FREE:
            receiver = heard.receivers[k]
            variance = listening.variance[listening.columns[receiver]]
            slots[k] = free_slot(learned)
            give(slots[k], receiver, variance, learned, means)
            learned.last_heard[slots[k]] = second
    return slots


@inlined
def free_slot(learned: Learned) -> int:
    """A column that is nobody's; else that of the receiver not heard for longest."""
    oldest = FIRST
    for slot in range(FIRST, WIDTH):
        if learned.owners[slot] == FREE:
            return slot
        if learned.last_heard[slot] < learned.last_heard[oldest]:
            oldest = slot
    return oldest


@inlined
def give(slot: int, owner: int, variance: float, learned: Learned, means: Singles) -> None:
    """A column for another owner, of whom nothing is known."""
    learned.owners[slot] = owner
    learned.prior[slot] = variance
    learned.covariance[slot, :] = 0.0
    learned.covariance[:, slot] = 0.0
    learned.covariance[slot, slot] = variance
    means[:, slot] = 0.0


@inlined
def rescued(second: int, states: Singles, mass: Singles, means: Singles) -> Counts:
    """The cells that hold belief, after a little of it was put anywhere: no mistake is for ever.

    Each second another stripe of the cells gets some. `states`, `mass` and `means` are changed.
    """
    cells = len(mass) - 1
    usual, total = zero_row(), np.float32(1e-9)
    for cell in range(cells):
        if mass[cell] >= LEAST_MASS:
            total += mass[cell]
            usual = plus(usual, mass[cell], row_at(means, cell))
    stripe, stripes, members = stripe_of(second, cells)
    shape = np.zeros((1, WIDTH), dtype=np.float32)
    shape[0, :FIRST] = np.float32(1.0) / total
    usual = times(usual, row_at(shape, 0))
    share = np.float32(RESCUED / members)
    states *= np.float32(1 - RESCUED)
    mass *= np.float32(1 - RESCUED)
    for cell in range(stripe, cells, stripes):
        if mass[cell] < LEAST_MASS:
            put_row(means, cell, usual)
        states[cell] += share
        mass[cell] += share
    believed = np.empty(cells, dtype=np.int32)
    count = 0
    for cell in range(cells):
        believed[count] = cell
        count += mass[cell] >= LEAST_MASS
    return believed[:count]


@inlined
def stripe_of(second: int, cells: int) -> tuple[int, int, int]:
    """The cells k with k % stripes == stripe are rescued in `second`: stripe, stripes, members."""
    stripes = min(max(STRIPES, cells // STRIPE_CELLS), cells)
    stripe = second % stripes
    return stripe, stripes, (cells - 1 - stripe) // stripes + 1


@inlined
def weigh_readings(
    listening: Listening,
    heard: Heard,
    slots: Counts,
    learned: Learned,
    mass: Singles,
    means: Singles,
    believed: Counts,
    scores: Singles,
) -> float:
    """Add to `scores` (places,) the log likelihood of what was heard; learn from it.

    `means` and the covariance are changed. Returns the part of the log density that cells share.
    """
    parts = np.empty((len(slots), 2), dtype=np.int32)
    for k in range(len(slots)):
        parts[k, COLUMN], parts[k, SLOT] = listening.columns[heard.receivers[k]], slots[k]
    point = middle_of(listening.cells, mass, believed)
    leans = directions(point, listening.antennas, parts[:, COLUMN])
    cross = crossed(learned.covariance, leans, slots)
    spread = spread_of(cross, leans, slots)
    limits = with_noise(spread, heard, learned.packet_variance)
    whitener, log_determinant = whitened(spread, cross)
    learn(learned.covariance, cross)
    terms = terms_of(listening, heard, parts, leans, limits)
    say(terms, whitener, cross)
    weigh_cells(listening.expected, parts, terms, mass, means, believed, scores)
    learn_outside(parts, terms, means)
    return -0.5 * (len(slots) * log(2 * pi) + log_determinant)


@inlined
def with_noise(spread: Doubles, heard: Heard, packet_variance: float) -> Singles:
    """Add to `spread` (h, h) what packets deviate by; where surprises (h,) are clipped."""
    limits = np.empty(len(spread), dtype=np.float32)
    for k in range(len(spread)):
        limits[k] = CLIP_SDS * sqrt(spread[k, k] + PLAIN_SD_DB**2)
        by_packets = SHARED_BY_PACKETS + (1 - SHARED_BY_PACKETS) / heard.packets[k]
        far_db = FAR_DB_PER_DB * max(FAR_DBM - heard.dbm[k], 0.0)
        spread[k, k] += packet_variance * by_packets + far_db**2
    return limits


@inlined
def terms_of(
    listening: Listening, heard: Heard, parts: Counts, leans: Singles, limits: Singles
) -> Singles:
    """What cells need of the readings, beside each other: TERMS rows for each, the first filled.

    In it, by EAST to LIMIT: how far the reading looks east and north, its level and the receiver's
    threshold, and where surprises are clipped.
    """
    terms = np.zeros((TERMS * len(parts), WIDTH), dtype=np.float32)
    for k in range(len(parts)):
        first = TERMS * k
        terms[first, EAST], terms[first, NORTH] = leans[k, 0], leans[k, 1]
        terms[first, DBM], terms[first, LIMIT] = heard.dbm[k], limits[k]
        terms[first, THRESHOLD] = listening.threshold_dbm[parts[k, COLUMN]]
    return terms


@inlined
def say(terms: Singles, whitener: Doubles, cross: Doubles) -> None:
    """Fill what each dB of surprise says: GAIN, what the means learn of it, and WHITE, its part in
    numbers that are independent of each other and of variance 1.
    """
    hearers = len(cross)
    for k in range(hearers):
        put_row(terms, TERMS * k + GAIN, gained(whitener, cross, k))
        for later in range(k, hearers):
            terms[TERMS * k + WHITE, later] = whitener[later, k]


@inlined
def weigh_cells(
    expected: Codes,
    parts: Counts,
    terms: Singles,
    mass: Singles,
    means: Singles,
    believed: Counts,
    scores: Singles,
) -> None:
    """The part of `weigh_readings` that every cell has of its own.

    By USUAL, `terms` then have the mean level of the usual tag.
    """
    share = np.float32(0.0)
    for cell in believed:
        share += mass[cell]
    share = np.float32(1.0) / share
    for cell in believed:
        row, white, score = row_at(means, cell), zero_row(), np.float32(0.0)
        for k in range(len(parts)):
            first = TERMS * k
            level = level_dbm(expected[cell, at(parts[k, COLUMN])])
            terms[first, USUAL] += share * mass[cell] * level
            level += deviation(means, cell, at(parts[k, SLOT]), terms, first)
            step = step_of(level - terms[first, THRESHOLD])
            score += HEARING[step, ARRIVES]
            surprise = surprise_of(level + HEARING[step, LOUDER], terms, first)
            row = plus(row, surprise, row_at(terms, first + GAIN))
            white = plus(white, surprise, row_at(terms, first + WHITE))
        put_row(means, cell, row)
        scores[cell] += score - np.float32(0.5) * sum_of(times(white, white))


@inlined
def learn_outside(parts: Counts, terms: Singles, means: Singles) -> None:
    """Out of coverage, where levels are the usual ones, the means learn too."""
    out = len(means) - 1
    row = row_at(means, out)
    for k in range(len(parts)):
        first = TERMS * k
        level = terms[first, USUAL] + deviation(means, out, at(parts[k, SLOT]), terms, first)
        row = plus(row, surprise_of(level, terms, first), row_at(terms, first + GAIN))
    put_row(means, out, row)


@inlined
def deviation(means: Singles, place: int, slot: int, terms: Singles, first: int) -> np.float32:
    """How much stronger a reading is to be expected at a place than that of the usual tag."""
    return np.float32(
        means[place, 0]
        + terms[first, EAST] * means[place, 1]
        + terms[first, NORTH] * means[place, 2]
        + means[place, slot]
    )


@inlined
def surprise_of(level: np.float32, terms: Singles, first: int) -> np.float32:
    """How much stronger the reading is than `level`; wild ones are clipped."""
    limit = terms[first, LIMIT]
    return np.float32(min(max(terms[first, DBM] - level, -limit), limit))


@inlined
def middle_of(cells: Singles, mass: Singles, believed: Counts) -> Singles:
    """The mean point (2,) of the belief."""
    east, north, total = np.float32(0.0), np.float32(0.0), np.float32(0.0)
    for cell in believed:
        total += mass[cell]
        east += mass[cell] * cells[cell, 0]
        north += mass[cell] * cells[cell, 1]
    return np.array([east / total, north / total], dtype=np.float32)


@inlined
def directions(point: Singles, antennas: Singles, columns: Counts) -> Singles:
    """From a tag at `point` (2,) to the antennas `columns`: how far (h, 2) they lie east and north.

    Of length one for an antenna at the tag's height, shorter for one that looks down on it.
    """
    found = np.empty((len(columns), 2), dtype=np.float32)
    for k in range(len(columns)):
        antenna = antennas[columns[k]]
        east, north = antenna[0] - point[0], antenna[1] - point[1]
        up = antenna[2] - TAG_HEIGHT_M
        away_m = max(sqrt(east * east + north * north + up * up), NEAREST_M)
        found[k, 0], found[k, 1] = east / away_m, north / away_m
    return found
