"""Tags that are heard where they cannot be: in two far places, or faster than anything drives.

How strongly a tag is heard says how far from the receiver it can be at most: no tag is louder than
in free space, whatever is between. Two such discs that one moving thing cannot have been in mean
that somebody else sends what the tag sends. Only a disc that is seen in two different seconds
counts: a single reading may be a receiver's slip.
"""

from collections.abc import Callable, Iterable
from math import hypot
from typing import NamedTuple

from gateway.model import Doubt, Suspicion, TagIdentifier, Window
from gateway.site import Receiver

# At 1 m in free space 2.4 GHz loses 40 dB. A tag of +4 dBm, a receiver's antenna of a few dB, and
# walls that happen to add up make -30 dBm the loudest that can be heard there.
LOUDEST_AT_1M_DBM = -30.0
WIDEST_M = 150.0  # a weaker reading says too little
FASTEST_M_S = 30.0  # 108 km/h: no road in a town is faster
LAG_S = 3.0  # readings of one second are not of one moment, and some receivers smooth theirs
APART_S = 10.0  # between two gateways: their clocks may differ by more than anybody corrects
SAME_TIME_S = 3
REMEMBERED_S = 60
AGAIN_WITHIN_S = 10
TOLD_EVERY_S = 30
WEAKEST_DBM = LOUDEST_AT_1M_DBM - 43.5  # the level of WIDEST_M

Find = Callable[[str], TagIdentifier | None]


class _Disc(NamedTuple):
    """Where a tag was in `second`: within `radius_m` of a receiver, heard so since `first`."""

    first: int
    second: int
    receiver: str
    gateway: str
    x: float
    y: float
    radius_m: float


class _Contradiction(NamedTuple):
    doubt: Doubt
    receivers: tuple[str, str]


class _Tag:
    """What is remembered of one tag: the last disc of each receiver, and when a doubt was told."""

    __slots__ = ("discs", "told")

    def __init__(self) -> None:
        self.discs: dict[str, _Disc] = {}
        self.told: dict[Doubt, int] = {}


class Watch:
    """Looks at every second once."""

    def __init__(self, receivers: Iterable[Receiver]) -> None:
        self._places = {one.id: (one.gateway, *one.xy) for one in receivers}
        self._tags: dict[str, _Tag] = {}
        self._second = 0

    def step(self, second: int, windows: Iterable[Window], find: Find) -> tuple[Suspicion, ...]:
        """The doubts that `second` brings, each tag's kind at most every TOLD_EVERY_S."""
        if second <= self._second:
            self._tags.clear()  # stepped again: what is remembered is the future
        self._second = second
        if second % REMEMBERED_S == 0:
            self._forget(second)
        found: list[Suspicion] = []
        for name, discs in self._near(second, windows, find).items():
            tag = self._tags.setdefault(name, _Tag())
            for new in discs:
                before = tag.discs.get(new.receiver)
                joined = before is not None and second - before.second <= AGAIN_WITHIN_S
                disc = new._replace(first=before.first) if before and joined else new
                tag.discs[disc.receiver] = disc
                found += self._judge(name, tag, disc)
        return tuple(found)

    def _near(self, second: int, windows: Iterable[Window], find: Find) -> dict[str, list[_Disc]]:
        """By tag, those readings that are strong enough to say where it is."""
        near: dict[str, list[_Disc]] = {}
        for window in windows:
            for receiver, identifier, mean_dbm, _, _ in window.readings:
                if mean_dbm < WEAKEST_DBM:
                    continue
                place, known = self._places.get(receiver), find(identifier)
                if place is not None and known is not None:
                    disc = _Disc(second, second, receiver, *place, reach_m(mean_dbm))
                    near.setdefault(known.tag, []).append(disc)
        return near

    def _judge(self, name: str, tag: _Tag, disc: _Disc) -> list[Suspicion]:
        against = _contradiction(disc, tag.discs.values())
        if against is None:
            return []
        doubt, second = against.doubt, disc.second
        if second - tag.told.get(doubt, -TOLD_EVERY_S) < TOLD_EVERY_S:
            return []
        tag.told[doubt] = second
        return [Suspicion(second + 1.0, name, doubt, tuple(sorted(against.receivers)))]

    def _forget(self, second: int) -> None:
        oldest = second - REMEMBERED_S
        for name, tag in list(self._tags.items()):
            tag.discs = {k: disc for k, disc in tag.discs.items() if disc.second > oldest}
            if not tag.discs:
                del self._tags[name]


def reach_m(level_dbm: float) -> float:
    """How far a tag that is heard so strongly can be at most."""
    return float(10.0 ** ((LOUDEST_AT_1M_DBM - level_dbm) / 20.0))


def _contradiction(disc: _Disc, others: Iterable[_Disc]) -> _Contradiction | None:
    """One of `others` in which a tag in `disc` cannot have been; two places before speed."""
    worst: _Contradiction | None = None
    if disc.first == disc.second:
        return None
    for other in others:
        ago_s = disc.second - other.second
        if other.first == other.second or ago_s > REMEMBERED_S:
            continue
        apart_m = hypot(disc.x - other.x, disc.y - other.y) - disc.radius_m - other.radius_m
        lag_s = LAG_S if disc.gateway == other.gateway else APART_S
        if apart_m <= FASTEST_M_S * (ago_s + lag_s):
            continue
        receivers = (disc.receiver, other.receiver)
        if ago_s <= SAME_TIME_S:
            return _Contradiction(Doubt.TWO_PLACES, receivers)
        worst = _Contradiction(Doubt.IMPOSSIBLE_SPEED, receivers)
    return worst
