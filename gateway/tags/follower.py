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

    def update(self, second: int, heard: Heard, alive: NDArray[np.bool_]) -> Seen | None:
        """What `second` tells; None while there is no track."""
        track = self._track
        if len(heard.receivers) and (track is None or track.lost(heard)):
            track = Track(self._ground, second=second, heard=heard, knowledge=self._knowledge)
        if track is None:
            return None
        estimate = track.update(second, heard, alive)
        fix = fix_of(estimate.tile, estimate.mass)
        ended = track.ended(estimate)
        self._track = track if ended is None else None
        if ended is None:
            events = self._watch.update(second + 1.0, fix.zones)
        else:
            events = []
            self._watch = ZoneWatch(self.tag, self._zones)
            self._knowledge = track.knowledge(estimate)
        presence = ended or _presence(estimate, fix)
        changed, self._presence = presence is not self._presence, presence
        return Seen(self.tag, estimate, fix, presence, changed, ended is not None, tuple(events))


def _presence(estimate: Estimate, fix: Fix) -> Presence:
    unsure = estimate.unheard_s >= UNSURE_AFTER_S or fix.radius68_m > UNSURE_RADIUS_M
    return Presence.UNCERTAIN if unsure else Presence.TRACKED
