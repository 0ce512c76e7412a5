"""The Bayes filter over the site's paths: one Track for each tag, one `update` for each second.

The belief is that for the end of a second. An update carries it to the middle of the next, where
that second's readings and misses are weighed, and on to its end.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.model import Presence
from gateway.tags.crowd import Member, Told, address_of, step
from gateway.tags.fix import Fix
from gateway.tags.levels import (
    Knowledge,
    knowledge_of,
    nothing_learned,
    resumed,
    without_receivers,
)
from gateway.tags.motion import WIDTH, Belief, Singles, mass_of, packed, unpacked
from gateway.tags.tile import Ground, Tile
from gateway.tags.weighing import Heard

BATCH = 64  # tracks that one compiled call takes on: what they hold stays in the cache

OUT_AT_FIRST = 0.01
RIM_MASS = 0.02
PACE_LEARNING = 0.1
LONGEST_INTERVAL_S = 20.0

SILENT_AFTER_S = 30
SILENT_AFTER_INTERVALS = 4.0
LONGEST_PATIENCE_S = round(SILENT_AFTER_INTERVALS * LONGEST_INTERVAL_S)
ENOUGH_MISSED_HEARINGS = 3.0
ASTRAY_SECONDS = 5
SURE_TO_SEND = 0.95


class Estimate(NamedTuple):
    """What is believed of a tag at the end of `second`.

    `states` is the belief over the tile's states, `mass` (cells + 1,) that over its cells and,
    last, out of coverage. `likelihood` (cells + 1,) is that of what was heard and missed in the
    middle of the second, and part of `states`: smoothing needs both. `log_evidence` is the log
    density of what was heard and missed. The track began in `since`. It is `strange` where who
    heard the tag best is not among the receivers nearest to where it is.
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
    strange: bool = False

    def kept(self) -> "Estimate":
        """For who keeps it, and not those of all other tags: these share their memory with it."""
        return self._replace(
            states=self.states.copy(),
            mass=self.mass.copy(),
            likelihood=self.likelihood.copy(),
        )


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
        states = _anywhere(self._tile)
        rows = np.zeros((len(self._tile.cells) + 1, WIDTH), dtype=np.float32)
        if knowledge is None:
            self._learned = nothing_learned(ground.surroundings)
        else:
            self._learned = resumed(knowledge, second=second)
            rows += knowledge.mean
        self._believe(self._tile, states, rows)
        self._interval_s = 1.0
        self._since = self._last_heard = second
        self._missed_hearings = 0.0
        self._silence_log = 0.0
        self._astray = 0

    def move_to(self, ground: Ground, *, second: int) -> None:
        """Go on from where it is, on the ground of the same site with other receivers or radios."""
        old, belief = self._tile, unpacked(self._belief)
        known = without_receivers(knowledge_of(self._learned, belief.rows, belief.mass))
        middle = belief.mass[:-1] @ old.cells / belief.mass[:-1].sum()
        tile = ground.tile_at((float(middle[0]), float(middle[1])))
        states = tile.take(old, belief.states, absent=0.0)
        self._ground, self._learned = ground, resumed(known, second=second)
        self._believe(tile, states / states.sum(), np.tile(known.mean, (len(tile.cells) + 1, 1)))

    def lost(self, heard: Heard) -> bool:
        """Whether the tag is not where it was followed to; then a new track must begin.

        It is, where no receiver nearby hears it, or where those that hear it best stand elsewhere
        for some seconds: ask once a second.
        """
        if not len(heard.receivers):
            return False
        if int(heard.receivers[0]) in self._tile.amid:
            self._astray = 0
            return False
        self._astray += 1
        nowhere = (self._tile.listening.columns[heard.receivers] < 0).all()
        return bool(nowhere) or self._astray >= ASTRAY_SECONDS

    def update(self, second: int, heard: Heard, alive: NDArray[np.bool_]) -> Estimate:
        """The belief after `second`, the one after the last.

        `alive` (receivers of the site,) are those whose silence is evidence.
        """
        return update_all([self], second, [heard], alive)[0].estimate

    def member(self, heard: Heard) -> Member:
        """What this track is to a step of the crowd."""
        sent = min(1 / self._interval_s, SURE_TO_SEND)
        return Member(self._tile, self._address, self._learned, heard, sent, self._silence_log)

    def take(self, second: int, heard: Heard, told: Told) -> Estimate:
        """What the step told of this track."""
        outcome, self._belief, self._address = told.outcome, told.belief, told.address
        self._silence_log = outcome.silence_log
        self._missed_hearings += outcome.missed
        if outcome.near:
            self._note_hearing(second)
        estimate = Estimate(
            second,
            self._since,
            self._tile,
            told.belief.states,
            told.belief.mass,
            told.likelihood,
            outcome.log_evidence,
            len(heard.receivers),
            second - self._last_heard,
            bool(outcome.strange),
        )
        if outcome.rim > RIM_MASS:
            self._follow(estimate, (outcome.middle_east, outcome.middle_north))
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
        return knowledge_of(self._learned, unpacked(self._belief).rows, estimate.mass)

    def _note_hearing(self, second: int) -> None:
        pause_s = min(float(second - self._last_heard), LONGEST_INTERVAL_S)
        self._interval_s += PACE_LEARNING * (max(pause_s, 1.0) - self._interval_s)
        self._last_heard = second
        self._missed_hearings = 0.0
        self._silence_log = 0.0

    def _follow(self, estimate: Estimate, middle: tuple[float, float]) -> None:
        """Change to the tile around the tag before it reaches the rim of this one."""
        old, new = self._tile, self._ground.tile_at(middle)
        if new is old:
            return
        states = new.take(old, self._belief.states, absent=0.0)
        dense = unpacked(self._belief).rows
        rows = new.take_places(old, dense, absent=estimate.mass @ dense)
        self._believe(new, states / states.sum(), rows)

    def _believe(self, tile: Tile, states: Singles, rows: Singles) -> None:
        self._tile = tile
        dense = Belief(states, mass_of(tile.moves, states), rows)
        self._belief = dense._replace(rows=rows[: packed(dense, rows)].copy())
        self._address = address_of(self._learned, self._belief)


class Carried(NamedTuple):
    """A track after a second, and where that finds its tag."""

    track: Track
    estimate: Estimate
    fix: Fix


def update_all(
    tracks: Sequence[Track], second: int, heard: Sequence[Heard], alive: NDArray[np.bool_]
) -> list[Carried]:
    """`Track.update` of many tracks of one ground, with what was `heard` of each; and fixes."""
    found = []
    for first in range(0, len(tracks), BATCH):
        batch, news = tracks[first : first + BATCH], heard[first : first + BATCH]
        members = [track.member(own) for track, own in zip(batch, news, strict=True)]
        for track, own, told in zip(batch, news, step(second, members, alive), strict=True):
            found.append(Carried(track, track.take(second, own, told), told.fix))
    return found


def _anywhere(tile: Tile) -> Singles:
    """A first belief: standing or walking, on any cell."""
    walking = len(tile.moves.tails)
    shares = [0.5 / len(tile.cells), 0.5 / max(walking, 1), OUT_AT_FIRST]
    states = np.repeat(shares, [len(tile.cells), walking, 1])
    return np.asarray(states / states.sum(), dtype=np.float32)
