"""A lamp that goes on and off by itself."""

from collections import deque

from gateway.lights.fault_stance import Stance
from gateway.lights.limits import Limits

FRESH_S = 150.0  # the node's counters are read at least so often, and may be repeated meanwhile


class Cycles:
    """Counts what no command and no loss of supply explains: by power, and by the node's counter.

    The counter is read rarely, and sees what happens between two polls. What it counts soon after
    a command to be lit may be that command.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._times: deque[float] = deque()
        self._lit: bool | None = None
        self._count: int | None = None
        self._on_at: float | None = None

    def update(self, stance: Stance) -> bool | None:
        """True with the reading that makes too many of them, None where the lamp may be dark."""
        at = stance.reading.at
        if stance.restarted:
            self._forgive(at)
        on = stance.wanted is not None and stance.wanted > 0
        if not on or stance.restarted:
            self._on_at = None
        elif self._on_at is None:
            self._on_at = at
        found = self._by_power(stance.lit, at, judged=on and stance.at_rest)
        found |= self._by_counter(stance.reading.switch_on_counter, at)
        while self._times and self._times[0] < at - self._limits.cycles_within_s:
            self._times.popleft()
        return found and len(self._times) >= self._limits.cycles if on else None

    @property
    def counted(self) -> int:
        """Unexplained times that it went on again, within the window."""
        return len(self._times)

    def _by_power(self, lit: bool | None, at: float, *, judged: bool) -> bool:
        before, self._lit = self._lit, (lit if lit is not None else self._lit) if judged else None
        if before is not False or not self._lit:
            return False
        self._times.append(at)
        return True

    def _by_counter(self, count: int | None, at: float) -> bool:
        before = self._count
        if count is None or count == before:
            return False
        self._count = count
        if before is None or self._on_at is None or at - self._on_at < FRESH_S:
            return False
        more = count - before - sum(time >= at - FRESH_S for time in self._times)
        self._times.extend([at] * min(max(0, more), int(self._limits.cycles)))
        return more > 0

    def _forgive(self, at: float) -> None:
        """The mains were lost, some while before it was known: what was seen then was that."""
        while self._times and self._times[-1] >= at - FRESH_S:
            self._times.pop()
