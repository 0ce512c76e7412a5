"""What readings say of deviations that go together: the sums over their covariance.

Deviations are the WIDTH columns that `weighing` tells of; a reading is the sum of the first, of the
next two by how far it looks east and north (`leans`), and of that of its receiver (`slots`).
"""

from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from gateway.tags.compiled import inlined
from gateway.tags.motion import WIDTH, Counts, Singles
from gateway.tags.rows import plus, put_row, row_at, scaled, times

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
    """The covariance (h, h) of what is heard, without noise."""
    hearers = len(slots)
    spread = np.empty((hearers, hearers))
    for row in range(hearers):
        for k in range(row + 1):
            spread[row, k] = spread[k, row] = (
                cross[k, 0]
                + leans[row, 0] * cross[k, 1]
                + leans[row, 1] * cross[k, 2]
                + cross[k, slots[row]]
            )
    return spread


@inlined
def whitened(spread: Doubles, cross: Doubles) -> tuple[Doubles, float]:
    """What makes readings of such a `spread` (h, h) independent, of variance 1: a matrix (h, WIDTH)

    with zeros beyond column h, by Cholesky's decomposition; and the log of the determinant of
    `spread`. `cross` (h, WIDTH) becomes the covariance of the whitened readings.
    """
    hearers = len(spread)
    whitener = np.zeros((hearers, WIDTH))
    determinant = 1.0
    for k in range(hearers):
        whitener[k, k] = 1.0
        left, row, own = spread[k, k], row_at(cross, k), row_at(whitener, k)
        for before in range(k):
            shared = 0.0
            for column in range(before + 1):
                shared += whitener[before, column] * spread[k, column]
            left -= shared * shared
            row = plus(row, -shared, row_at(cross, before))
            own = plus(own, -shared, row_at(whitener, before))
        determinant *= left
        put_row(cross, k, scaled(row, 1.0 / sqrt(left)))
        put_row(whitener, k, scaled(own, 1.0 / sqrt(left)))
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
def gained(whitener: Doubles, cross: Doubles) -> Doubles:
    """How much (h, WIDTH) the deviations are corrected for each surprise of one dB.

    `cross` (h, WIDTH) is that of the whitened readings.
    """
    hearers = len(cross)
    gain = np.empty((hearers, WIDTH))
    for k in range(hearers):
        row = scaled(row_at(cross, k), whitener[k, k])
        for later in range(k + 1, hearers):
            row = plus(row, whitener[later, k], row_at(cross, later))
        put_row(gain, k, row)
    return gain
