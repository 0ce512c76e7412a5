"""The Bayes filter over the site's paths: one Track for each tag, one `update` for each second.

The belief is that for the end of a second. An update carries it to the middle of the next, where
that second's readings and misses are weighed, and on to its end.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np

from gateway.model import Presence
from gateway.tags.levels import Knowledge, Level, Levels
from gateway.tags.propagation import Floats, directions, log_missed
from gateway.tags.tile import Ground, Tile

OUT_AT_FIRST = 0.01
HEARD_OUT_LOG = -3.0  # to be heard, and yet out of coverage
SILENCE_LOG = 4.0  # the most that silence says for it
RESCUED = 1e-3
RIM_MASS = 0.02
MISS_TEMPER = 0.12
PACE_LEARNING = 0.1
LONGEST_INTERVAL_S = 20.0

SILENT_AFTER_S = 30
SILENT_AFTER_INTERVALS = 4.0
LONGEST_PATIENCE_S = round(SILENT_AFTER_INTERVALS * LONGEST_INTERVAL_S)
ENOUGH_MISSED_HEARINGS = 3.0
BEST_HEARD = 12
ENOUGH_HEARD = 6  # beyond that, misses say nothing that readings do not say better
LISTENERS = 8
ASTRAY_SECONDS = 5
SURE_TO_SEND = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is believed of a tag at the end of `second`.

    `states` is the belief over the tile's states, `mass` (cells + 1,) that over its cells and,
    last, out of coverage. `likelihood` (cells + 1,) is that of what was heard and missed in the
    middle of the second, and part of `states`: smoothing needs both. The track began in `since`.
    """

    second: int
    since: int
    tile: Tile
    states: Floats
    mass: Floats
    likelihood: Floats
    n_heard: int
    unheard_s: int


