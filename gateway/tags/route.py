"""Positions seen afterwards: with a few seconds more, or with the rest of the outing.

Forward–backward over the estimates of a track. What the later seconds say is a message that is
carried back through the same moves; the posterior's mean along it makes the route.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gateway.tags.looking_back import UNSEEN, carried_back, seen_from
from gateway.tags.motion import Singles
from gateway.tags.tracker import Estimate


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
    """An estimate, and its `mass` (cells + 1,) as later seconds saw it."""

    estimate: Estimate
    mass: Singles


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
    found: list[Smoothed] = []
    message = np.ones(0, dtype=np.float32)
    later: Estimate | None = None
    for estimate in reversed(track):
        tile = estimate.tile
        if later is None:
            before = np.ones(len(tile.keys), dtype=np.float32)
        else:
            before = carried_back(later.tile.address, later.second, later.held, message)
            if later.tile is not tile:
                before = tile.take(later.tile, before, absent=UNSEEN)
        message, mass = seen_from(tile.address, estimate.held, before)
        found.append(Smoothed(estimate, mass))
        later = estimate
    return found[::-1]
