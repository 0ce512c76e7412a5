"""Where tags were becomes enter and leave.

What is believed of a place near a border changes within a second, and often changes back. So the
log-odds of being inside are averaged over the last few seconds; once they surely say the other
side, a crossing is told. A visit that was too short for that is told with hindsight. Some seconds
later hindsight says it again, or what was told is taken back.
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

SURE_LOG = 1.15  # about 3 to 1
OVER_S = 4
LEAST_CHANCE = 0.01  # surer than that counts no more
DOUBT = 0.7
SURE_LATER = 0.85
CONFIRMED_AFTER_S = 8
BELIEVED = 0.5
LEAST_ROWS = 64


class Told(NamedTuple):
    """What one second told: crossings, and earlier ones that are `retracted`."""

    events: tuple[ZoneEvent, ...] = ()
    retracted: tuple[ZoneEvent, ...] = ()


class ZoneWatches:
    """Says when tags, by row, cross zones' borders, and when they had not.

    The first decision on a zone is no event: that a tag is heard inside for the first time, or
    again after a hole, does not say that it came in now. A hub that restarts at night must not tell
    parents that the child arrived at school; and whoever left unheard did so at no known time.
    """

    def __init__(self, zones: Sequence[str]) -> None:
        self._zones = tuple(zones)
        self._tags: list[str] = []
        self._log_odds = np.empty((0, len(zones)), dtype=np.float32)
        self._inside = self._log_odds.copy()  # 1, 0, or not decided, which is NaN
        self._watches: dict[int, _Watch] = {}

    def add(self, tag: str) -> None:
        """Watch one more tag, in the next row."""
        row = len(self._tags)
        if row == len(self._inside):
            more = (max(row, LEAST_ROWS), len(self._zones))
            nothing = np.full(more, np.nan, dtype=np.float32)
            self._log_odds = np.concatenate([self._log_odds, nothing])
            self._inside = np.concatenate([self._inside, nothing])
        self._tags.append(tag)

    def restart(self, row: int) -> None:
        """The tag is no longer tracked: where it is when it comes back is no crossing."""
        self._log_odds[row] = self._inside[row] = np.nan
        self._watches.pop(row, None)

    def update(
        self, rows: NDArray[np.intp], chances: Singles, estimate: Callable[[int], Estimate]
    ) -> Told:
        """`chances` (n, z) of being inside are those of the tags in `rows` (n,).

        `estimate(k)` is that of the tag in `rows[k]`, which follows the last one.
        """
        doubted = np.abs(chances - self._inside[rows]) >= DOUBT
        crossed = self._crossed(rows, chances)
        watched = (doubted | crossed).any(axis=1)
        if self._watches:
            watched |= np.isin(rows, list(self._watches))
        events: list[ZoneEvent] = []
        retracted: list[ZoneEvent] = []
        for k in np.flatnonzero(watched).tolist():
            row = int(rows[k])
            watch = self._watches.setdefault(row, _Watch(self._tags[row], self._zones))
            seen = _Seen(estimate(k), self._inside[row], chances[k], doubted[k], crossed[k])
            told = watch.update(seen)
            events += told.events
            retracted += told.retracted
            if watch.is_idle:
                del self._watches[row]
        return Told(tuple(events), tuple(retracted))

    def _crossed(self, rows: NDArray[np.intp], chances: Singles) -> NDArray[np.bool_]:
        """Whether tags (n, z) surely are on the other side of a border by now."""
        known = np.clip(chances, LEAST_CHANCE, 1 - LEAST_CHANCE)
        now, before = np.log(known / (1 - known)), self._log_odds[rows]
        log_odds = np.where(np.isnan(before), now, before + (now - before) / OVER_S)
        self._log_odds[rows] = log_odds
        inside = self._inside[rows]
        sure, here, undecided = np.abs(log_odds) >= SURE_LOG, log_odds > 0, np.isnan(inside)
        self._inside[rows] = np.where(sure & undecided, here, inside)
        return np.asarray(sure & ~undecided & (here != inside))


class _Seen(NamedTuple):
    """A tag in a second: on which sides of borders (z,) it was said to be, the `chances` (z,) of
    being inside, where these are `doubted` (z,) to hold, and where it has `crossed` (z,).
    """

    estimate: Estimate
    inside: Singles
    chances: Singles
    doubted: NDArray[np.bool_]
    crossed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Open:
    """A crossing that was told in the second `told` and is not confirmed: it was by `second`."""

    event: ZoneEvent
    second: int
    told: int


class _Watch:
    """One tag for as long as it is in doubt on which side of a border it is, or was."""

    def __init__(self, tag: str, zones: Sequence[str]) -> None:
        self._tag = tag
        self._zones = zones
        self._doubted: dict[int, int] = {}
        self._since: dict[int, int] = {}
        self._open: dict[int, _Open] = {}
        self._held: deque[Estimate] = deque(maxlen=2 * CONFIRMED_AFTER_S + 1)

    @property
    def is_idle(self) -> bool:
        """Whether it need not be told of the next second, whatever that brings."""
        return not self._doubted and not self._open

    def update(self, seen: _Seen) -> Told:
        """What a second tells; `seen.inside` is changed to it."""
        second = seen.estimate.second
        self._hold(seen.estimate)
        crossings = dict.fromkeys(np.flatnonzero(seen.crossed).tolist(), second)
        doubtful = self._doubtful(seen)
        if not doubtful and not self._due(second, crossings):
            return Told(tuple(self._cross(zone, second, seen, seen.chances) for zone in crossings))
        chances = self._look_back()
        late = second - CONFIRMED_AFTER_S
        for zone in doubtful:
            if abs(chances[late][zone] - seen.inside[zone]) >= SURE_LATER:
                crossings[zone] = late
        retracted = []
        for zone in self._due(second, crossings):
            told = self._open.pop(zone)
            then = max(told.second, min(chances))  # or its new track began there
            if abs(chances[then][zone] - seen.inside[zone]) > 1 - BELIEVED:
                retracted.append(told.event)
                crossings.pop(zone, None)
                self._turn(zone, then, seen)
        events = [self._cross(zone, then, seen, chances[then]) for zone, then in crossings.items()]
        return Told(tuple(events), tuple(retracted))

    def _hold(self, estimate: Estimate) -> None:
        if self._held and self._held[-1].since != estimate.since:
            self._held.clear()  # another track: it does not go on where that one was
        self._held.append(estimate)

    def _doubtful(self, seen: _Seen) -> list[int]:
        """Zones of which hindsight may say that the tag was there, or was not."""
        second = seen.estimate.second
        late = second - CONFIRMED_AFTER_S
        self._doubted |= dict.fromkeys(np.flatnonzero(seen.doubted).tolist(), second)
        self._doubted = {zone: last for zone, last in self._doubted.items() if last >= late}
        if self._held[0].second > late:
            return []
        return [
            zone
            for zone in self._doubted
            if not seen.crossed[zone] and self._since.get(zone, late - 1) < late
        ]

    def _due(self, second: int, crossings: Mapping[int, int]) -> list[int]:
        """Zones of which it is time to say it again, or where the tag is said to have gone back.

        Who gainsays an event that is not confirmed needs hindsight: is it over, or never was it?
        """
        return [
            zone
            for zone, one in self._open.items()
            if zone in crossings or second - one.told >= CONFIRMED_AFTER_S
        ]

    def _look_back(self) -> dict[int, Singles]:
        """Probabilities (z,) of being inside, by second, as is known by now."""
        held = tuple(self._held) if self._open else tuple(self._held)[-CONFIRMED_AFTER_S - 1 :]
        return {one.estimate.second: _inside(one) for one in smooth(held)}

    def _cross(self, zone: int, then: int, seen: _Seen, chances: Singles) -> ZoneEvent:
        """`chances` (z,) of being inside are those of the second `then`."""
        second = seen.estimate.second
        event = ZoneEvent(
            at=second + 1.0,
            tag=self._tag,
            zone=self._zones[zone],
            event=Crossing.LEAVE if seen.inside[zone] else Crossing.ENTER,
            probability=round(float(chances[zone]), 3),
        )
        self._open[zone] = _Open(event, then, second)
        self._turn(zone, then, seen)
        return event

    def _turn(self, zone: int, then: int, seen: _Seen) -> None:
        seen.inside[zone] = 1 - seen.inside[zone]
        self._since[zone] = then
        self._doubted.pop(zone, None)


def _inside(seen: Smoothed) -> Singles:
    """Probabilities (z,) of the zones, if the tag is on the map."""
    tile, on_map = seen.estimate.tile, seen.mass[:-1]
    chances = np.zeros(tile.zone_count, dtype=np.float32)
    chances[tile.zone_numbers] = tile.inside @ on_map / on_map.sum()
    return chances
