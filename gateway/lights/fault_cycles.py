"""A lamp that goes on and off by itself."""

from collections import deque

from gateway.lights.fault_stance import Stance
from gateway.lights.limits import Limits


class Cycles:
    """Counts what no command and no loss of supply explains: by power, and by the node's counter.

    The counter is read rarely, and sees what happens between two polls. In an interval between two
    of its readings in which the lamp was ever to be off, or was without mains, it says nothing.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._times: deque[float] = deque()
        self._lit: bool | None = None
        self._count: int | None = None
        self._plain = False  # since the counter was read: on by command, and the mains sound
        self._seen_since = 0

    def update(self, stance: Stance) -> bool | None:
        """True with the reading that makes too many of them, None where the lamp may be dark."""
        if stance.restarted:
            self._forgive()
        on = stance.wanted is not None and stance.wanted > 0
        if not (on and stance.at_rest):
            self._lit = None
            self._plain = False
        found = self._by_power(stance.lit, stance.reading.at) if self._plain_now(stance) else False
        found |= self._by_counter(stance)
        while self._times and self._times[0] < stance.reading.at - self._limits.cycles_within_s:
            self._times.popleft()
        if not on:
            return None
        return found and len(self._times) >= self._limits.cycles

    @property
    def counted(self) -> int:
        """Unexplained times that it went on again, within the window."""
        return len(self._times)

    def _plain_now(self, stance: Stance) -> bool:
        return stance.at_rest and stance.wanted is not None and stance.wanted > 0

    def _by_power(self, lit: bool | None, at: float) -> bool:
        before, self._lit = self._lit, self._lit if lit is None else lit
        if not (lit and before is False):
            return False
        self._times.append(at)
        self._seen_since += 1
        return True

    def _by_counter(self, stance: Stance) -> bool:
        count, before = stance.reading.switch_on_counter, self._count
        if count is None:
            return False
        more = 0
        if before is not None and self._plain:
            more = max(0, count - before - self._seen_since)
        self._times.extend([stance.reading.at] * min(more, int(self._limits.cycles)))
        self._count, self._seen_since, self._plain = count, 0, self._plain_now(stance)
        return more > 0

    def _forgive(self) -> None:
        """The mains were lost since the counters were read: what was seen since was that."""
        for _ in range(min(self._seen_since, len(self._times))):
            self._times.pop()
        self._seen_since = 0
        self._plain = False
        self._lit = None
