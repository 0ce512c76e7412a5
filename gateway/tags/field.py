"""A level's deviation as a random field over the site: a Gaussian process on spots with readings.

Deviation = what persists at a place (Matérn 3/2, fades over some metres) + what is peculiar to one
spot + a shift of the whole receiver by the day. Rasmussen & Williams, Gaussian Processes for
Machine Learning, 2006: (2.23-2.24) prediction, (2.30) evidence, (5.12) leaving one out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gateway.site import Points

Floats = NDArray[np.float64]

GRID: Mapping[str, Sequence[float]] = {
    "spot_sd_db": (0.3, 0.6, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.5, 8.0),
    "place_sd_db": (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.5, 8.0, 10.0),
    "length_m": (1.0, 1.5, 2.5, 4.0, 6.0, 9.0, 14.0, 22.0),
    "day_sd_db": (0.5, 1.0, 1.5, 2.0, 2.7, 3.5),
}
"""What a kernel's parameters may be; more freedom than that no survey can tell apart."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """`place_sd_db` persists over `length_m`, `spot_sd_db` at one spot, `day_sd_db` for a day."""

    length_m: float = 6.0
    place_sd_db: float = 3.0
    spot_sd_db: float = 2.0
    day_sd_db: float = 1.5

    @property
    def sd_db(self) -> float:
        """Of the mean level at a place that nobody surveyed."""
        return float(np.hypot(self.place_sd_db, self.spot_sd_db))

    def between(self, one: Points, other: Points) -> Floats:
        """Covariance (n, m), dB², of what persists at places (n, 2) and (m, 2)."""
        # |a|² - 2ab + |b|² costs a third of the differences' memory; the middle keeps it exact
        middle = other.mean(axis=0)
        a, b = one - middle, other - middle
        square = (a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1)
        scaled = np.sqrt(3 * np.maximum(square, 0.0)) / self.length_m
        return np.asarray(self.place_sd_db**2 * (1 + scaled) * np.exp(-scaled))


USUAL = Kernel()


@dataclass(frozen=True, slots=True)
class Spots:
    """Deviations (n,) dB found at places `xy` (n, 2), known to `variance` (n,), on days (n,)."""

    xy: Points
    day: NDArray[np.intp]
    deviation: Floats
    variance: Floats

    def __len__(self) -> int:
        return len(self.deviation)

    def thinned(self, most: int) -> "Spots":
        """About `most` of them, evenly chosen."""
        step = max(len(self) // most, 1)
        return Spots(
            self.xy[::step], self.day[::step], self.deviation[::step], self.variance[::step]
        )


def _covariance(kernel: Kernel, spots: Spots) -> Floats:
    same_day = spots.day[:, None] == spots.day
    own = spots.variance + kernel.spot_sd_db**2
    covariance = kernel.between(spots.xy, spots.xy) + kernel.day_sd_db**2 * same_day
    return np.asarray(covariance + np.diag(own))


def log_evidence(kernel: Kernel, spots: Spots) -> float:
    """Log marginal likelihood of the deviations, but for a constant."""
    root = np.linalg.cholesky(_covariance(kernel, spots))
    white = np.linalg.solve(root, spots.deviation)
    return float(-0.5 * white @ white - np.log(np.diag(root)).sum())


def choose_kernel(receivers: Sequence[Spots], *, start: Kernel = USUAL) -> Kernel:
    """The kernel, shared by all `receivers`, under which their deviations are likeliest.

    Climbs the grid from `start`, a kernel of the grid, to its neighbours, until none is likelier.
    Spots of a single day do not tell what days differ by: that stays as in `start`.
    """
    several_days = any(len(np.unique(spots.day)) > 1 for spots in receivers)
    axes = [axis for axis in GRID if several_days or axis != "day_sd_db"]
    known: dict[Kernel, float] = {}

    def evidence(kernel: Kernel) -> float:
        if kernel not in known:
            known[kernel] = sum(log_evidence(kernel, spots) for spots in receivers)
        return known[kernel]

    best = start
    while True:
        before = best
        for axis in axes:
            best = max((best, *_neighbours(best, axis)), key=evidence)
        if best == before:
            return best


def _neighbours(kernel: Kernel, axis: str) -> list[Kernel]:
    values = GRID[axis]
    at = values.index(getattr(kernel, axis))
    return [replace(kernel, **{axis: value}) for value in values[max(at - 1, 0) : at + 2]]


def predict(kernel: Kernel, spots: Spots, points: Points) -> tuple[Floats, Floats]:
    """Mean (n,) and standard deviation (n,), dB, of the deviation at `points` on a usual day."""
    if not len(spots):
        return np.zeros(len(points)), np.full(len(points), kernel.sd_db)
    cross = kernel.between(points, spots.xy)
    solved = np.linalg.solve(
        _covariance(kernel, spots), np.column_stack([spots.deviation, cross.T])
    )
    reduction = np.einsum("ns,sn->n", cross, solved[:, 1:])
    variance = np.maximum(kernel.place_sd_db**2 - reduction, 0.0) + kernel.spot_sd_db**2
    return np.asarray(cross @ solved[:, 0]), np.sqrt(variance)


def left_out(kernel: Kernel, spots: Spots, *, groups: NDArray[np.intp]) -> Floats:
    """Errors (n,), dB, of the deviation at each spot as foretold from those of other `groups`."""
    inverse = np.linalg.inv(_covariance(kernel, spots))
    weighed = inverse @ spots.deviation
    errors = np.zeros(len(spots))
    for group in np.unique(groups):
        own = np.flatnonzero(groups == group)
        errors[own] = np.linalg.solve(inverse[np.ix_(own, own)], weighed[own])
    return errors
