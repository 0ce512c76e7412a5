"""Which packets arrive, and how strong those are: of weak ones only the strong are heard."""

from math import erf, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from gateway.tags.compiled import compiled, inlined
from gateway.tags.motion import Singles, at

Floats = NDArray[np.float64]

PACKETS_SD_DB = 4.0
MOST_CUT_SDS = -3.0
THRESHOLD_SPREAD_DB = 6.0
TABLE_STEPS_PER_DB = 2
TABLE_LIMIT_DB = 100
MISS_TEMPER = 0.05  # how much it says whether one arrived

_ABOVE_DB = (
    np.arange(-TABLE_LIMIT_DB * TABLE_STEPS_PER_DB, TABLE_LIMIT_DB * TABLE_STEPS_PER_DB + 1)
    / TABLE_STEPS_PER_DB
)
_SCALED = _ABOVE_DB / THRESHOLD_SPREAD_DB
_REACHED = np.array([0.5 * (1 + erf(value / sqrt(2))) for value in _SCALED])
_SLOPE = np.exp(-0.5 * _SCALED**2) / sqrt(2 * pi) / THRESHOLD_SPREAD_DB

DETECTABLE: Singles = _REACHED.astype(np.float32)


def _louder() -> Singles:
    """How much (dB) what is heard exceeds the mean level: of weak packets only the strong arrive.

    The mean of a normal distribution cut off below (Johnson et al., Continuous Univariate
    Distributions, 13.10), over levels above the threshold in steps of half a dB.
    """
    cut = np.maximum(_ABOVE_DB / PACKETS_SD_DB, MOST_CUT_SDS)
    kept = np.array([0.5 * (1 + erf(value / sqrt(2))) for value in cut])
    above_db = PACKETS_SD_DB * np.exp(-(cut**2) / 2) / np.sqrt(2 * np.pi) / kept
    return np.asarray(above_db, dtype=np.float32)


LOUDER_DB = _louder()
ARRIVES_LOG = MISS_TEMPER * np.log(np.maximum(DETECTABLE, np.float32(1e-4)))
LOUDER, ARRIVES = 0, 1
HEARING = np.stack([LOUDER_DB, ARRIVES_LOG], axis=1)  # beside each other, for who needs both


def detectable(above_threshold_db: Floats) -> Floats:
    """The share of packets (…) strong enough, where the mean level is that much over the threshold.

    It is normal: packets scatter around the mean.
    """
    return np.asarray(_REACHED[_steps_of(above_threshold_db)])


def detectable_slope(above_threshold_db: Floats) -> Floats:
    """By how much that share (…) grows with a dB."""
    return np.asarray(_SLOPE[_steps_of(above_threshold_db)])


def _steps_of(above_threshold_db: Floats) -> NDArray[np.intp]:
    nearest = np.rint(TABLE_STEPS_PER_DB * np.asarray(above_threshold_db)).astype(np.intp)
    limit = TABLE_LIMIT_DB * TABLE_STEPS_PER_DB
    return np.asarray(np.clip(nearest, -limit, limit) + limit)


@compiled
def louder(above_threshold_db: float) -> float:
    """How much (dB) the packets that arrive exceed the mean level."""
    return float(LOUDER_DB[step_of(np.float32(above_threshold_db))])


@inlined
def step_of(above_threshold_db: np.float32) -> int:
    """Where in the tables a level is."""
    steps = np.float32(TABLE_STEPS_PER_DB) * above_threshold_db
    limit = np.float32(TABLE_LIMIT_DB * TABLE_STEPS_PER_DB)
    return at(np.int32(min(max(steps, -limit), limit) + limit + np.float32(0.5)))
