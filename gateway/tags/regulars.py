"""What is remembered of addresses and identifiers, while a crowd of strangers walks by.

Pure and bounded: of those who come once, any number may come; those who stay are not displaced.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

# The order in which they are forgotten is true to a second: most are noted many times in one.
ORDER_S = 1.0


class _Entry(Generic[V]):
    __slots__ = ("first_s", "last_s", "value")

    def __init__(self, value: V, now: float) -> None:
        self.value = value
        self.first_s = now
        self.last_s = now


class Regulars(Generic[K, V]):
    """Values by key, at most `most` of newcomers and `most` of regulars.

    A newcomer that is noted again, `settles_s` after its first time, is a regular. Newcomers
    displace newcomers and regulars regulars: always who was not noted for the longest. Who was not
    noted for `forgets_s` is nobody again. `now` is in seconds of one clock.
    """

    def __init__(self, *, most: int, settles_s: float, forgets_s: float) -> None:
        self._most = most
        self._settles_s = settles_s
        self._forgets_s = forgets_s
        self._newcomers: dict[K, _Entry[V]] = {}
        self._regulars: dict[K, _Entry[V]] = {}

    def __len__(self) -> int:
        return len(self._newcomers) + len(self._regulars)

    def note(self, key: K, value: V, now: float) -> bool:
        """`key` is there, and has `value`; whether it is a regular."""
        entry = self._regulars.get(key)
        if entry is not None and now - entry.last_s <= self._forgets_s:
            entry.value = value
            if now - entry.last_s >= ORDER_S:
                del self._regulars[key]
                self._regulars[key] = entry
                entry.last_s = now
            return True
        if entry is not None:
            del self._regulars[key]
        return self._note_newcomer(key, value, now)

    def find(self, key: K, now: float) -> V | None:
        """The value of `key`; None where it was not noted lately."""
        entry = self._regulars.get(key) or self._newcomers.get(key)
        if entry is None or now - entry.last_s > self._forgets_s:
            return None
        return entry.value

    def is_regular(self, key: K, now: float) -> bool:
        """Whether `key` was noted lately, and before."""
        entry = self._regulars.get(key)
        return entry is not None and now - entry.last_s <= self._forgets_s

    def values(self) -> Iterator[V]:
        """Of all who are remembered, lately noted or not."""
        for entries in (self._newcomers, self._regulars):
            yield from (entry.value for entry in entries.values())

    def _note_newcomer(self, key: K, value: V, now: float) -> bool:
        entry = self._newcomers.pop(key, None)
        if entry is None or now - entry.last_s > self._forgets_s:
            entry = _Entry(value, now)
        entry.value, entry.last_s = value, now
        if now - entry.first_s >= self._settles_s:
            _displace(self._regulars, self._most)
            self._regulars[key] = entry
            return True
        _displace(self._newcomers, self._most)
        self._newcomers[key] = entry
        return False


def _displace(entries: dict[K, _Entry[V]], most: int) -> None:
    """Make room for one."""
    if len(entries) >= most:
        del entries[next(iter(entries))]
