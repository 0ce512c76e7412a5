"""What one second of one tag says about its place: the readings, and who heard nothing.

Every cell carries its own means of what is not known of the levels (`levels.py`); the covariance is
shared. The readings are weighed given those means, and the means learn from them, cell by cell.
Only cells that hold belief take part; a cell that regains some begins with the usual means.
"""

from math import log, pi, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.tags.arriving import ARRIVES_LOG, DETECTABLE, LOUDER_DB, MISS_TEMPER, step_of
from gateway.tags.compiled import compiled, inlined
from gateway.tags.motion import WIDTH, Belief, Counts, Moves, Shorts, Singles, advance

FIRST = 3  # columns before those of receivers: offset, lean to the east, to the north
FREE = -1
MOST_HEARD = 12

LEAST_MASS = 1e-5
RESCUED = 1e-3
STRIPES = 8
TAG_HEIGHT_M = 1.0
NEAREST_M = 1.0

PLAIN_SD_DB = 5.0
CLIP_SDS = 4.0  # beyond that a reading says no more
FAR_DBM, FAR_DB_PER_DB = -72.0, 0.25  # what comes from far has met more on its way
SHARED_BY_PACKETS = 0.25  # the part of their variance that more packets do not average out

FORGOTTEN_AFTER_S = 40  # unheard: it may be met again elsewhere
OFFSET_DRIFT_DB = 0.05  # per square root of a second

LISTENERS = 8
DEAF_DB = -1000.0
ENOUGH_HEARD = 6  # beyond that, misses say nothing that readings do not say better

HEARD_OUT_LOG = -3.0  # to be heard, and yet out of coverage
SILENCE_LOG = 4.0  # the most that silence says for it
LOWEST_LOG = -25.0  # smaller numbers are slow, and nothing comes of them

CODES_PER_DB = 2  # levels take one byte each
ZERO_CODE_DBM = -64.0

Doubles = NDArray[np.float64]
Codes = NDArray[np.int8]


class Listening(NamedTuple):
    """What the receivers of a piece of the map hear of the usual tag.

    `cells` (n, 2) metres; `receivers` (r,) by their numbers on the site, `columns` (all,) where
    each of those is here, -1 if it is not; `expected` (n, r) dBm, `encoded`; `antennas` (r, 3)
    east, north, height; `threshold_dbm` (r,) and `detection` (r,) as in propagation.Radio;
    `variance` (r,) of their deviation, dB².
    """

    cells: Singles
    receivers: Counts
    columns: Shorts
    expected: Codes
    antennas: Singles
    threshold_dbm: Singles
    detection: Singles
    variance: Singles


def encoded(levels_dbm: NDArray[np.floating[Any]]) -> Codes:
    """Levels as whole numbers of a byte: half a decibel is less than anybody knows of them."""
    codes = np.rint((levels_dbm - ZERO_CODE_DBM) * CODES_PER_DB)
    return np.asarray(np.clip(codes, -128, 127), dtype=np.int8)


def decoded(codes: Codes) -> Singles:
    """The levels, dBm, of `encoded` ones."""
    return codes.astype(np.float32) / np.float32(CODES_PER_DB) + np.float32(ZERO_CODE_DBM)


@inlined
def level_dbm(code: np.int8) -> np.float32:
    """The level of one code."""
    return np.float32(code) * np.float32(1 / CODES_PER_DB) + np.float32(ZERO_CODE_DBM)


class Heard(NamedTuple):
    """One second of one tag: `receivers` (h,) by their numbers, levels `dbm` (h,), `packets` (h,).

    The strongest come first, and all of them are on the piece of the map.
    """

    receivers: Counts
    dbm: Singles
    packets: Singles


