"""How often a login may be tried: a small state machine, in memory of bounded size."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` failures cost nothing; each one more locks for twice as long, up to the longest."""

    free: int
    first_lock_s: float = 30.0
    longest_lock_s: float = 900.0
    forgotten_after_s: float = 3_600.0
    most_keys: int = 10_000


BY_LOGIN = Limit(free=8)
BY_ADDRESS = Limit(free=50)  # a whole household, or a school, may share one


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_at: float = 0.0
    locked_until: float = 0.0


class Throttle:
    """Counts failures by key. Every attempt counts as failed until it is known to have succeeded,
    so that many at once gain nothing.

    When more keys than `most_keys` failed, the one that rested longest is forgotten.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def locked_for_s(self, key: str, *, now: float) -> float:
        """How long `key` must wait (seconds, monotonic time `now`); 0 where it may try."""
        known = self._failures.get(key)
        return 0.0 if known is None else max(0.0, known.locked_until - now)

    def attempt(self, key: str, *, now: float) -> None:
        """`key` tries."""
        known = self._failures.get(key)
        if known is None or now - known.last_at > self._limit.forgotten_after_s:
            known = self._failures[key] = _Failures()
        self._failures.move_to_end(key)
        known.count += 1
        known.last_at = now
        beyond = known.count - self._limit.free
        if beyond >= 0:
            lock_s = self._limit.first_lock_s * 2.0 ** min(beyond, 32)
            known.locked_until = now + min(lock_s, self._limit.longest_lock_s)
        while len(self._failures) > self._limit.most_keys:
            self._failures.popitem(last=False)

    def take_back(self, key: str) -> None:
        """One attempt of `key` succeeded: it alone is not counted."""
        known = self._failures.get(key)
        if known is not None:
            known.count -= 1
            known.locked_until = 0.0

    def forget(self, key: str) -> None:
        """`key` has proved itself: no failure of it counts any more."""
        self._failures.pop(key, None)
