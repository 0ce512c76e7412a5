"""One second of the filter by brute force: whole matrices, and Gaussians as in the textbook."""

from math import log, pi
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.tags.arriving import (
    MISS_TEMPER,
    MOST_CUT_SDS,
    PACKETS_SD_DB,
    TABLE_STEPS_PER_DB,
    THRESHOLD_SPREAD_DB,
)
from gateway.tags.missing import ENOUGH_HEARD
from gateway.tags.motion import WIDTH, Counts, Singles
from gateway.tags.surroundings import STREET
from gateway.tags.tile import Tile
from gateway.tags.weighing import (
    CLIP_SDS,
    FAR_DB_PER_DB,
    FAR_DBM,
    FIRST,
    FREE,
    HEARD_OUT_LOG,
    LEAST_MASS,
    OFFSET_DRIFT_DB,
    PLAIN_SD_DB,
    RESCUED,
    SHARED_BY_PACKETS,
    SILENCE_LOG,
    STRIPES,
    Doubles,
    Heard,
    Learned,
    Listening,
    decoded,
)
from tests.unit.tags.places import matrix_of, places_of

LEAST_REACH = 1e-4  # nobody is heard from less


class Before(NamedTuple):
    """What is known when a second begins: the arguments of `weigh`."""

    second: int
    tile: Tile
    heard: Heard
    alive: NDArray[np.bool_]
    sent: float
    learned: Learned
    states: Singles
    means: Singles
    silence_log: float


class After(NamedTuple):
    """What is believed when it is over; `out_log` is against the likeliest cell."""

    log_evidence: float
    states: Doubles
    out_log: float


def mixture(before: Before) -> After:
    """Every cell's Gaussian, conditioned on what it carries, and their mixture."""
    moves = before.tile.moves
    matrix, places = matrix_of(moves), places_of(moves)
    halfway, rows = _half_a_second(before, matrix, places)
    mass = np.bincount(places, weights=halfway)
    on_map = mass[:-1] / mass[:-1].sum()
    logs = _missed(before, rows) + _heard(before, rows, on_map)
    if len(before.heard.receivers):
        out_log = float(logs.max()) + HEARD_OUT_LOG
    else:
        average = float(on_map @ logs)
        out_log = average + min(-average, SILENCE_LOG - before.silence_log)
    densities = np.exp(np.append(logs, out_log))
    weighed = halfway * densities[places]
    return After(
        log_evidence=log(float(mass @ densities)),
        states=weighed / weighed.sum() @ matrix,
        out_log=out_log - float(logs.max()),
    )


def _half_a_second(
    before: Before, matrix: Doubles, places: NDArray[np.intp]
) -> tuple[Doubles, Doubles]:
    """The belief (states,) in the middle of the second, rescued; the rows (cells, WIDTH) then."""
    cells = len(before.tile.cells)
    flows = before.states[:, None] * matrix
    assert (np.bincount(places, weights=flows.sum(axis=0))[:-1] >= LEAST_MASS).all()  # else: anew
    shares = np.array([flows[:, places == cell].sum(axis=1) for cell in range(cells)])
    rows = shares @ before.means[places] / shares.sum(axis=1, keepdims=True)
    stripe = np.arange(before.second % STRIPES, cells, STRIPES)
    halfway = flows.sum(axis=0) * (1 - RESCUED)
    halfway[stripe] += RESCUED / len(stripe)
    return halfway, rows * before.learned.kept


def _missed(before: Before, rows: Doubles) -> Doubles:
    """Log likelihood (cells,) of those who live and heard nothing."""
    where, what = before.tile.listening, before.heard
    missed = np.ones(len(rows))
    if len(what.receivers) >= ENOUGH_HEARD:
        return np.log(missed)
    slots = {int(owner): slot for slot, owner in enumerate(before.learned.owners) if owner != FREE}
    for column, receiver in enumerate(where.receivers.tolist()):
        if not before.alive[receiver] or receiver in what.receivers:
            continue
        above = decoded(where.expected)[:, column] + rows[:, 0] - where.threshold_dbm[column]
        if receiver in slots:
            above += rows[:, slots[receiver]]
        missed *= 1 - where.detection[column] * reach_of(above)
    if not len(what.receivers):
        missed = 1 - before.sent * (1 - missed)
    return np.asarray(MISS_TEMPER * np.log(missed))


