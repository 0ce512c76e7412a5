"""How far a tag's clock is ahead of where it should be, from the slots in which it was heard.

A set filter: an interval that surely holds the truth. Who hears the slot [q, q + 2**K) at `at`
knows that the clock is there, give or take the edges' clocks; between hearings it drifts. What does
not fit is another clock: one that a change of battery put back, or a recording played later. A
recording can only be late, and holds nothing that the tag has not sent. So what makes the
difference is a slot that is newer than any that was heard before.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from gateway.model import Doubt

DRIFT = 150e-6  # field-notes.md: 13 s a day
SLACK_S = 32.0  # edges' clocks are taken as right within 30 s, a reading is of a whole second
REGISTERED_S = 60.0  # how far the clock may have been off when it was registered
QUIET_S = 300.0  # a clock not heard for so long may have been replaced by another
MOST_OTHERS = 8  # other clocks that are kept of one tag
MOST_FORMERS = 4
FORMER_FOR_S = 20 * 86_400.0  # then it has drifted by a quarter of a slot


class Ahead(NamedTuple):
    """At `at` the tag's clock is ahead of utc − zero_at by `lo_s` to `hi_s`."""

    lo_s: float
    hi_s: float
    at: float

    def by(self, at: float) -> "Ahead":
        """What it says about another time, before or after."""
        drift_s = abs(at - self.at) * DRIFT
        return Ahead(self.lo_s - drift_s, self.hi_s + drift_s, at)

    def met(self, told: "Ahead") -> "Ahead | None":
        """What both say, at the later of their times; None where they contradict each other."""
        at = max(self.at, told.at)
        one, other = self.by(at), told.by(at)
        both = Ahead(max(one.lo_s, other.lo_s), min(one.hi_s, other.hi_s), at)
        return both if both.lo_s <= both.hi_s else None


class ClockState(NamedTuple):
    """What is known of a tag's clock, to be kept: see `Ahead`.

    `reached` is the newest slot heard, by its first second of the tag's clock; -1 for none.
    """

    tag: str
    ahead_lo_s: float
    ahead_hi_s: float
    at: float
    reached: int = -1


class TakenBack(NamedTuple):
    """From `since` until `until`, a tag was taken for one that it was not."""

    tag: str
    since: float
    until: float


class Change(Enum):
    """What a hearing changed, beyond the interval."""

    NEW_SLOT = auto()
    PROVISIONAL = auto()  # another clock may be the tag's
    ADOPTED = auto()
    TAKEN_BACK = auto()


@dataclass(slots=True)
class Other:
    """A clock that a tag may have instead, first heard at `since`.

    `last` is the newest slot heard under it, `first_new` the first that was newer than any heard
    under the clock believed.
    """

    ahead: Ahead
    since: float
    last: int
    first_new: int | None = None
    is_provisional: bool = False

    def heard_in(self, start: int, *, is_new: bool) -> bool:
        """Whether its slots are now such as no recording of what we heard can have: two new."""
        self.last = max(self.last, start)
        if is_new and self.first_new is None:
            self.first_new = start
        return is_new and self.first_new is not None and start > self.first_new

    def outdo(self, start: int) -> None:
        """The clock believed was heard in the slot `start`, as comes out now: what is new?"""
        if self.first_new is not None and start >= self.first_new:
            self.first_new = None


@dataclass(slots=True)
class Former:
    """A clock that was believed until `until`, and heard last at `heard_at`."""

    ahead: Ahead
    reached: int
    heard_at: float
    until: float

    def may_be(self, told: Ahead) -> bool:
        """Whether it was heard; not after so long that it says next to nothing."""
        is_known = abs(told.at - self.ahead.at) <= FORMER_FOR_S
        return is_known and self.ahead.met(told) is not None


Thought = tuple[Doubt | None, Change | None]
_NOTHING_NEW: Thought = (None, None)


