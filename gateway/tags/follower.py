"""One tag over days: its tracks, what is kept between them, its zones and its presence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.model import Presence
from gateway.tags.fix import Fix
from gateway.tags.levels import Knowledge, without_receivers
from gateway.tags.tile import Ground
from gateway.tags.tracker import Carried, Estimate, Track, update_all
from gateway.tags.weighing import Heard
from gateway.tags.zones import Told, ZoneWatch

UNSURE_AFTER_S = 10
UNSURE_RADIUS_M = 25.0
STRANGE_S = 3
BURN_IN_S = 6
SURE_LOG = 4.0
LONGEST_RIVAL_S = 25


class Seen(NamedTuple):
    """What one second told of one tag: whether the presence `changed`, and the track `ended`."""

    tag: str
    estimate: Estimate
    fix: Fix
    presence: Presence
    changed: bool
    ended: bool
    told: Told


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

    def move_to(self, ground: Ground, *, second: int) -> None:
        """Go on where it is, on the ground of the same site with other receivers or radios."""
        self._ground = ground
        if self._track is not None:
            self._track.move_to(ground, second=second)
            self._begin(self._track)
        if self._knowledge is not None:
            self._knowledge = without_receivers(self._knowledge)

    def tracks(self, second: int, heard: Heard) -> list[Track]:
        """Those to carry through `second`, with what was heard: none, one, or one and its rival."""
        if len(heard.receivers) and (self._track is None or self._track.lost(heard)):
            self._begin(self._new_track(second, heard))
        if self._track is None:
            return []
        return [self._track] if self._rival is None else [self._track, self._rival.track]

    def see(self, second: int, heard: Heard, found: Sequence[Carried]) -> Seen:
        """What the estimates of those tracks tell."""
        track, estimate, fix = self._challenged(second, heard, found)
        ended = track.ended(estimate)
        if ended is None:
            told = self._watch.update(estimate, fix.zones)
        else:
            told = Told()
            self._watch = ZoneWatch(self.tag, self._zones)
            self._knowledge = track.knowledge(estimate)
            self._track = self._rival = None
        presence = ended or _presence(estimate, fix)
        changed, self._presence = presence is not self._presence, presence
        return Seen(self.tag, estimate, fix, presence, changed, ended is not None, told)

    def _new_track(self, second: int, heard: Heard) -> Track:
        return Track(self._ground, second=second, heard=heard, knowledge=self._knowledge)

    def _begin(self, track: Track) -> None:
        self._track, self._rival, self._strange_s = track, None, 0

    def _challenged(self, second: int, heard: Heard, found: Sequence[Carried]) -> Carried:
        """Where those that hear the tag best stand elsewhere, a rival begins, knowing nothing.

        The one that foretells what is heard better goes on (Wald's sequential test).
        """
        own, rival = found[0], self._rival
        if rival is None:
            self._strange_s = self._strange_s + 1 if own.estimate.strange else 0
            if self._strange_s >= STRANGE_S:
                self._rival = Rival(Track(self._ground, second=second + 1, heard=heard), second)
            return own
        other = found[1]
        if second - rival.since > BURN_IN_S and len(heard.receivers):
            rival.lead += other.estimate.log_evidence - own.estimate.log_evidence
        if rival.lead > SURE_LOG:
            self._begin(rival.track)
            return other
        if rival.lead < -SURE_LOG or second - rival.since > LONGEST_RIVAL_S:
            self._rival, self._strange_s = None, 0
        return own


def follow(
    followers: Sequence[Follower],
    second: int,
    heard: Mapping[str, Heard],
    alive: NDArray[np.bool_],
) -> list[Seen]:
    """What `second` tells of the tags of one ground, `heard` by tag; of those with a track.

    `alive` (receivers of the site,) are those whose silence is evidence.
    """
    told = [heard.get(follower.tag, _UNHEARD) for follower in followers]
    tracks = [follower.tracks(second, own) for follower, own in zip(followers, told, strict=True)]
    repeated = [own for own, one in zip(told, tracks, strict=True) for _ in one]
    found = iter(update_all([track for one in tracks for track in one], second, repeated, alive))
    return [
        follower.see(second, own, list(islice(found, len(one))))
        for follower, own, one in zip(followers, told, tracks, strict=True)
        if one
    ]


_UNHEARD = Heard(np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.float32))


@dataclass(slots=True)
class Rival:
    """Another track of the same tag, and by how much (log) it foretold better since it settled."""

    track: Track
    since: int
    lead: float = 0.0


def _presence(estimate: Estimate, fix: Fix) -> Presence:
    unsure = estimate.unheard_s >= UNSURE_AFTER_S or fix.radius68_m > UNSURE_RADIUS_M
    return Presence.UNCERTAIN if unsure else Presence.TRACKED