class Learned(NamedTuple):
    """What is known of a tag's levels: `covariance` (WIDTH, WIDTH) dB², and whose a column is.

    `owners` (WIDTH,) are receivers' numbers, FREE where a column is nobody's; `last_heard` (WIDTH,)
    seconds. `prior` (WIDTH,) are the variances that deviations return to, `kept` (WIDTH,) how much
    of one is left after a second. All are changed in their place. What a single packet deviates by
    has `packet_variance`.
    """

    covariance: Doubles
    prior: Doubles
    kept: Doubles
    owners: Counts
    last_heard: NDArray[np.int64]
    packet_variance: float


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
    halfway = Belief(
        np.empty_like(belief.states), np.empty_like(belief.mass), np.empty_like(belief.rows)
    )
    advance(moves, belief, halfway)
    states, mass, means = halfway
    fade(means, learned.kept, mass)
    cells, hearers = len(mass) - 1, len(heard.receivers)
    believed = rescued(second, states, mass, means)
    scores = np.zeros(cells + 1, dtype=np.float32)
    missed = weigh_misses(listening, heard, alive, sent, learned, mass, means, believed, scores)
    normaliser = 0.0
    if hearers > 0:
        slots = slots_of(second, listening, heard, learned, means)
        normaliser = weigh_readings(listening, heard, slots, learned, mass, means, believed, scores)
    best, average = scores[believed[0]], 0.0
    for cell in believed:
        best = max(best, scores[cell])
        average += mass[cell] * scores[cell]
    average /= 1.0 - mass[cells]
    if hearers > 0:
        scores[cells] = best + HEARD_OUT_LOG
    else:
        gain = min(-average, SILENCE_LOG - silence_log)
        silence_log += gain
        scores[cells] = average + gain
        best = max(best, scores[cells])
    likelihood = np.zeros(cells + 1, dtype=np.float32)
    likelihood[cells] = np.exp(scores[cells] - best)
    total = mass[cells] * likelihood[cells]
    for cell in believed:
        likelihood[cell] = np.exp(max(scores[cell] - best, np.float32(LOWEST_LOG)))
        total += mass[cell] * likelihood[cell]
    condition(moves, halfway, likelihood, 1.0 / total)
    advance(moves, halfway, belief)
    log_evidence = np.log(total) + best + normaliser
    return Weighed(likelihood, log_evidence, missed, silence_log)


@compiled
def condition(moves: Moves, belief: Belief, likelihood: Singles, scale: float) -> None:
    """Multiply what is believed of each place by its likelihood (places,), and by `scale`."""
    states, mass, _ = belief
    cells = len(mass) - 1
    for cell in range(cells):
        if mass[cell] > 0.0:
            factor = likelihood[cell] * np.float32(scale)
            mass[cell] *= factor
            states[cell] *= factor
            for edge in range(moves.first[cell], moves.first[cell + 1]):
                states[cells + edge] *= factor
    mass[cells] *= likelihood[cells] * np.float32(scale)
    states[len(states) - 1] = mass[cells]


@compiled
def drift(learned: Learned) -> None:
    """A second passes: deviations return to what is usual, the offset grows less certain."""
    covariance, prior, kept = learned.covariance, learned.prior, learned.kept
    for row in range(WIDTH):
        for column in range(WIDTH):
            covariance[row, column] *= kept[row] * kept[column]
        covariance[row, row] += prior[row] * (1 - kept[row] ** 2)
    room = max(prior[0] - covariance[0, 0], 0.0)
    covariance[0, 0] += min(OFFSET_DRIFT_DB**2, room)


@compiled
def fade(means: Singles, kept: Doubles, mass: Singles) -> None:
    """The means' part in that, wherever there is belief."""
    factors = kept.astype(np.float32)
    for place in range(len(means)):
        if mass[place] > 0.0:
            for column in range(WIDTH):
                means[place, column] *= factors[column]


