"""One tag over days: its tracks, what is kept between them, its zones and its presence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.model import Presence, ZoneEvent
from gateway.tags.fix import Fix, fix_of
from gateway.tags.levels import Knowledge
from gateway.tags.tile import Ground
from gateway.tags.tracker import Estimate, Track
from gateway.tags.weighing import Heard
from gateway.tags.zones import ZoneWatch

UNSURE_AFTER_S = 10
UNSURE_RADIUS_M = 25.0
STRANGE_S = 3
BURN_IN_S = 6
SURE_LOG = 4.0
LONGEST_RIVAL_S = 25


@dataclass(frozen=True, slots=True)
class Seen:
    """What one second told of one tag: whether the presence `changed`, and the track `ended`."""

    tag: str
    estimate: Estimate
    fix: Fix
    presence: Presence
    changed: bool
    ended: bool
    events: tuple[ZoneEvent, ...]


class Follower:
    """Follows one tag. A track that ended leaves only what was learned of the tag's levels."""

    def __init__(self, tag: str, ground: Ground, zones: Sequence[str]) -> None:
        self.tag = tag
        self._ground = ground
        self._zones = zones
        self._watch = ZoneWatch(tag, zones)
        self._track: Track | None = None
        self._knowledge: Knowledge | None = None
        self._presence: Presence | None = None
        self._rival: Rival | None = None
        self._strange_s = 0

    def update(self, second: int, heard: Heard, alive: NDArray[np.bool_]) -> Seen | None:
        """What `second` tells; None while there is no track."""
        if len(heard.receivers) and (self._track is None or self._track.lost(heard)):
            self._begin(self._new_track(second, heard))
        if self._track is None:
            return None
        estimate = self._track.update(second, heard, alive)
        estimate = self._challenge(second, heard, alive, estimate)
        fix = fix_of(estimate.tile, estimate.mass)
        return self._seen(second, estimate, fix, self._track)

    def _new_track(self, second: int, heard: Heard) -> Track:
        return Track(self._ground, second=second, heard=heard, knowledge=self._knowledge)

    def _begin(self, track: Track) -> None:
        self._track, self._rival, self._strange_s = track, None, 0

    def _challenge(
        self, second: int, heard: Heard, alive: NDArray[np.bool_], estimate: Estimate
    ) -> Estimate:
        """Where those that hear the tag best stand elsewhere, a rival begins, knowing nothing.

        The one that foretells what is heard better goes on (Wald's sequential test).
        """
        if self._rival is None:
            self._strange_s = self._strange_s + 1 if estimate.is_strange(heard) else 0
            if self._strange_s >= STRANGE_S:
                self._rival = Rival(Track(self._ground, second=second + 1, heard=heard), second)
            return estimate
        rival = self._rival
        other = rival.track.update(second, heard, alive)
        if second - rival.since > BURN_IN_S and len(heard.receivers):
            rival.lead += other.log_evidence - estimate.log_evidence
        if rival.lead > SURE_LOG:
            self._begin(rival.track)
            return other
        if rival.lead < -SURE_LOG or second - rival.since > LONGEST_RIVAL_S:
            self._rival, self._strange_s = None, 0
        return estimate

    def _seen(self, second: int, estimate: Estimate, fix: Fix, track: Track) -> Seen:
        ended = track.ended(estimate)
        if ended is None:
            events = self._watch.update(second + 1.0, fix.zones)
        else:
            events = []
            self._track = self._rival = None
            self._watch = ZoneWatch(self.tag, self._zones)
            self._knowledge = track.knowledge(estimate)
        presence = ended or _presence(estimate, fix)
        changed, self._presence = presence is not self._presence, presence
        return Seen(self.tag, estimate, fix, presence, changed, ended is not None, tuple(events))


@dataclass(slots=True)
class Rival:
    """Another track of the same tag, and by how much (log) it foretold better since it settled."""

    track: Track
    since: int
    lead: float = 0.0


def _presence(estimate: Estimate, fix: Fix) -> Presence:
    unsure = estimate.unheard_s >= UNSURE_AFTER_S or fix.radius68_m > UNSURE_RADIUS_M
    return Presence.UNCERTAIN if unsure else Presence.TRACKED
