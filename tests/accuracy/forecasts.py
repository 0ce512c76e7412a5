"""Probabilities that a position carries, against what was so: of zones, and of the way walked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.model import Position
from gateway.report.scoring import Floats, Truth
from gateway.site import PathLine, Site

ON_THE_WAY_M = 2.0
EDGES = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)
FEWEST = 100


@dataclass(frozen=True, slots=True)
class Forecasts:
    """What was said to be so with which probability (n,), and whether it was (n,)."""

    probability: Floats
    came_true: NDArray[np.bool_]

    @property
    def brier(self) -> float:
        """0 is best; always to say one half gives 0.25."""
        return float(((self.probability - self.came_true) ** 2).mean())

    def bins(self) -> list[tuple[float, float, int]]:
        """Mean probability said, share that came true, and how many, where there are enough."""
        found = []
        place = np.digitize(self.probability, EDGES[1:-1])
        for k in range(len(EDGES) - 1):
            own = place == k
            if own.sum() >= FEWEST:
                said, true = self.probability[own].mean(), self.came_true[own].mean()
                found.append((float(said), float(true), int(own.sum())))
        return found


def zone_forecasts(positions: Sequence[Position], truth: Truth, site: Site) -> Forecasts:
    """Of every zone in every position of one tag whose truth is known."""
    where = truth.where(np.array([one.at for one in positions]))
    known = ~np.isnan(where[:, 0])
    said, inside = [], []
    for zone in site.zones:
        said.append([dict(one.zones).get(zone.id, 0.0) for one in positions])
        inside.append(zone.contains(where))
    shape = (len(site.zones), len(positions))
    probability = np.array(said, dtype=float).reshape(shape)[:, known]
    came_true = np.array(inside, dtype=bool).reshape(shape)[:, known]
    return Forecasts(probability.ravel(), came_true.ravel())


def path_forecasts(positions: Sequence[Position], truth: Truth, site: Site) -> Forecasts:
    """Of the path that each position of one tag names, if it names one."""
    lines = {path.id: path for path in site.paths}
    naming = [one for one in positions if one.path]
    where = truth.where(np.array([one.at for one in naming]))
    probability = np.array([one.path_probability for one in naming])
    names = np.array([one.path for one in naming])
    right = np.zeros(len(naming), dtype=bool)
    for name in np.unique(names):
        own = names == name
        right[own] = _distance(lines[str(name)], where[own]) <= ON_THE_WAY_M
    known = ~np.isnan(where[:, 0])
    return Forecasts(probability[known], right[known])


def pooled_forecasts(parts: Iterable[Forecasts]) -> Forecasts:
    """Several as one."""
    known = list(parts)
    return Forecasts(
        np.concatenate([one.probability for one in known]),
        np.concatenate([one.came_true for one in known]),
    )


def _distance(path: PathLine, points: Floats) -> Floats:
    """From points (n, 2) to the nearest point of the path."""
    starts, spans = path.points[:-1], np.diff(path.points, axis=0)
    away = points[:, None] - starts
    share = (away * spans).sum(axis=2) / np.maximum((spans**2).sum(axis=1), 1e-12)
    left = away - np.clip(share, 0, 1)[..., None] * spans
    return np.asarray(np.hypot(left[..., 0], left[..., 1]).min(axis=1))