@compiled
def slots_of(
    second: int, listening: Listening, heard: Heard, learned: Learned, means: Singles
) -> Counts:
    """The column (h,) of each receiver that heard the tag; those unheard for long lose theirs."""
    for slot in range(FIRST, WIDTH):
        if learned.owners[slot] != FREE and second - learned.last_heard[slot] > FORGOTTEN_AFTER_S:
            give(slot, FREE, 0.0, learned, means)
    slots = np.empty(len(heard.receivers), dtype=np.int32)
    for k in range(len(slots)):
        slots[k] = FREE
        for slot in range(FIRST, WIDTH):
            if learned.owners[slot] == heard.receivers[k]:
                slots[k] = slot
                learned.last_heard[slot] = second
    for k in range(len(slots)):
        if slots[k] == FREE:
            receiver = heard.receivers[k]
            variance = listening.variance[listening.columns[receiver]]
            slots[k] = free_slot(learned)
            give(slots[k], receiver, variance, learned, means)
            learned.last_heard[slots[k]] = second
    return slots


@compiled
def free_slot(learned: Learned) -> int:
    """A column that is nobody's; else that of the receiver not heard for longest."""
    oldest = FIRST
    for slot in range(FIRST, WIDTH):
        if learned.owners[slot] == FREE:
            return slot
        if learned.last_heard[slot] < learned.last_heard[oldest]:
            oldest = slot
    return oldest


@compiled
def give(slot: int, owner: int, variance: float, learned: Learned, means: Singles) -> None:
    """A column for another owner, of whom nothing is known."""
    learned.owners[slot] = owner
    learned.prior[slot] = variance
    learned.covariance[slot, :] = 0.0
    learned.covariance[:, slot] = 0.0
    learned.covariance[slot, slot] = variance
    means[:, slot] = 0.0


@compiled
def rescued(second: int, states: Singles, mass: Singles, means: Singles) -> Counts:
    """The cells that hold belief, after a little of it was put anywhere: no mistake is for ever.

    Each second another stripe of the cells gets some. `states`, `mass` and `means` are changed.
    """
    cells = len(mass) - 1
    usual = np.zeros(FIRST, dtype=np.float32)
    total = np.float32(1e-9)
    for cell in range(cells):
        if mass[cell] >= LEAST_MASS:
            total += mass[cell]
            for column in range(FIRST):
                usual[column] += mass[cell] * means[cell, column]
    usual /= total
    stripe, stripes, members = stripe_of(second, cells)
    share = np.float32(RESCUED / members)
    states *= np.float32(1 - RESCUED)
    mass *= np.float32(1 - RESCUED)
    for cell in range(stripe, cells, stripes):
        if mass[cell] < LEAST_MASS:
            means[cell, :FIRST] = usual
            means[cell, FIRST:] = 0.0
        states[cell] += share
        mass[cell] += share
    believed = np.empty(cells, dtype=np.int32)
    count = 0
    for cell in range(cells):
        if mass[cell] >= LEAST_MASS:
            believed[count] = cell
            count += 1
    return believed[:count]


@compiled
def stripe_of(second: int, cells: int) -> tuple[int, int, int]:
    """The cells k with k % stripes == stripe are rescued in `second`: stripe, stripes, members."""
    stripes = min(STRIPES, cells)
    stripe = second % stripes
    return stripe, stripes, (cells - 1 - stripe) // stripes + 1


@compiled
def before_rescue(second: int, message: Singles, cells: int) -> None:
    """What a message (states,) says of before `rescued`: its transpose, in place."""
    stripe, stripes, members = stripe_of(second, cells)
    total = np.float32(0.0)
    for cell in range(stripe, cells, stripes):
        total += message[cell]
    message *= np.float32(1 - RESCUED)
    message += np.float32(RESCUED / members) * total


