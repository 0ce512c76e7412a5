"""Tags over days: their tracks, what is kept between them, their zones and their presence.

A tag is a row. Nearly all that a second brings is done for all rows at once; only what is rare, a
track that begins, is doubted or ends, is done one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.model import Presence
from gateway.tags.crowd import FELL_SILENT, GOES_ON, GONE, UNKNOWN
from gateway.tags.hearing import Hearing, Rows
from gateway.tags.levels import Knowledge, without_receivers
from gateway.tags.tile import Ground
from gateway.tags.tracker import Crowd, Estimate, Told, Track
from gateway.tags.zones import Told as Crossings
from gateway.tags.zones import ZoneWatches

UNSURE_AFTER_S = 10
UNSURE_RADIUS_M = 25.0
STRANGE_S = 3
BURN_IN_S = 6
SURE_LOG = 4.0
LONGEST_RIVAL_S = 25

LEAST_ROWS = 64
NONE = -1  # no track, no presence

PRESENCES = (
    Presence.TRACKED,
    Presence.UNCERTAIN,
    Presence.OUT_OF_COVERAGE,
    Presence.SILENT,
)
TRACKED, UNCERTAIN = 0, 1
AT_THE_END = np.zeros(4, dtype=np.int8)
AT_THE_END[[UNKNOWN, GONE, FELL_SILENT]] = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Seen:
    """What one second told of the tags in `rows` (n,), by tag: those of `told` in the order `at`.

    `presence` (n,) counts through PRESENCES and has `changed` (n,) or not; tracks have `ended`.
    """

    rows: Rows
    told: Told
    at: Rows
    presence: NDArray[np.int8]
    changed: NDArray[np.bool_]
    ended: NDArray[np.bool_]
    crossings: Crossings

    def estimate(self, index: int) -> Estimate:
        """What is believed of the tag in `rows[index]`."""
        return self.told.estimate(int(self.at[index]))


@dataclass(slots=True)
class Rival:
    """Another track of the same tag, and by how much (log) it foretold better since it settled."""

    track: Track
    since: int
    lead: float = 0.0


class Followers:
    """Follows the tags of one ground. A track that ended leaves what was learned of its levels."""

    def __init__(self, ground: Ground, zones: Sequence[str]) -> None:
        self.tags: list[str] = []
        self.rows: dict[str, int] = {}
        self._crowd = Crowd(ground)
        self._watches = ZoneWatches(zones)
        self._tracks: dict[int, Track] = {}
        self._rivals: dict[int, Rival] = {}
        self._knowledge: dict[int, Knowledge] = {}
        self._slots = np.empty(0, dtype=np.int64)
        self._presence = np.empty(0, dtype=np.int8)
        self._strange_s = np.empty(0, dtype=np.int64)
        self._by_tag = np.empty(0, dtype=np.int64)

    def add(self, tag: str) -> int:
        """The row of a tag that has none."""
        row = self.rows[tag] = len(self.tags)
        self.tags.append(tag)
        if row == len(self._slots):
            nothing = np.full(max(row, LEAST_ROWS), NONE)
            self._slots = np.concatenate([self._slots, nothing])
            self._presence = np.concatenate([self._presence, nothing.astype(np.int8)])
            self._strange_s = np.concatenate([self._strange_s, np.zeros_like(nothing)])
        self._watches.add(tag)
        return row

    def move_to(self, ground: Ground, *, second: int) -> None:
        """Go on where they are, on the ground of the same site with other receivers or radios."""
        self._crowd = Crowd(ground)
        for row, track in self._tracks.items():
            track.move_to(self._crowd, second=second)
            self._slots[row] = track.slot
        self._rivals.clear()
        self._strange_s[:] = 0
        self._knowledge = {row: without_receivers(known) for row, known in self._knowledge.items()}

    def follow(self, second: int, hearing: Hearing) -> Seen:
        """What `second` tells of the tags with a track."""
        self._begin_tracks(second, hearing)
        rows = self._sorted()
        rows = rows[self._slots[rows] != NONE]
        rivals = [row for row in rows.tolist() if row in self._rivals] if self._rivals else []
        others = [self._rivals[row].track.slot for row in rivals]
        members = np.concatenate([self._slots[rows], np.array(others, dtype=np.int64)])
        every = np.concatenate([rows, np.array(rivals, dtype=np.int64)])
        told = self._crowd.step(members, hearing.news(second, every))
        at = np.arange(len(rows))
        self._challenge(second, hearing, told, rows, rivals, at)
        return self._see(rows, told, at)

    def _sorted(self) -> Rows:
        """All rows by their tags."""
        if len(self._by_tag) != len(self.tags):
            self._by_tag = np.array(sorted(self.rows.values(), key=self.tags.__getitem__))
        return self._by_tag

    def _begin_tracks(self, second: int, hearing: Hearing) -> None:
        """Where a tag is heard that has no track, or is not where it was followed to."""
        heard = np.flatnonzero(np.diff(hearing.firsts))
        tracked = heard[self._slots[heard] != NONE]
        lost = self._crowd.lost(self._slots[tracked], hearing.news(second, tracked))
        for row in [*heard[self._slots[heard] == NONE].tolist(), *tracked[lost].tolist()]:
            self._drop(row)
            self._begin(
                row,
                Track(
                    self._crowd,
                    second=second,
                    heard=hearing.of(row),
                    knowledge=self._knowledge.get(row),
                ),
            )

    def _begin(self, row: int, track: Track) -> None:
        self._tracks[row] = track
        self._slots[row] = track.slot
        self._strange_s[row] = 0

    def _drop(self, row: int) -> None:
        """Whatever tracks it has are over."""
        if row in self._tracks:
            self._tracks.pop(row).leave()
            self._slots[row] = NONE
        self._drop_rival(row)

    def _drop_rival(self, row: int) -> None:
        if row in self._rivals:
            self._rivals.pop(row).track.leave()
        self._strange_s[row] = 0

    def _challenge(
        self,
        second: int,
        hearing: Hearing,
        told: Told,
        rows: Rows,
        rivals: Sequence[int],
        at: Rows,
    ) -> None:
        """Where those that hear a tag best stand elsewhere, a rival begins, knowing nothing.

        The one that foretells what is heard better goes on (Wald's sequential test): `at` is
        changed to where it stands in `told`.
        """
        strange = told.outcomes.strange[: len(rows)]
        self._strange_s[rows] = np.where(strange, self._strange_s[rows] + 1, 0)
        evidence = told.outcomes.log_evidence
        places = {row: k for k, row in enumerate(rows.tolist())} if rivals else {}
        for index, row in enumerate(rivals, start=len(rows)):
            rival, own = self._rivals[row], places[row]
            if second - rival.since > BURN_IN_S and told.outcomes.heard[own] > 0:
                rival.lead += float(evidence[index] - evidence[own])
            if rival.lead > SURE_LOG:
                del self._rivals[row]
                self._drop(row)
                self._begin(row, rival.track)
                at[own] = index
            elif rival.lead < -SURE_LOG or second - rival.since > LONGEST_RIVAL_S:
                self._drop_rival(row)
        for row in rows[self._strange_s[rows] >= STRANGE_S].tolist():
            if row not in self._rivals:
                heard = hearing.of(row)
                self._rivals[row] = Rival(
                    Track(self._crowd, second=second + 1, heard=heard), second
                )

    def _see(self, rows: Rows, told: Told, at: Rows) -> Seen:
        outcomes = told.outcomes
        ending = outcomes.ending[at]
        ended = ending != GOES_ON
        unsure = outcomes.unheard_s[at] >= UNSURE_AFTER_S
        unsure |= outcomes.points[at, 2] > UNSURE_RADIUS_M
        presence = np.where(unsure, UNCERTAIN, TRACKED).astype(np.int8)
        presence[ended] = AT_THE_END[ending[ended]]
        changed = presence != self._presence[rows]
        self._presence[rows] = presence
        live = np.flatnonzero(~ended)
        crossings = self._watches.update(
            rows[live], outcomes.zones[at[live]], lambda k: told.estimate(int(at[live[k]]))
        )
        for row in rows[ended].tolist():
            self._knowledge[row] = self._tracks[row].knowledge()
            self._drop(row)
            self._watches.restart(row)
        return Seen(rows, told, at, presence, changed, ended, crossings)
