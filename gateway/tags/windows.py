"""Sightings become one-second windows, whatever the clock does; pure, driven by a clock tick."""

from collections import Counter
from math import floor
from operator import itemgetter

from gateway.model import Gap, Reading, Sighting, Window
from gateway.tags.regulars import Regulars

# A clock set back by no more than this is waited for; further back, it is believed at once.
HOLD_S = 5
# A tick that comes this late still owes a window for every second; later, nobody was listening.
CATCH_UP_S = 3
# Open seconds: the running one, a few that wait, and what a set clock leaves behind.
OPEN_MAX = 16
# Rotating identifiers of strangers look like those of tags. So that no crowd of them can take the
# tags' room, identifiers that no earlier second had share this part of it.
NEW_SHARE = 0.4
MOST_IDENTIFIERS, SETTLES_S, FORGETS_S = 10_000, 1.0, 120.0


class _Pair:
    """What one receiver heard of one identifier in one second."""

    __slots__ = ("max_dbm", "packets", "sum_dbm")

    def __init__(self) -> None:
        self.sum_dbm = 0
        self.max_dbm = -128
        self.packets = 0

    def add(self, rssi_dbm: int) -> None:
        self.sum_dbm += rssi_dbm
        self.max_dbm = max(self.max_dbm, rssi_dbm)
        self.packets += 1

    def join(self, other: "_Pair") -> None:
        self.sum_dbm += other.sum_dbm
        self.max_dbm = max(self.max_dbm, other.max_dbm)
        self.packets += other.packets

    @property
    def mean_dbm(self) -> float:
        return round(self.sum_dbm / self.packets, 1)


class _Second(dict[tuple[str, str], _Pair]):
    """By receiver and identifier; `new` counts those of new identifiers."""

    new = 0


class Windows:
    """Collects the sightings of one gateway and gives each second once, in order.

    Every second that the process lived through is in exactly one window, also an empty one, and
    every sighting in at most one:

    - A sighting up to `HOLD_S` behind the last closed second counts in the oldest open one
      (`counts["late"]`). One further behind is dropped (`counts["stale"]`), unless the next tick
      shows that the clock was set back.
    - Clock forward, or a process that stood still, by more than `CATCH_UP_S`: what was collected
      comes out under the old time, then a Gap names the seconds that nobody lived through.
    - Clock back by up to `HOLD_S`: no window until it has caught up; the sightings wait in one.
    - Clock back by more: what was collected comes out under the old time, not `synced`, and the
      windows go on under the new one at once (`counts["clock_back"]`). Those names were used
      before, by seconds that were named wrongly: waiting until they are free would lose an hour.

    `counts` has also `pairs_full` and `seconds_full`: sightings beyond `max_pairs` in their second
    (`NEW_SHARE` of it for identifiers that are new), or beyond `OPEN_MAX` seconds because no tick
    came.
    """

    def __init__(self, *, max_pairs: int = 5_000) -> None:
        self.counts: Counter[str] = Counter()
        self._max_pairs = max_pairs
        self._max_new = round(NEW_SHARE * max_pairs)
        self._known: Regulars[str, None] = Regulars(
            most=MOST_IDENTIFIERS, settles_s=SETTLES_S, forgets_s=FORGETS_S
        )
        self._open: dict[int, _Second] = {}
        self._next: int | None = None
        self._synced = True

    def add(self, sighting: Sighting) -> None:
        """Count one sighting in its second."""
        second = floor(sighting.at)
        if self._next is not None and self._next - HOLD_S <= second < self._next:
            self.counts["late"] += 1
            second = self._next
        if second not in self._open and len(self._open) >= OPEN_MAX:
            self.counts["seconds_full"] += 1
            return
        pairs = self._open.setdefault(second, _Second())
        key = (sighting.receiver, sighting.identifier)
        pair = pairs.get(key)
        if pair is None:
            if not self._has_room(pairs, sighting.identifier, second):
                self.counts["pairs_full"] += 1
                return
            pair = pairs[key] = _Pair()
        pair.add(sighting.rssi_dbm)

    def close(
        self, before: float, *, alive: tuple[str, ...], synced: bool = True
    ) -> list[Window | Gap]:
        """Everything up to `before`, which is the clock's time less the lateness allowed for.

        `alive` names the receivers that work now; those that were heard are added to it. A window
        is `synced` where the clock was right both at this tick and at the one before.
        """
        limit = floor(before)
        if self._next is None:
            self._next = min((*self._open, limit))
            self._synced = synced
        right = synced and self._synced
        self._synced = synced
        rows: list[Window | Gap] = []
        if limit < self._next - HOLD_S:
            rows += self._finish_old_time(self._next, alive)
            self._next = min(second for second in (*self._open, limit) if second >= limit - HOLD_S)
        rows += self._due(self._next, limit, alive, synced=right)
        self._next = max(self._next, limit)
        return rows

    def _has_room(self, pairs: _Second, identifier: str, second: int) -> bool:
        """Known or not, it is noted: who stays has room in the next second."""
        if self._known.note(identifier, None, second):
            return len(pairs) < self._max_pairs
        if pairs.new >= self._max_new or len(pairs) >= self._max_pairs:
            return False
        pairs.new += 1
        return True

    def _finish_old_time(self, since: int, alive: tuple[str, ...]) -> list[Window]:
        """Close what was collected before the clock was set back."""
        self.counts["clock_back"] += 1
        old = sorted(second for second in self._open if second >= since)
        return [self._window(second, alive, synced=False) for second in old]

    def _due(
        self, since: int, limit: int, alive: tuple[str, ...], *, synced: bool
    ) -> list[Window | Gap]:
        self._settle_late(since, limit)
        rows: list[Window | Gap] = []
        for second in sorted(second for second in self._open if second < limit):
            rows += self._unheard(since, second, alive, synced=synced)
            rows.append(self._window(second, alive, synced=synced))
            since = second + 1
        rows += self._unheard(since, limit, alive, synced=synced)
        return rows

    def _settle_late(self, since: int, limit: int) -> None:
        """Sightings behind the closed seconds: recent by the clock as it is now, or stale."""
        for second in sorted(second for second in self._open if second < since):
            pairs = self._open.pop(second)
            packets = sum(pair.packets for pair in pairs.values())
            if second < limit - CATCH_UP_S:
                self.counts["stale"] += packets
                continue
            self.counts["late"] += packets
            waiting = self._open.setdefault(since, _Second())
            for key, pair in pairs.items():
                waiting.setdefault(key, _Pair()).join(pair)

    def _unheard(
        self, since: int, until: int, alive: tuple[str, ...], *, synced: bool
    ) -> list[Window | Gap]:
        """Seconds without a sighting: silence, or a hole where nobody can have listened."""
        if until - since > CATCH_UP_S:
            return [Gap(float(since), float(until), "time_skipped")]
        return [self._window(second, alive, synced=synced) for second in range(since, until)]

    def _window(self, second: int, alive: tuple[str, ...], *, synced: bool) -> Window:
        pairs = self._open.pop(second, _Second())
        readings = tuple(
            Reading(receiver, identifier, pair.mean_dbm, pair.max_dbm, pair.packets)
            for (receiver, identifier), pair in sorted(pairs.items(), key=itemgetter(0))
        )
        heard = {reading.receiver for reading in readings}
        return Window(second, tuple(sorted(heard.union(alive))), readings, synced)