@compiled
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
    hearers, out = len(slots), len(mass) - 1
    columns = np.empty(hearers, dtype=np.int32)
    for k in range(hearers):
        columns[k] = listening.columns[heard.receivers[k]]
    point, usual = middle_of(listening, columns, mass, believed)
    leans = directions(point, listening.antennas, columns)
    cross = crossed(learned.covariance, leans, slots)
    spread = spread_of(cross, leans, slots)
    limits = np.empty(hearers, dtype=np.float32)
    for k in range(hearers):
        limits[k] = CLIP_SDS * sqrt(spread[k, k] + PLAIN_SD_DB**2)
        by_packets = SHARED_BY_PACKETS + (1 - SHARED_BY_PACKETS) / heard.packets[k]
        far_db = FAR_DB_PER_DB * max(FAR_DBM - heard.dbm[k], 0.0)
        spread[k, k] += learned.packet_variance * by_packets + far_db**2
    log_determinant = inverted(spread)
    gain = gained(cross, spread)
    learn(learned.covariance, cross, gain)
    precision, gains = spread.astype(np.float32), gain.astype(np.float32)
    surprise = np.empty(hearers, dtype=np.float32)
    for index in range(len(believed) + 1):
        cell = believed[index] if index < len(believed) else out
        score = np.float32(0.0)
        for k in range(hearers):
            level = means[cell, 0] + leans[k, 0] * means[cell, 1] + leans[k, 1] * means[cell, 2]
            level += means[cell, slots[k]]
            if cell < out:
                level += level_dbm(listening.expected[cell, columns[k]])
                step = step_of(level - listening.threshold_dbm[columns[k]])
                level += LOUDER_DB[step]
                score += ARRIVES_LOG[step]
            else:
                level += usual[k]
            surprise[k] = min(max(heard.dbm[k] - level, -limits[k]), limits[k])
        for k in range(hearers):
            half = np.float32(0.5) * precision[k, k] * surprise[k]
            for other in range(k):
                half += precision[k, other] * surprise[other]
            score -= surprise[k] * half
        scores[cell] += score
        for k in range(hearers):
            for column in range(WIDTH):
                means[cell, column] += gains[k, column] * surprise[k]
    return -0.5 * (hearers * log(2 * pi) + log_determinant)


@compiled
def middle_of(
    listening: Listening, columns: Counts, mass: Singles, believed: Counts
) -> tuple[Singles, Singles]:
    """The mean point (2,) of the belief, and the mean level (h,) there of the usual tag."""
    point = np.zeros(2, dtype=np.float32)
    usual = np.zeros(len(columns), dtype=np.float32)
    total = np.float32(0.0)
    for cell in believed:
        weight = mass[cell]
        total += weight
        point[0] += weight * listening.cells[cell, 0]
        point[1] += weight * listening.cells[cell, 1]
        for k in range(len(columns)):
            usual[k] += weight * level_dbm(listening.expected[cell, columns[k]])
    return point / total, usual / total


@compiled
def crossed(covariance: Doubles, leans: Singles, slots: Counts) -> Doubles:
    """How the deviations (WIDTH,) go with what is heard: covariance (WIDTH, h)."""
    cross = np.empty((WIDTH, len(slots)))
    for row in range(WIDTH):
        for k in range(len(slots)):
            cross[row, k] = (
                covariance[row, 0]
                + leans[k, 0] * covariance[row, 1]
                + leans[k, 1] * covariance[row, 2]
                + covariance[row, slots[k]]
            )
    return cross


@compiled
def spread_of(cross: Doubles, leans: Singles, slots: Counts) -> Doubles:
    """The covariance (h, h) of what is heard, without noise."""
    hearers = len(slots)
    spread = np.empty((hearers, hearers))
    for row in range(hearers):
        for k in range(hearers):
            spread[row, k] = (
                cross[0, k]
                + leans[row, 0] * cross[1, k]
                + leans[row, 1] * cross[2, k]
                + cross[slots[row], k]
            )
    return spread


