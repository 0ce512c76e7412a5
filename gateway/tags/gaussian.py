"""What readings say of deviations that go together: the sums over their covariance.

Deviations are the WIDTH columns that `weighing` tells of; a reading is the sum of the first, of the
next two by how far it looks east and north (`leans`), and of that of its receiver (`slots`).
"""

from math import log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.tags.compiled import inlined
from gateway.tags.motion import WIDTH, Counts, Singles, at
from gateway.tags.rows import narrowed, plus, put_row, row_at, scaled, sum_of, times

Doubles = NDArray[np.float64]


@inlined
def drifted(covariance: Doubles, kept: Doubles) -> None:
    """Of each deviation the part `kept` (WIDTH,) is left."""
    every = row_at(kept.reshape(1, WIDTH), 0)
    for place in range(WIDTH):
        row = times(row_at(covariance, place), every)
        put_row(covariance, place, scaled(row, kept[place]))


@inlined
def crossed(covariance: Doubles, leans: Singles, slots: Counts) -> Doubles:
    """How what is heard goes with the deviations: covariance (h, WIDTH)."""
    cross = np.empty((len(slots), WIDTH))
    for k in range(len(slots)):
        row = plus(row_at(covariance, 0), 1.0, row_at(covariance, slots[k]))
        row = plus(row, np.float64(leans[k, 0]), row_at(covariance, 1))
        row = plus(row, np.float64(leans[k, 1]), row_at(covariance, 2))
        put_row(cross, k, row)
    return cross


@inlined
def spread_of(cross: Doubles, leans: Singles, slots: Counts) -> Doubles:
    """The covariance of what is heard, without noise: (h, WIDTH), with zeros from the diagonal on
    beyond it, for it is symmetric.
    """
    hearers = len(slots)
    spread = np.zeros((hearers, WIDTH))
    for row in range(hearers):
        east, north, slot = leans[row, 0], leans[row, 1], at(slots[row])
        for k in range(row, hearers):
            spread[k, row] = cross[k, 0] + east * cross[k, 1] + north * cross[k, 2] + cross[k, slot]
    return spread


@inlined
def whitened(spread: Doubles, cross: Doubles) -> tuple[Doubles, float]:
    """What makes readings of such a `spread` (h, WIDTH) independent and of variance 1.

    A matrix (h, WIDTH), zeros beyond the diagonal, by Cholesky's decomposition; and the log of the
    determinant of `spread`. `cross` (h, WIDTH) becomes that of the whitened readings.
    """
    whitener = np.zeros_like(spread)
    determinant = 1.0
    for k in range(len(spread)):
        whitener[k, k] = 1.0
        left, row, own = spread[k, k], row_at(cross, k), row_at(whitener, k)
        for before in range(k):
            other = row_at(whitener, before)
            shared = sum_of(times(other, row_at(spread, k)))
            left -= shared * shared
            row = plus(row, -shared, row_at(cross, before))
            own = plus(own, -shared, other)
        determinant *= left
        scale = 1.0 / sqrt(left)
        put_row(cross, k, scaled(row, scale))
        put_row(whitener, k, scaled(own, scale))
    return whitener, log(determinant)


@inlined
def learn(covariance: Doubles, cross: Doubles) -> None:
    """What is less uncertain after readings, whitened ones, that go with it so."""
    for place in range(WIDTH):
        row = row_at(covariance, place)
        for k in range(len(cross)):
            row = plus(row, -cross[k, place], row_at(cross, k))
        put_row(covariance, place, row)


@inlined
def gained(whitener: Doubles, cross: Doubles, k: int) -> Any:
    """How much, a Row, the deviations are corrected for each dB by which reading k surprises.

    `cross` (h, WIDTH) is that of the whitened readings.
    """
    row = scaled(row_at(cross, k), whitener[k, k])
    for later in range(k + 1, len(cross)):
        row = plus(row, whitener[later, k], row_at(cross, later))
    return narrowed(row)
