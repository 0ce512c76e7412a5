"""The Bayes filter over the site's paths: one Track for each tag, one `update` for each second.

The belief is that for the end of a second. An update carries it to the middle of the next, where
that second's readings and misses are weighed, and on to its end.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.model import Presence
from gateway.tags.levels import Knowledge, knowledge_of, nothing_learned, resumed
from gateway.tags.motion import WIDTH, Singles
from gateway.tags.tile import Ground, Tile
from gateway.tags.weighing import MOST_HEARD, Heard, weigh

OUT_AT_FIRST = 0.01
RIM_MASS = 0.02
PACE_LEARNING = 0.1
LONGEST_INTERVAL_S = 20.0

SILENT_AFTER_S = 30
SILENT_AFTER_INTERVALS = 4.0
LONGEST_PATIENCE_S = round(SILENT_AFTER_INTERVALS * LONGEST_INTERVAL_S)
ENOUGH_MISSED_HEARINGS = 3.0
ASTRAY_SECONDS = 5
NEAREST = 4
SURE_TO_SEND = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is believed of a tag at the end of `second`.

    `states` is the belief over the tile's states, `mass` (cells + 1,) that over its cells and,
    last, out of coverage. `likelihood` (cells + 1,) is that of what was heard and missed in the
    middle of the second, and part of `states`: smoothing needs both. `log_evidence` is the log
    density of what was heard and missed. The track began in `since`.
    """

    second: int
    since: int
    tile: Tile
    states: Singles
    mass: Singles
    likelihood: Singles
    log_evidence: float
    n_heard: int
    unheard_s: int

    def is_strange(self, heard: Heard) -> bool:
        """Whether who heard the tag best is not among the receivers nearest to where it is."""
        if not len(heard.receivers):
            return False
        listening = self.tile.listening
        column = listening.columns[heard.receivers[0]]
        at = listening.cells[int(self.mass[:-1].argmax())]
        away = ((listening.antennas[:, :2] - at) ** 2).sum(axis=1)
        return bool(column < 0 or (away < away[column]).sum() >= NEAREST)


class Track:
    """One tag on the site, from a first hearing until it is silent."""

    def __init__(
        self, ground: Ground, *, second: int, heard: Heard, knowledge: Knowledge | None = None
    ) -> None:
        """Begin in `second`, which `update` is still to take, near whoever `heard` it best.

        `knowledge` is what was learned of the tag's levels when it was tracked before.
        """
        self._ground = ground
        self._tile = ground.tile_by(int(heard.receivers[0]))
        self._states = _anywhere(self._tile)
        self._means = np.zeros((len(self._tile.cells) + 1, WIDTH), dtype=np.float32)
        if knowledge is None:
            self._learned = nothing_learned(ground.surroundings)
        else:
            self._learned = resumed(knowledge, second=second)
            self._means += knowledge.mean
        self._interval_s = 1.0
        self._since = self._last_heard = second
        self._missed_hearings = 0.0
        self._silence_log = 0.0
        self._astray = 0

    def lost(self, heard: Heard) -> bool:
        """Whether the tag is not where it was followed to; then a new track must begin.

        It is, where no receiver nearby hears it, or where those that hear it best stand elsewhere
        for some seconds: ask once a second.
        """
        if not len(heard.receivers):
            return False
        self._astray = 0 if int(heard.receivers[0]) in self._tile.amid else self._astray + 1
        nowhere = (self._tile.listening.columns[heard.receivers] < 0).all()
        return bool(nowhere) or self._astray >= ASTRAY_SECONDS

    def update(self, second: int, heard: Heard, alive: NDArray[np.bool_]) -> Estimate:
        """The belief after `second`, the one after the last.

        `alive` (receivers of the site,) are those whose silence is evidence.
        """
        tile = self._tile
        near = _near(tile, heard)
        weighed = weigh(
            second,
            tile.moves,
            tile.listening,
            near,
            alive,
            min(1 / self._interval_s, SURE_TO_SEND),
            self._learned,
            self._states,
            self._means,
            self._silence_log,
        )
        self._states, self._means = weighed.states, weighed.means
        self._silence_log = weighed.silence_log
        self._missed_hearings += weighed.missed
        if len(near.receivers):
            self._note_hearing(second)
        estimate = Estimate(
            second=second,
            since=self._since,
            tile=tile,
            states=weighed.states,
            mass=weighed.mass,
            likelihood=weighed.likelihood,
            log_evidence=weighed.log_evidence,
            n_heard=len(heard.receivers),
            unheard_s=second - self._last_heard,
        )
        self._follow(estimate)
        return estimate

    def ended(self, estimate: Estimate) -> Presence | None:
        """Why the track is over; None while it is not.

        UNCERTAIN is a tag that no living receiver could have heard: nobody knows.
        """
        patience_s = max(SILENT_AFTER_S, SILENT_AFTER_INTERVALS * self._interval_s)
        if estimate.unheard_s < patience_s:
            return None
        if self._missed_hearings < ENOUGH_MISSED_HEARINGS:
            return Presence.UNCERTAIN
        return Presence.OUT_OF_COVERAGE if estimate.mass[-1] > 0.5 else Presence.SILENT

    def knowledge(self, estimate: Estimate) -> Knowledge:
        """What was learned of the tag's levels, for its next track."""
        return knowledge_of(self._learned, self._means, estimate.mass)

    def _note_hearing(self, second: int) -> None:
        pause_s = min(float(second - self._last_heard), LONGEST_INTERVAL_S)
        self._interval_s += PACE_LEARNING * (max(pause_s, 1.0) - self._interval_s)
        self._last_heard = second
        self._missed_hearings = 0.0
        self._silence_log = 0.0

    def _follow(self, estimate: Estimate) -> None:
        """Change to the tile around the tag before it reaches the rim of this one."""
        old, on_map = self._tile, estimate.mass[:-1]
        if on_map[old.rim].sum() <= RIM_MASS:
            return
        middle = on_map @ old.cells / on_map.sum()
        new = self._ground.tile_at((float(middle[0]), float(middle[1])))
        if new is old:
            return
        states = new.take(old, self._states, absent=0.0)
        self._states = states / states.sum()
        usual = estimate.mass @ self._means
        self._means = new.take_places(old, self._means, absent=usual)
        self._tile = new


def _near(tile: Tile, heard: Heard) -> Heard:
    """The strongest readings by receivers of the tile; the weakest of many say little."""
    here = tile.listening.columns[heard.receivers] >= 0
    if len(here) <= MOST_HEARD and here.all():
        return heard
    kept = np.flatnonzero(here)[:MOST_HEARD]
    return Heard(heard.receivers[kept], heard.dbm[kept], heard.packets[kept])


def _anywhere(tile: Tile) -> Singles:
    """A first belief: standing or walking, on any cell."""
    walking = len(tile.moves.tails)
    shares = [0.5 / len(tile.cells), 0.5 / max(walking, 1), OUT_AT_FIRST]
    states = np.repeat(shares, [len(tile.cells), walking, 1])
    return np.asarray(states / states.sum(), dtype=np.float32)