@compiled
def inverted(matrix: Doubles) -> float:
    """Invert a positive definite matrix (h, h) in its place; the log of its determinant."""
    count = len(matrix)
    log_determinant = 0.0
    for pivot in range(count):
        value = matrix[pivot, pivot]
        log_determinant += log(value)
        matrix[pivot, pivot] = 1.0
        for column in range(count):
            matrix[pivot, column] /= value
        for row in range(count):
            if row != pivot:
                factor = matrix[row, pivot]
                matrix[row, pivot] = 0.0
                for column in range(count):
                    matrix[row, column] -= factor * matrix[pivot, column]
    return log_determinant


@compiled
def gained(cross: Doubles, precision: Doubles) -> Doubles:
    """How much (h, WIDTH) the deviations are corrected for each surprise of one dB."""
    hearers = len(precision)
    gain = np.zeros((hearers, WIDTH))
    for k in range(hearers):
        for other in range(hearers):
            for column in range(WIDTH):
                gain[k, column] += precision[k, other] * cross[column, other]
    return gain


@compiled
def learn(covariance: Doubles, cross: Doubles, gain: Doubles) -> None:
    """What is less uncertain after the readings."""
    for k in range(len(gain)):
        for row in range(WIDTH):
            for column in range(WIDTH):
                covariance[row, column] -= cross[row, k] * gain[k, column]


@compiled
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


@compiled
def weigh_misses(
    listening: Listening,
    heard: Heard,
    alive: NDArray[np.bool_],
    sent: float,
    learned: Learned,
    mass: Singles,
    means: Singles,
    believed: Counts,
    scores: Singles,
) -> float:
    """Add to `scores` (places,) the log likelihood of the live receivers that heard nothing.

    Returns how many hearings were to be expected, where nobody heard anything.
    """
    hearers = len(heard.receivers)
    if hearers >= ENOUGH_HEARD:
        return 0.0
    columns, slots = listeners(listening, heard, alive, learned, mass, believed)
    chances = listening.detection[columns]
    expected = 0.0
    for cell in believed:
        all_missed = np.float32(1.0)
        for k in range(len(columns)):
            above = (
                level_dbm(listening.expected[cell, columns[k]])
                - listening.threshold_dbm[columns[k]]
            )
            above += means[cell, 0]
            if slots[k] != FREE:
                above += means[cell, slots[k]]
            all_missed *= np.float32(1.0) - chances[k] * DETECTABLE[step_of(above)]
        if hearers == 0:
            all_missed = 1 - np.float32(sent) * (1 - all_missed)
            expected += mass[cell] * (1 - all_missed)
        scores[cell] += np.float32(MISS_TEMPER) * np.log(max(all_missed, np.float32(1e-12)))
    return expected


@compiled
def listeners(
    listening: Listening,
    heard: Heard,
    alive: NDArray[np.bool_],
    learned: Learned,
    mass: Singles,
    believed: Counts,
) -> tuple[Counts, Counts]:
    """The live receivers (at most LISTENERS) most likely to have heard it that did not; columns.

    And their columns (m,) in the means, FREE for those of whom nothing is known.
    """
    likeliest = believed[0]
    for cell in believed:
        if mass[cell] > mass[likeliest]:
            likeliest = cell
    margin = np.empty(len(listening.receivers), dtype=np.float32)
    for column in range(len(margin)):
        level = level_dbm(listening.expected[likeliest, column])
        margin[column] = level - listening.threshold_dbm[column]
        if not alive[listening.receivers[column]]:
            margin[column] = DEAF_DB
    for receiver in heard.receivers:
        margin[listening.columns[receiver]] = DEAF_DB
    columns = np.empty(LISTENERS, dtype=np.int32)
    slots = np.full(LISTENERS, FREE, dtype=np.int32)
    for k in range(min(LISTENERS, len(margin))):
        best = np.argmax(margin)
        if margin[best] == DEAF_DB:
            return columns[:k], slots[:k]
        margin[best] = DEAF_DB
        columns[k] = best
        for slot in range(FIRST, WIDTH):
            if learned.owners[slot] == listening.receivers[best]:
                slots[k] = slot
    count = min(LISTENERS, len(margin))
    return columns[:count], slots[:count]