@dataclass(slots=True)
class TagClock:
    """The clock of one tag: the one believed, and others that it may have instead.

    `reached`: the newest slot heard under the clock believed, which was last heard at `heard_at`.
    `formers`: what was believed before, the latest last.
    """

    zero_at: float
    slot_s: int
    ahead: Ahead
    reached: int = -1
    others: list[Other] = field(default_factory=list)
    formers: list[Former] = field(default_factory=list)
    heard_at: float = field(init=False)
    taken_back_since: float = float("-inf")

    def __post_init__(self) -> None:
        self.heard_at = self.ahead.at

    def hear(self, start: int, at: float) -> Thought:
        """What to think of the slot that begins at `start` of the tag's clock, heard at `at`.

        The same hearing may come again, and in any order.
        """
        lowest_s = start - (at - self.zero_at) - SLACK_S
        highest_s = lowest_s + self.slot_s + 2 * SLACK_S
        lo_s, hi_s, known_at = self.ahead
        drift_s = abs(at - known_at) * DRIFT
        if lowest_s > hi_s + drift_s or highest_s < lo_s - drift_s:
            return self._unfitting(Ahead(lowest_s, highest_s, at), start)
        if at > self.heard_at:
            self.heard_at = at
        tells_nothing = lowest_s <= lo_s - drift_s and hi_s + drift_s <= highest_s
        if tells_nothing and start <= self.reached and not self.others:
            return _NOTHING_NEW  # as nearly all hearings; the rest is of slots' first and last
        return self._fitting(Ahead(lowest_s, highest_s, at), start)

    def _fitting(self, told: Ahead, start: int) -> Thought:
        self.ahead = self.ahead.met(told) or self.ahead
        is_new = start > self.reached
        self.reached = max(self.reached, start)
        return None, self._compared(told, start, is_new=is_new)

    def _unfitting(self, told: Ahead, start: int) -> Thought:
        is_new = start > self.reached
        is_ahead = told.lo_s > self.ahead.by(told.at).hi_s
        for former in reversed(self.formers):
            if not former.may_be(told):
                continue
            if start <= former.until - self.zero_at + former.ahead.by(former.until).hi_s:
                return None, self._confirmed(former, told, start)
            if is_ahead or is_new:
                return None, self._take_back(former, told, start)
        return self._doubted(told, start, is_ahead=is_ahead, is_new=is_new)

    def hypotheses(self) -> list[Ahead]:
        """All clocks that are not ruled out, the likeliest first."""
        formers = [former.ahead for former in reversed(self.formers)]
        provisional = (other.ahead for other in self.others if other.is_provisional)
        others = sorted(provisional, key=lambda one: -one.at)
        newer = [one for one in others if one.at - self.heard_at > QUIET_S]
        return [*newer, self.ahead, *others[len(newer) :], *formers]

    def _compared(self, told: Ahead, start: int, *, is_new: bool) -> Change | None:
        """The clock believed was heard: what of the others? One that it contradicts is no more."""
        kept = [one for one in self.others if not _is_contradicted(one, told, start)]
        if len(kept) < len(self.others):
            self.others = kept
        for one in kept:
            both = one.ahead.met(told)
            if both is None:
                one.outdo(start)
                continue
            one.ahead = both
            if one.heard_in(start, is_new=is_new) and told.at - one.since >= QUIET_S:
                return self._adopt(one, start)
        return Change.NEW_SLOT if is_new else None

    def _doubted(self, told: Ahead, start: int, *, is_ahead: bool, is_new: bool) -> Thought:
        if told.at < self.heard_at:  # the believed clock was heard since: nothing is to be learned
            return Doubt.PROVISIONAL if is_ahead else Doubt.CLOSED_SLOT, None
        one = self._other(told, start)
        is_proven = one.heard_in(start, is_new=is_new)
        quiet_s = told.at - min(one.since, self.heard_at)
        if not ((is_ahead and is_new) or quiet_s >= QUIET_S):
            return Doubt.CLOSED_SLOT, None
        if is_proven:
            return None, self._adopt(one, start)
        change = None if one.is_provisional else Change.PROVISIONAL
        one.is_provisional = True
        return Doubt.PROVISIONAL, change

    def _other(self, told: Ahead, start: int) -> Other:
        """The other clock that was heard."""
        for one in self.others:
            both = one.ahead.met(told)
            if both is not None:
                one.ahead, one.since = both, min(one.since, told.at)
                return one
        one = Other(told, told.at, start)
        if len(self.others) >= MOST_OTHERS:
            self.others.remove(min(self.others, key=_worth))
        self.others.append(one)
        return one

    def _adopt(self, one: Other, start: int) -> Change:
        self.formers.append(Former(self.ahead, self.reached, self.heard_at, one.since))
        del self.formers[:-MOST_FORMERS]
        self.ahead, self.heard_at = one.ahead, one.ahead.at
        self.reached, self.others = start, []
        return Change.ADOPTED

    def _confirmed(self, former: Former, told: Ahead, start: int) -> Change | None:
        """What comes late shows how far a former clock was heard, and so what was new after it."""
        if start <= former.reached:
            return None
        former.reached, former.heard_at = start, max(former.heard_at, told.at)
        if self.reached >= start + 2 * self.slot_s:
            return None
        other = Other(self.ahead, former.until, self.reached)
        self._return_to(former)
        self.others = [other]
        return Change.TAKEN_BACK

    def _take_back(self, former: Former, told: Ahead, start: int) -> Change:
        """A former clock went on: it showed a slot that began after it was given up."""
        self._return_to(former)
        self.ahead, self.heard_at = former.ahead.met(told) or told, told.at
        self.reached, self.others = start, []
        return Change.TAKEN_BACK

    def _return_to(self, former: Former) -> None:
        self.taken_back_since = former.until
        self.ahead, self.reached, self.heard_at = former.ahead, former.reached, former.heard_at
        del self.formers[self.formers.index(former) :]


def _is_contradicted(one: Other, told: Ahead, start: int) -> bool:
    """The tag sent a slot at least as new, since then, under a clock that is not `one`."""
    return start >= one.last and told.at >= one.since and one.ahead.met(told) is None


def _worth(one: Other) -> tuple[bool, float]:
    """The other clock that is worth least is forgotten first: no new slot, heard longer ago."""
    return one.first_new is not None, one.ahead.at
