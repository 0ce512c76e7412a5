"""Which packets arrive, and how strong those are: of weak ones only the strong are heard."""

from math import erf, sqrt

import numpy as np

from gateway.tags.compiled import compiled, inlined
from gateway.tags.motion import Singles

PACKETS_SD_DB = 4.0
MOST_CUT_SDS = -3.0
THRESHOLD_SPREAD_DB = 6.0
TABLE_STEPS_PER_DB = 2
TABLE_LIMIT_DB = 100
MISS_TEMPER = 0.05  # how much it says whether one arrived


def _detectable() -> Singles:
    """The normal distribution function over levels above the threshold, in steps of half a dB."""
    steps = np.arange(-TABLE_LIMIT_DB * TABLE_STEPS_PER_DB, TABLE_LIMIT_DB * TABLE_STEPS_PER_DB + 1)
    scaled = steps / TABLE_STEPS_PER_DB / THRESHOLD_SPREAD_DB / sqrt(2)
    return np.array([0.5 * (1 + erf(value)) for value in scaled], dtype=np.float32)


DETECTABLE = _detectable()


def _louder() -> Singles:
    """How much (dB) what is heard exceeds the mean level: of weak packets only the strong arrive.

    The mean of a normal distribution cut off below (Johnson et al., Continuous Univariate
    Distributions, 13.10), over levels above the threshold in steps of half a dB.
    """
    steps = np.arange(-TABLE_LIMIT_DB * TABLE_STEPS_PER_DB, TABLE_LIMIT_DB * TABLE_STEPS_PER_DB + 1)
    cut = np.maximum(steps / TABLE_STEPS_PER_DB / PACKETS_SD_DB, MOST_CUT_SDS)
    kept = np.array([0.5 * (1 + erf(value / sqrt(2))) for value in cut])
    above_db = PACKETS_SD_DB * np.exp(-(cut**2) / 2) / np.sqrt(2 * np.pi) / kept
    return np.asarray(above_db, dtype=np.float32)


LOUDER_DB = _louder()
ARRIVES_LOG = MISS_TEMPER * np.log(np.maximum(DETECTABLE, np.float32(1e-4)))


@compiled
def detectable(above_threshold_db: float) -> float:
    """The share of packets strong enough, where the mean level is that much over the threshold."""
    return float(DETECTABLE[step_of(np.float32(above_threshold_db))])


@compiled
def louder(above_threshold_db: float) -> float:
    """How much (dB) the packets that arrive exceed the mean level."""
    return float(LOUDER_DB[step_of(np.float32(above_threshold_db))])


@inlined
def step_of(above_threshold_db: np.float32) -> int:
    """Where in the tables a level is."""
    steps = np.float32(TABLE_STEPS_PER_DB) * above_threshold_db
    limit = np.float32(TABLE_LIMIT_DB * TABLE_STEPS_PER_DB)
    return int(min(max(steps, -limit), limit) + limit + np.float32(0.5))
