"""Positions seen afterwards: with a few seconds more, or with the rest of the outing.

Forward–backward over the estimates of a track. What the later seconds say is a message that is
carried back through the same moves; the posterior's mean along it makes the route.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gateway.tags.looking_back import look_back
from gateway.tags.motion import Singles
from gateway.tags.packing import joined
from gateway.tags.tracker import Estimate, spread_out


@dataclass(frozen=True, slots=True)
class Lag:
    """How much hindsight: every estimate knows at least `lag_s` later seconds of its track.

    `block_s` of them are smoothed at a time: a long outing need not be held whole, since what comes
    minutes later says nothing more.
    """

    lag_s: int
    block_s: int


CONFIRMED = Lag(lag_s=8, block_s=1)
ROUTE = Lag(lag_s=120, block_s=480)


@dataclass(frozen=True, slots=True)
class Smoothed:
    """An estimate, and the mass (places,) of what it held as later seconds saw it."""

    estimate: Estimate
    held_mass: Singles

    @property
    def mass(self) -> Singles:
        """The belief (cells + 1,) over the tile's cells and, last, out of coverage."""
        return spread_out(self.estimate.tile, self.estimate.held.places, self.held_mass)


class Hindsight:
    """One tag's tracks, seen afterwards. A hole stays a hole: tracks are smoothed apart."""

    def __init__(self, lag: Lag) -> None:
        self._lag = lag
        self._waiting: list[Estimate] = []

    def update(self, estimate: Estimate) -> list[Smoothed]:
        """Take the next estimate of the tag; what is due, by time."""
        due = [] if self._continues(estimate) else self.end()
        self._waiting.append(estimate)
        if len(self._waiting) >= self._lag.lag_s + self._lag.block_s:
            due += smooth(self._waiting)[: self._lag.block_s]
            del self._waiting[: self._lag.block_s]
        return due

    def end(self) -> list[Smoothed]:
        """No more will come: what was still waiting."""
        rest = smooth(self._waiting)
        self._waiting.clear()
        return rest

    def _continues(self, estimate: Estimate) -> bool:
        return bool(self._waiting) and self._waiting[-1].since == estimate.since


def smooth(track: Sequence[Estimate]) -> list[Smoothed]:
    """The consecutive estimates of one `track`, each as all of them see it."""
    if not track:
        return []
    held = joined([estimate.held for estimate in track])
    mass = np.empty_like(held.mass)
    look_back(
        np.array([estimate.tile.address for estimate in track]),
        np.array([estimate.second for estimate in track]),
        held,
        mass,
    )
    parts = np.split(mass, held.starts[1:-1, 0])
    return [Smoothed(estimate, part) for estimate, part in zip(track, parts, strict=True)]
