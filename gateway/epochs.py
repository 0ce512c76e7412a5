"""Under which name a sender's rows are numbered: one epoch for each process and clock setting.

A store of rows may go back: a torn write-ahead log, a card that lost what it had acknowledged, a
backup put back. Whoever wrote on in the old epoch then would give the same number to other rows,
and the receiver would take them for rows that it has. So nobody writes on: each opening begins a
new epoch, and the rows that wait keep theirs. Inside the store rows have one rising number a lane;
an epoch knows the last number before it (its base): on the wire a row is number − base.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from gateway.clock import NO_SETTING, ClockSetting
from gateway.model import Lane

NO_BASES: Mapping[Lane, int] = dict.fromkeys(Lane, 0)


class CaptureClock(StrEnum):
    """By what a row's times go: this boot's clock, an earlier boot's, or one that was never set."""

    NOW = "now"
    PAST = "past"
    UNKNOWN = "unknown"


class Before(NamedTuple):
    """Where a lane stood: the epoch that last got rows in it, and how many those were."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """`bases`: each lane's last number before it; `before`: what these were called on the wire.

    `is_first`: no row of its store is of an epoch before. `setting`: the clock under which its rows
    were captured.
    """

    name: str
    bases: Mapping[Lane, int] = field(default_factory=lambda: NO_BASES)
    before: Mapping[Lane, Before] = field(default_factory=dict)
    is_first: bool = True
    setting: ClockSetting = NO_SETTING


class Reach(NamedTuple):
    """Numbers of a lane: after < number ≤ through."""

    after: int
    through: int


def new_name() -> str:
    """A name that no other store of this sender's has used."""
    return secrets.token_hex(6)


class Epochs:
    """Those of one store that still have rows, oldest first, and the newest."""

    def __init__(self, epochs: Sequence[Epoch]) -> None:
        self._epochs = tuple(epochs)
        self._by_name = {epoch.name: place for place, epoch in enumerate(self._epochs)}

    @property
    def newest(self) -> Epoch:
        """The one in which rows are written now."""
        return self._epochs[-1]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def all(self) -> tuple[Epoch, ...]:
        """Oldest first."""
        return self._epochs

    def of(self, lane: Lane, number: int) -> Epoch:
        """The epoch in which the row of that number was written."""
        for epoch in reversed(self._epochs):
            if epoch.bases[lane] < number:
                return epoch
        return self._epochs[0]

    def reach(self, receipted: tuple[str, Lane, int]) -> Reach | None:
        """The numbers to which a receipt's (epoch, lane, mark) is a word.

        None where the epoch is not of this store. A mark beyond the epoch's end (a store that went
        back) reaches to the end: what was written since is not what was receipted.
        """
        name, lane, mark = receipted
        place = self._by_name.get(name)
        if place is None:
            return None
        base = self._epochs[place].bases[lane]
        through = base + mark
        if place + 1 < len(self._epochs):
            through = min(through, self._epochs[place + 1].bases[lane])
        return Reach(base, through)

    def captured(self, epoch: Epoch) -> tuple[float, CaptureClock]:
        """What to add to its rows' times, and whose clock they then go by: NOW is the newest's."""
        own, now = epoch.setting, self.newest.setting
        if not own.boot:
            return 0.0, CaptureClock.NOW
        if own.boot == now.boot:
            return now.offset_s - own.offset_s, CaptureClock.NOW
        at = self._by_name[epoch.name]
        for later in reversed(self._epochs[at:]):  # one before may have been found wrong since
            if later.setting.boot == own.boot and later.setting.known:
                return later.setting.offset_s - own.offset_s, CaptureClock.PAST
        return 0.0, CaptureClock.UNKNOWN

    def begun(self, *, bases: Mapping[Lane, int], setting: ClockSetting) -> "Epochs":
        """With a new one behind, after the numbers that each lane has given so far."""
        if not self._epochs:
            return Epochs([Epoch(new_name(), dict(bases), setting=setting)])
        newest = self.newest
        given = {lane: bases[lane] - newest.bases[lane] for lane in Lane}
        if not any(given.values()):  # it got no row that we know of: the new one takes its place
            begun = replace(newest, name=new_name(), bases=dict(bases), setting=setting)
            return Epochs((*self._epochs[:-1], begun))
        before = {lane: Before(newest.name, rows) for lane, rows in given.items() if rows}
        begun = Epoch(
            new_name(), dict(bases), {**newest.before, **before}, is_first=False, setting=setting
        )
        return Epochs((*self._epochs, begun))

    def pruned(self, *, receipted: Mapping[Lane, int]) -> "Epochs":
        """Without the oldest of which no row is held."""
        gone = 0
        for _, following in pairwise(self._epochs):
            if any(receipted[lane] < following.bases[lane] for lane in Lane):
                break
            gone += 1
        return Epochs(self._epochs[gone:])
