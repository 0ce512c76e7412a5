"""Until when an edge has listened, and the gaps that follow from it.

A second in which no receiver worked is no window: a gap says it, from the last window to the next.
So a restart, a lost broker and dead receivers are all told by the same rule.
"""

from dataclasses import replace
from math import ceil, floor

from gateway.model import Gap


class Listened:
    """Times are the edge's UTC; `moved` says that it was set.

    `until` is the heartbeat of the process before; 0 where there was one and it is lost: then the
    gap is from 0, and the hub knows since when. While nobody knows what time it is (`known`), the
    gap since then waits: both of its ends must go by one clock.
    """

    def __init__(self, until: float | None, *, known: bool) -> None:
        self._until = until if known else None
        self._before = None if known else until
        self._first: float | None = None
        self._reason = self._lost_by = "restart"
        self._lost_at = self._until
        self._first_reached: float | None = None
        self._connected: Gap | None = None
        self._restart: Gap | None = None

    def lost(self, now: float) -> None:
        """The broker, over which remote receivers speak, was lost."""
        self._lost_at = float(floor(now))
        self._reason = self._lost_by = "broker_lost"

    def reached(self, now: float, *, has_remote: bool) -> None:
        """The broker was reached. `has_remote`: there are receivers whose adverts it had lost."""
        since, until = self._lost_at, float(ceil(now))
        if since is not None and has_remote:
            if self._connected is not None:  # lost again before the last tick
                since = min(since, self._connected.since)
            if since < until:
                self._connected = Gap(since=since, until=until, reason=self._lost_by)
        if self._first_reached is None and has_remote:
            self._first_reached = until
        self._lost_at = None

    def gaps(self) -> list[Gap]:
        """Those that are to be told now, once."""
        found = [gap for gap in (self._restart, self._connected) if gap is not None]
        if self._connected is not None and self._until is not None:
            self._until = max(self._until, self._connected.until)
        self._restart = self._connected = None
        return found

    def window(self, since: float, until: float) -> Gap | None:
        """A window follows; returns the gap before it."""
        gap = None
        if self._until is not None and self._until < since:
            gap = Gap(since=self._until, until=since, reason=self._reason)
        if self._first is None:
            self._first = since
        self._reason = "no_receiver"
        self._until = until
        return gap

    def moved(self, by_s: float, *, known: bool) -> None:
        """The clock was set, and is believed now if `known`."""
        if self._until:
            self._until = float(ceil(self._until + by_s))
        if self._lost_at:
            self._lost_at = float(floor(self._lost_at + by_s))
        if self._first_reached is not None:
            self._first_reached += by_s
        if self._first is not None:
            self._first = float(floor(self._first + by_s))
        if self._connected is not None:
            since = self._connected.since and self._connected.since + by_s
            until = self._connected.until + by_s
            self._connected = replace(self._connected, since=since, until=until)
        if known and self._before is not None:
            self._believe(self._before)
            self._before = None

    def _believe(self, before: float) -> None:
        """Receivers of both sorts were listened to from `until` on, if they were reached at all."""
        if self._first_reached is None and self._lost_at is None:
            self._lost_at = before
        if self._first is None:
            self._until = before
            return
        until = float(floor(max(self._first, self._first_reached or 0.0)))
        if before < until:
            self._restart = Gap(since=before, until=until, reason="restart")
