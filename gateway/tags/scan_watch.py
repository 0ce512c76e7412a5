"""When an adapter is silent for too long, and what is tried then: decisions only.

What is watched are adverts heard, never the process: every failure of BlueZ looks like silence. How
long a silence may be is learned from the place: an adapter by a street hears hundreds of adverts a
second, one at a field none for minutes. A new scan costs nothing and comes soon; people are called
only for a silence that is long for the nights of the place, too.
"""

from dataclasses import dataclass
from enum import Enum
from math import exp2


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an adapter is given, in seconds."""

    first_s: float = 60.0  # to hear anything at all
    least_s: float = 30.0  # silence never counts before
    most_s: float = 600.0  # silence always counts after
    report_s: float = 600.0  # an adapter that has heard is told to nobody before
    quiet_most_s: float = 3600.0  # between two attempts at an adapter that stays silent
    soon_s: float = 10.0  # what is heard so soon after a restart is owed to the restart
    retry_first_s: float = 2.0  # between two starts that fail
    retry_most_s: float = 60.0
    down_s: float = 10.0  # an adapter that scans again within is not told to anybody
    tick_s: float = 1.0


class Step(Enum):
    """What to do about a silent adapter: always a new scan; before it, more from step to step."""

    NEW_SCAN = "new_scan"
    POWER_CYCLE = "power_cycle"
    REPORT = "report"


USUAL_GAPS = 4.0
"""Silence counts from this many of the longest usual gaps on."""

REPORT_GAPS = 3.0
"""People are called from this many of the longest gaps of the last days on."""

_FORGET_HALF_S = 3600.0
_REPORT_FORGET_HALF_S = 3 * 24 * 3600.0


class Silence:
    """The watchdog of one adapter. Times are of one monotonic clock."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._heard_at: float | None = None
        self._scan_since = 0.0
        self._quiet_since = 0.0
        self._rung = 0
        self._usual_gap = _Longest(_FORGET_HALF_S)
        self._quiet_gap = _Longest(_REPORT_FORGET_HALF_S)

    @property
    def heard_at(self) -> float | None:
        """When something was last heard."""
        return self._heard_at

    @property
    def overdue(self) -> bool:
        """Whether the adapter has been silent for longer than is usual there."""
        return self._rung > 0

    def scanning(self, now: float) -> None:
        """A new scan runs: after a step of this watchdog, or because the last one had died."""
        self._scan_since = now
        if self._rung == 0:
            self._quiet_since = now

    def heard(self, now: float) -> None:
        """Something was heard since the last look."""
        if self._heard_at is not None and not self._mended(now):
            self._usual_gap.learn(now - self._quiet_since, now)
            self._quiet_gap.learn(now - self._quiet_since, now)
        self._heard_at = self._quiet_since = now
        self._rung = 0

    def due(self, now: float, *, is_sure: bool = False) -> Step | None:
        """What to do now, if anything. Each step is given once; the last one again and again.

        `is_sure` where the place is known not to be quiet: what is heard cannot be used.
        """
        silent_since = max(self._scan_since, self._heard_at or self._scan_since)
        if now - silent_since < self.limit_s(now):
            return None
        self._rung += 1
        if self._rung == 1:
            return Step.NEW_SCAN
        if self._rung == 2:
            return Step.POWER_CYCLE
        return Step.REPORT if is_sure or self._is_too_long(now) else Step.NEW_SCAN

    def limit_s(self, now: float) -> float:
        """How long the adapter may be silent at present."""
        patience = self._patience
        if self._heard_at is None:
            base_s = patience.first_s
        else:
            gap_s = USUAL_GAPS * self._usual_gap.at(now)
            base_s = min(max(gap_s, patience.least_s), patience.most_s)
        doublings = min(max(self._rung - 2, 0), 20)
        return min(base_s * 2.0**doublings, max(patience.quiet_most_s, base_s))

    def _mended(self, now: float) -> bool:
        """Whether the new scan ended the silence; otherwise the place itself was quiet."""
        return self._rung > 0 and now - self._scan_since <= self._patience.soon_s

    def _is_too_long(self, now: float) -> bool:
        if self._heard_at is None:
            return True
        most_s = max(self._patience.report_s, REPORT_GAPS * self._quiet_gap.at(now))
        return now - self._quiet_since >= most_s


class _Longest:
    """The longest gap lately: it counts for half after each `half_s`."""

    def __init__(self, half_s: float) -> None:
        self._half_s = half_s
        self._gap_s = 0.0
        self._learned_at = 0.0

    def learn(self, gap_s: float, now: float) -> None:
        if gap_s > self.at(now):
            self._gap_s, self._learned_at = gap_s, now

    def at(self, now: float) -> float:
        return self._gap_s * exp2((self._learned_at - now) / self._half_s)


class Retries:
    """Starts that fail: ever longer waits."""

    def __init__(self, patience: Patience) -> None:
        self.failures = 0
        self._patience = patience

    def failed(self) -> float:
        """Seconds until the next start."""
        self.failures += 1
        doublings = min(self.failures - 1, 20)
        return min(self._patience.retry_first_s * 2.0**doublings, self._patience.retry_most_s)

    def succeeded(self) -> None:
        """A scan started."""
        self.failures = 0


class Rate:
    """Adverts a second, averaged over the last ten seconds or so."""

    def __init__(self) -> None:
        self._heard = 0.0
        self._seconds = 0.0

    @property
    def per_s(self) -> float:
        """As of the last update; 0 before."""
        return self._heard / self._seconds if self._seconds else 0.0

    def update(self, heard: int, seconds: float) -> None:
        """`heard` adverts in the last `seconds`."""
        kept = exp2(-seconds / 5.0)
        self._heard = kept * self._heard + heard
        self._seconds = kept * self._seconds + seconds
