"""Where a tag was becomes enter and leave: one watch for each tag.

What is known at once of a place near a border changes within seconds. So a crossing is told with
hindsight: once the seconds after it still put the tag on the other side, the surer the fewer they
are. Some seconds later they say it again, or what was told is taken back.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.model import Crossing, ZoneEvent
from gateway.tags.motion import Singles
from gateway.tags.route import Smoothed, smooth
from gateway.tags.tracker import Estimate

FIRST_SURE = 0.8
DOUBT = 0.7
SURE_AFTER = ((0, 0.95), (4, 0.9), (8, 0.85))  # seconds of hindsight, and how sure it must be
SURE_AT_ONCE, SOONEST_S, MOST_S = SURE_AFTER[0][1], SURE_AFTER[1][0], SURE_AFTER[-1][0]
LOOK_EVERY_S = 2  # looking back costs as much as ten steps
CONFIRMED_AFTER_S = 8
BELIEVED = 0.5
LEAST_ROWS = 64


class Told(NamedTuple):
    """What one second told: crossings, and earlier ones that are `retracted`."""

    events: tuple[ZoneEvent, ...] = ()
    retracted: tuple[ZoneEvent, ...] = ()


_NOTHING = Told()


@dataclass(frozen=True, slots=True)
class _Open:
    """A crossing that was told in the second `told` and is not confirmed: it was by `second`."""

    event: ZoneEvent
    second: int
    told: int


class ZoneWatches:
    """Those of many tags, by row, of which few have anything to say in a second."""

    def __init__(self, zones: Sequence[str]) -> None:
        self._zones = tuple(zones)
        self._inside = np.empty((0, len(zones)), dtype=np.float32)
        self._busy = np.empty(0, dtype=bool)
        self._watches: list[ZoneWatch] = []

    def add(self, tag: str) -> None:
        """A watch for one more tag, in the next row."""
        row = len(self._watches)
        if row == len(self._inside):
            more = max(row, LEAST_ROWS)
            nothing = np.full((more, len(self._zones)), np.nan, dtype=np.float32)
            self._inside = np.concatenate([self._inside, nothing])
            self._busy = np.concatenate([self._busy, np.zeros(more, dtype=bool)])
        self._watches.append(ZoneWatch(tag, self._zones))

    def restart(self, row: int) -> None:
        """The tag is no longer tracked: where it is when it comes back is no crossing."""
        self._watches[row] = ZoneWatch(self._watches[row].tag, self._zones)
        self._inside[row], self._busy[row] = np.nan, False

    def update(
        self, rows: NDArray[np.intp], chances: Singles, estimate: Callable[[int], Estimate]
    ) -> Told:
        """`chances` (n, z) of being inside are those of the tags in `rows` (n,).

        `estimate(k)` is that of the tag in `rows[k]`, which follows the last one.
        """
        if not self._zones:
            return _NOTHING
        decided = (
            np.abs(chances - self._inside[rows]) < DOUBT
        )  # and nothing undecided, which is NaN
        events: tuple[ZoneEvent, ...] = ()
        retracted: tuple[ZoneEvent, ...] = ()
        for k in np.flatnonzero(self._busy[rows] | ~decided.all(axis=1)).tolist():
            row, watch = int(rows[k]), self._watches[rows[k]]
            told = watch.update(estimate(k), chances[k])
            self._inside[row], self._busy[row] = watch.inside, watch.busy
            events += told.events
            retracted += told.retracted
        return Told(events, retracted)


class ZoneWatch:
    """Says when one tag crosses a zone's border, and when it had not.

    The first decision on a zone is no event: that a tag is heard inside for the first time, or
    again after a hole, does not say that it came in now. A hub that restarts at night must not tell
    parents that the child arrived at school; and whoever left unheard did so at no known time.
    """

    def __init__(self, tag: str, zones: Sequence[str]) -> None:
        self.tag = tag
        self.inside = np.full(len(zones), np.nan, dtype=np.float32)  # 1, 0, or not decided
        self._zones = tuple(zones)
        self._since = np.zeros(len(zones), dtype=np.int64)
        self._doubted = np.full(len(zones), -np.inf)
        self._open: dict[int, _Open] = {}
        self._held: deque[Estimate] = deque(maxlen=MOST_S + CONFIRMED_AFTER_S + 1)

    @property
    def busy(self) -> bool:
        """Whether it must be told of every second, not only of those in which something changed."""
        return bool(self._held)

    def update(self, estimate: Estimate, probabilities: Singles) -> Told:
        """`estimate` follows the last one; `probabilities` (z,) of being inside are its own."""
        second = estimate.second
        against = np.abs(probabilities - self.inside)
        self._decide_first(second, probabilities)
        self._doubted[against >= DOUBT] = second
        doubtful = np.flatnonzero(second - self._doubted <= MOST_S).tolist()
        if not doubtful and not self._open:
            self._held.clear()
            return _NOTHING
        self._hold(estimate)
        due = [k for k, one in self._open.items() if second - one.told >= CONFIRMED_AFTER_S]
        hindsight = bool(doubtful) and len(self._held) > SOONEST_S and not second % LOOK_EVERY_S
        if not due and not hindsight and not (against >= SURE_AT_ONCE).any():
            return _NOTHING
        return self._look_back(second, doubtful, due)

    def _decide_first(self, second: int, probabilities: Singles) -> None:
        sure = np.abs(probabilities - 0.5) >= FIRST_SURE - 0.5
        first = sure & np.isnan(self.inside)
        self.inside[first] = probabilities[first] > 0.5
        self._since[first] = second

    def _hold(self, estimate: Estimate) -> None:
        if self._held and self._held[-1].since != estimate.since:
            self._held.clear()  # another track: it does not go on where that one was
        self._held.append(estimate)

    def _look_back(self, second: int, doubtful: Sequence[int], due: Sequence[int]) -> Told:
        held = tuple(self._held) if self._open else tuple(self._held)[-MOST_S - 1 :]
        chances = {one.estimate.second: _inside(one) for one in smooth(held)}
        retracted = [self._retract(k, chances) for k in due if not self._is_believed(k, chances)]
        for zone in due:
            self._open.pop(zone, None)
        events = []
        for zone in doubtful:
            crossed = self._crossed(zone, second, chances)
            if crossed is None:
                continue
            if zone in self._open and not self._is_believed(zone, chances):
                retracted.append(self._retract(zone, chances))
            else:
                events.append(self._cross(zone, crossed, second, chances))
        return Told(tuple(events), tuple(retracted))

    def _crossed(self, zone: int, second: int, chances: Mapping[int, Singles]) -> int | None:
        """A second in which the tag, by now, surely was on the other side of the border.

        What gainsays an event that is not confirmed needs hindsight: is it over, or never was it?
        """
        for lag_s, sure in SURE_AFTER[zone in self._open :]:
            then = second - lag_s
            if then <= self._since[zone] or then not in chances:
                continue
            if abs(chances[then][zone] - self.inside[zone]) >= sure:
                return then
        return None

    def _cross(
        self, zone: int, then: int, second: int, chances: Mapping[int, Singles]
    ) -> ZoneEvent:
        entered = self.inside[zone] == 0
        event = ZoneEvent(
            at=second + 1.0,
            tag=self.tag,
            zone=self._zones[zone],
            event=Crossing.ENTER if entered else Crossing.LEAVE,
            probability=round(float(chances[then][zone]), 3),
        )
        self._open[zone] = _Open(event, then, second)
        self._turn(zone, then)
        return event

    def _is_believed(self, zone: int, chances: Mapping[int, Singles]) -> bool:
        """Whether the tag, by now, was where the open event says, or its new track began there."""
        then = max(self._open[zone].second, min(chances))
        return bool(abs(chances[then][zone] - self.inside[zone]) <= 1 - BELIEVED)

    def _retract(self, zone: int, chances: Mapping[int, Singles]) -> ZoneEvent:
        told = self._open.pop(zone)
        self._turn(zone, max(told.second, min(chances)))
        return told.event

    def _turn(self, zone: int, then: int) -> None:
        self.inside[zone] = 1 - self.inside[zone]
        self._since[zone] = then
        self._doubted[zone] = -np.inf


def _inside(seen: Smoothed) -> Singles:
    """Probabilities (z,) of the zones, if the tag is on the map."""
    tile, on_map = seen.estimate.tile, seen.mass[:-1]
    chances = np.zeros(tile.zone_count, dtype=np.float32)
    chances[tile.zone_numbers] = tile.inside @ on_map / on_map.sum()
    return chances