class Track:
    """One tag on the site, from a first hearing until it is silent."""

    def __init__(
        self,
        ground: Ground,
        *,
        second: int,
        heard: Mapping[str, Level],
        knowledge: Knowledge | None = None,
    ) -> None:
        """Begin in `second`, which `update` is still to take, near whoever `heard` it best.

        `knowledge` is what was learned of the tag's levels when it was tracked before.
        """
        self._ground = ground
        self._tile = ground.tile_by(max(heard, key=lambda receiver: heard[receiver].mean_dbm))
        self._states = _anywhere(self._tile)
        self._levels = Levels(
            cells=len(self._tile.cells) + 1,
            surroundings=ground.surroundings,
            sd_db=lambda receiver: ground.radio(receiver).power_sd_db,
        )
        if knowledge is not None:
            self._levels.begin_with(knowledge, second=second)
        self._interval_s = 1.0
        self._since = self._last_heard = second
        self._missed_hearings = 0.0
        self._silence_log = 0.0
        self._astray = 0

    def lost(self, heard: Mapping[str, Level]) -> bool:
        """Whether the tag is not where it was followed to; then a new track must begin.

        It is, where no receiver nearby hears it, or where those that hear it best stand elsewhere
        for some seconds: ask once a second.
        """
        if not heard:
            return False
        best = max(heard, key=lambda receiver: heard[receiver].mean_dbm)
        self._astray = 0 if best in self._tile.amid else self._astray + 1
        nowhere = not any(receiver in self._tile.columns for receiver in heard)
        return nowhere or self._astray >= ASTRAY_SECONDS

    def update(self, second: int, heard: Mapping[str, Level], alive: Set[str]) -> Estimate:
        """The belief after `second`, the one after the last.

        `heard` is by receiver of the site; `alive` are receivers whose silence is evidence.
        """
        near = self._best(heard)
        self._levels.drift(1.0)
        before = self._rescue(self._carry(self._states))
        mass = self._tile.moves.mass(before)
        log = self._weigh_misses(heard, alive, mass)
        if near:
            log += self._weigh_readings(second, near, mass)
            self._note_hearing(second)
        log = np.append(log, self._log_out(near, log, mass))
        likelihood = np.exp(log - log.max())
        after = before * likelihood[self._tile.moves.places]
        self._states = self._carry(after / after.sum())
        estimate = Estimate(
            second=second,
            since=self._since,
            tile=self._tile,
            states=self._states,
            mass=self._tile.moves.mass(self._states),
            likelihood=likelihood,
            n_heard=len(heard),
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
        return self._levels.known(estimate.mass)

    def _best(self, heard: Mapping[str, Level]) -> dict[str, Level]:
        """The strongest readings by receivers of the tile; the weakest of many say little."""
        near = [one for one in heard if one in self._tile.columns]
        near.sort(key=lambda one: (-heard[one].mean_dbm, one))
        return {one: heard[one] for one in near[:BEST_HEARD]}

    def _carry(self, states: Floats) -> Floats:
        later, flow = self._tile.moves.forward(states)
        self._levels.means = self._tile.moves.flows.carry(self._levels.means, flow)
        return later

    def _rescue(self, states: Floats) -> Floats:
        """Let a little of the belief be anywhere, so that no mistake is for ever."""
        states *= 1 - RESCUED
        states[: len(self._tile.cells)] += RESCUED / len(self._tile.cells)
        return states

    def _weigh_misses(self, heard: Mapping[str, Level], alive: Set[str], mass: Floats) -> Floats:
        """Log likelihood (cells,) of the receivers that live and heard nothing."""
        tile = self._tile
        silent = [one for one in tile.columns if one in alive and one not in heard]
        if not silent or len(heard) >= ENOUGH_HEARD:
            return np.zeros(len(tile.cells))
        columns = np.array([tile.columns[one] for one in silent])
        margin = mass[:-1] @ tile.expected[:, columns] - tile.threshold_dbm[columns]
        near = np.argsort(-margin, kind="stable")[:LISTENERS]
        columns = columns[near]
        stronger = self._levels.above_usual_db([silent[index] for index in near])[:-1]
        above = tile.expected[:, columns] + stronger - tile.threshold_dbm[columns]
        log = log_missed(above, tile.detection[columns])
        if heard.keys().isdisjoint(tile.columns):
            sent = min(1 / self._interval_s, SURE_TO_SEND)
            log = np.log1p(sent * np.expm1(log))
            self._missed_hearings -= float(mass[:-1] @ np.expm1(log))
        return MISS_TEMPER * log

    def _log_out(self, heard: Mapping[str, Level], log: Floats, mass: Floats) -> float:
        """Log likelihood of the same second if the tag is out of coverage.

        Silence speaks for it, but only so much: a tag can also have stopped sending.
        """
        if heard:
            return float(log.max()) + HEARD_OUT_LOG
        on_map = float(mass[:-1] @ log) / float(mass[:-1].sum())
        gain = min(-on_map, SILENCE_LOG - self._silence_log)
        self._silence_log += gain
        return on_map + gain

    def _weigh_readings(self, second: int, heard: Mapping[str, Level], mass: Floats) -> Floats:
        """Log likelihood (cells,) of what was heard."""
        tile = self._tile
        columns = [tile.columns[one] for one in heard]
        expected = tile.expected[:, columns]
        on_map = mass[:-1] / mass[:-1].sum()
        log = self._levels.log_likelihood(
            second,
            heard,
            # out of coverage learns what the map learns on average
            expected=np.concatenate([expected, [on_map @ expected]]),
            directions=directions(on_map @ tile.cells, tile.antennas[columns]),
        )
        return log[:-1]

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
        usual = estimate.mass @ self._levels.means
        self._levels.means = new.take_places(old, self._levels.means, absent=usual)
        self._tile = new


def _anywhere(tile: Tile) -> Floats:
    """A first belief: standing or walking, on any cell."""
    walking = len(tile.moves.places) - len(tile.cells) - 1
    shares = [0.5 / len(tile.cells), 0.5 / max(walking, 1), OUT_AT_FIRST]
    states = np.repeat(shares, [len(tile.cells), walking, 1])
    return np.asarray(states / states.sum())
