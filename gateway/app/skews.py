"""How far each gateway's clock is ahead of ours, by when its rows say that they were sent.

A row takes time on its way, and never less than none: of the rows of a minute, the quickest tells
most. So a clock that is ahead is seen at once; one that is a little behind looks like a slow way,
and is believed only after a while in which not one row was quick.
"""

from dataclasses import dataclass

TOLERATED_S = 30.0  # beyond, the clock is plainly wrong: no row is on its way for so long
AHEAD_S = 1.0
BEHIND_S = 1.5
BEHIND_FOR_S = 20.0
LONGEST_WAY_S = 600.0  # of rows that a stalled network gives out in the end
APART_S, AGREES_S = 1.0, 0.5  # of two rows: when they were sent, and what they then say
BUCKET_S = 30.0
SETTLED_S = 0.7  # less is the way's: a correction that trembled would give two rows one second
MOST_RUNS = 4  # of a gateway: two of one id, and each as it was before


@dataclass(slots=True)
class _Run:
    """A process of a gateway under one setting of its clock.

    `newest` and `before` are the greatest of (sent − our steady time) of this bucket of time and
    the one before; `settled` is the last of them that was gone by. `sure`: rows that were sent
    apart came as far apart, so they did not wait somewhere together. Our own clock may be set: only
    the steady time is remembered.
    """

    since_s: float
    bucket_s: float
    newest: float
    before: float
    settled: float
    first_sent: float
    first_lead: float
    sure: bool = False


class Skews:
    """`note` each row, then ask for `skew_s`. Times are seconds; `steady` is our monotonic time."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[str, _Run]] = {}

    def note(self, gateway: str, run: str, *, sent: float, steady: float) -> None:
        """A row of `gateway`, of its process and clock setting `run`, has come."""
        lead = sent - steady
        runs = self._runs.setdefault(gateway, {})
        known = runs.pop(run, None)
        if known is None:
            while len(runs) >= MOST_RUNS:
                del runs[next(iter(runs))]
            known = _Run(steady, steady, lead, lead, lead, sent, lead)
        runs[run] = known
        if steady - known.bucket_s >= BUCKET_S:
            known.before, known.newest, known.bucket_s = known.newest, lead, steady
        apart = abs(sent - known.first_sent) >= APART_S
        known.sure |= apart and abs(lead - known.first_lead) <= AGREES_S
        known.newest = max(known.newest, lead)
        most = max(known.newest, known.before)
        if abs(most - known.settled) > SETTLED_S:
            known.settled = most

    def since_s(self, gateway: str, run: str) -> float:
        """When that run was first noted, by our steady time; −inf where it never was."""
        known = self._runs.get(gateway, {}).get(run)
        return float("-inf") if known is None else known.since_s

    def skew_s(self, gateway: str, run: str, *, now: float, steady: float) -> float:
        """What its times are ahead of ours (negative: behind), and are to be corrected by."""
        known = self._runs.get(gateway, {}).get(run)
        if known is None:
            return 0.0
        skew_s = known.settled - (now - steady)
        if skew_s < -LONGEST_WAY_S or skew_s > AHEAD_S:
            return skew_s
        if skew_s < -TOLERATED_S:
            return skew_s if known.sure else 0.0
        is_slow = steady - known.since_s >= BEHIND_FOR_S
        return skew_s if skew_s < -BEHIND_S and is_slow else 0.0