def _heard(before: Before, rows: Doubles, on_map: Doubles) -> Doubles:
    """Log density (cells,) of the readings."""
    where, what, learned = before.tile.listening, before.heard, before.learned
    if not len(what.receivers):
        return np.zeros(len(rows))
    owners = learned.owners.tolist()
    slots = np.array([owners.index(one) for one in what.receivers.tolist()], dtype=np.int32)
    terms = terms_of(leans_of(where, what, on_map @ where.cells), slots)
    covariance = terms @ drifted(learned) @ terms.T
    limits = limits_of(covariance)
    columns = where.columns[what.receivers]
    levels, thresholds = (
        decoded(where.expected)[:, columns] + rows @ terms.T,
        where.threshold_dbm[columns],
    )
    surprises = np.clip(what.dbm - as_heard(levels, thresholds), -limits, limits)
    joint = covariance + noise_of(what)
    densities = np.array([log_density(surprise, joint) for surprise in surprises])
    return densities + arrival_of(levels, thresholds)


def drifted(learned: Learned) -> Doubles:
    """The covariance a second later."""
    step = np.diag(learned.kept)
    later = step @ learned.covariance @ step.T + np.diag(learned.prior * (1 - learned.kept**2))
    later[0, 0] += min(OFFSET_DRIFT_DB**2, max(learned.prior[0] - later[0, 0], 0.0))
    return np.asarray(later)


def leans_of(where: Listening, what: Heard, point: Doubles) -> Doubles:
    """Directions (h, 2) from a tag at `point` to the antennas, for antennas over a metre away."""
    away = where.antennas[where.columns[what.receivers]] - np.append(point, 1.0)
    return np.asarray(away[:, :2] / np.linalg.norm(away, axis=1, keepdims=True))


def terms_of(leans: Doubles, slots: Counts) -> Doubles:
    """Which columns (h, WIDTH), and how much of each, make up what a receiver deviates by."""
    terms = np.zeros((len(slots), WIDTH))
    terms[:, 0] = 1.0
    terms[:, 1:FIRST] = leans
    terms[np.arange(len(slots)), slots] = 1.0
    return terms


def as_heard(levels: Doubles, thresholds_dbm: Singles) -> Doubles:
    """The mean level of those packets of mean `levels` (…, h), dBm, that arrive.

    What is left of a normal distribution cut off at `thresholds_dbm` (h,) has its mean by the
    density at the cut over the share beyond it.
    """
    normal, above = NormalDist(), in_steps(levels - thresholds_dbm)

    def excess(above_db: float) -> float:
        cut = max(above_db / PACKETS_SD_DB, MOST_CUT_SDS)
        return PACKETS_SD_DB * normal.pdf(cut) / normal.cdf(cut)

    return np.asarray(levels + np.vectorize(excess)(above))


def arrival_of(levels: Doubles, thresholds_dbm: Singles) -> Doubles:
    """Log likelihood (…,) that those arrive who were heard, of mean `levels` (…, h), dBm."""
    reach = reach_of(in_steps(levels - thresholds_dbm))
    return np.asarray(MISS_TEMPER * np.log(np.maximum(reach, LEAST_REACH)).sum(axis=-1))


def reach_of(above_db: Doubles) -> Doubles:
    """The share of packets that are detected, so far above the threshold."""
    return np.asarray(np.vectorize(NormalDist(0.0, THRESHOLD_SPREAD_DB).cdf)(above_db))


def in_steps(above_db: Doubles) -> Doubles:
    """The nearest level that a table of half decibels knows."""
    return np.asarray(np.floor(above_db * TABLE_STEPS_PER_DB + 0.5) / TABLE_STEPS_PER_DB)


def limits_of(covariance: Doubles) -> Doubles:
    """Where surprises (h,) are clipped."""
    return np.asarray(CLIP_SDS * np.sqrt(np.diag(covariance) + PLAIN_SD_DB**2))


def noise_of(what: Heard) -> Doubles:
    """The covariance (h, h) of what packets deviate by; the weaker, the more."""
    shared = SHARED_BY_PACKETS + (1 - SHARED_BY_PACKETS) / what.packets
    far_db = FAR_DB_PER_DB * np.maximum(FAR_DBM - what.dbm, 0.0)
    return np.diag(STREET.packet_sd_db**2 * shared + far_db**2)


def log_density(surprise: Doubles, covariance: Doubles) -> float:
    """Of a multivariate normal distribution."""
    _, log_determinant = np.linalg.slogdet(covariance)
    square = float(surprise @ np.linalg.solve(covariance, surprise))
    return -0.5 * (square + len(surprise) * log(2 * pi) + float(log_determinant))
