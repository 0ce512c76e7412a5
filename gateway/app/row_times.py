"""When the contents of a row were captured, by the hub's clock.

A row says what to add to its times to have them by the clock of its `sent`, and the hub knows how
far that clock is ahead of its own. Where a gateway lost its power before it was told the time,
nobody will ever know; then only what is heard before and after says between when and when it was.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf

from gateway.app.plausible import is_time
from gateway.epochs import CaptureClock
from gateway.link.envelope import Envelope
from gateway.model import Gap
from gateway.store import heard, sightings
from gateway.store.database import Connection
from gateway.store.sightings import Source

TIMELESS = "captured_at_an_unknown_time"
RESTART = "restart"
MOST_HOLES = 100  # that are told one by one
NOBODY_KNOWS = inf  # how far a clock is ahead that was never set; a time less it is no time at all


def run_of(row: Envelope) -> str:
    """The process and clock setting of the gateway, by which `sent` goes."""
    return row.run or row.epoch


def ahead_s(row: Envelope, skew_s: float) -> float:
    """What to take from the times in `row`. `skew_s`: of its gateway's clock as it is now."""
    match row.clock:
        case CaptureClock.NOW:
            return skew_s - row.shift_s
        case CaptureClock.PAST:
            return -row.shift_s
        case CaptureClock.UNKNOWN:
            return NOBODY_KNOWS


def corrected(gap: Gap, ahead: float, now: float) -> Gap:
    """`gap` by the hub's clock, which it never reaches beyond.

    A restart's gap begins where the process before was last, maybe by a clock that was right:
    rather too early than too late (`beyond_windows` knows more).
    """
    until = _within(gap.until - ahead, now)
    if not gap.since:  # its sender does not know
        return replace(gap, until=until)
    since = _within(gap.since - ahead, now)
    if gap.reason == RESTART and gap.since <= until:
        since = min(since, gap.since)
    return replace(gap, since=min(since, until), until=until)


def beyond_windows(connection: Connection, row: Envelope, gap: Gap) -> Gap:
    """A restart's gap does not lie over what was heard before it: see `corrected`."""
    if gap.reason != RESTART or not gap.since:
        return gap
    last = sightings.heard_until(connection, row.sender, before=gap.until)
    if last is None or last <= gap.since:
        return gap
    return replace(gap, since=min(last, gap.until))


def unread(connection: Connection, row: Envelope, now: float, reason: str) -> Gap:
    """What stands for a row that cannot be read: it came behind the one before it in its lane."""
    until = _within(row.sent if is_time(row.sent) else now, now)
    source = Source(row.sender, row.epoch, row.lane, row.seq)
    since, following = heard.behind(connection, source)
    if following is not None:
        until = min(following, until)
    since = until if since is None else min(since, until)
    return Gap(since=since, until=until, reason=reason, from_seq=row.seq, to_seq=row.seq)


def lost(connection: Connection, gateway: str, gap: Gap, *, kept_s: float) -> list[Gap]:
    """`gap`, or where its sender could not know since when, whatever it sent nothing of."""
    if gap.since > 0:
        return [gap]
    holes = heard.holes(connection, gateway, until=gap.until, kept_s=kept_s)
    if len(holes) > MOST_HOLES:
        holes = [*holes[: MOST_HOLES - 1], (holes[MOST_HOLES - 1][0], gap.until)]
    found = [replace(gap, since=since, until=until) for since, until in holes]
    return found or [replace(gap, since=gap.until)]


def _within(at: float, now: float) -> float:
    return max(0.0, min(at, now))


@dataclass(slots=True)
class Timeless:
    """Rows of one epoch and lane, one behind the other, of which nobody knows when they were."""

    row: Envelope
    reason: str
    from_seq: int
    to_seq: int

    @classmethod
    def of(cls, row: Envelope, gap: Gap | None = None) -> "Timeless":
        """A row, or what is told by a gap in it."""
        if gap is None:
            return cls(row, TIMELESS, row.seq, row.seq)
        return cls(row, gap.reason, gap.from_seq, gap.to_seq)

    def takes(self, other: "Timeless") -> bool:
        """Whether `other` follows; then both are one."""
        mine, its = self.row, other.row
        same = (mine.sender, mine.epoch, mine.lane, self.reason, self.to_seq + 1)
        if not self.to_seq or same != (
            *(its.sender, its.epoch, its.lane, other.reason),
            other.from_seq,
        ):
            return False
        self.to_seq = other.to_seq
        return True


def joined(timeless: Iterable[Timeless]) -> list[Timeless]:
    """As few as it takes."""
    found: list[Timeless] = []
    for one in timeless:
        if not found or not found[-1].takes(one):
            found.append(one)
    return found


def gap_of(connection: Connection, timeless: Timeless, now: float) -> Gap:
    """From what was last heard before its gateway's present run, to the first of that run."""
    row = timeless.row
    since, until = heard.around(connection, row.sender, run_of(row))
    until = now if until is None else min(until, now)
    return Gap(
        since=until if since is None else min(since, until),
        until=until,
        reason=timeless.reason,
        from_seq=timeless.from_seq,
        to_seq=timeless.to_seq,
    )
