"""Advertisement monitors: what clients wait for without a discovery of their own."""

from collections.abc import Iterable
from typing import NamedTuple

from firmware_sim.bluez.habits import Habits
from firmware_sim.bluez.said import SERVICE_DATA_16, UUID16_LISTS, Said

_UUID16_OCTETS = 2


class Pattern(NamedTuple):
    """Octets at `start` of an AD structure of `kind`."""

    start: int
    kind: int
    content: bytes

    def matches(self, said: Said, habits: Habits) -> bool:
        """Whether the advert has it, as that version of bluetoothd looks for it."""
        start = self.start
        if habits.service_data_behind_uuid:
            if self.kind in UUID16_LISTS:
                return False
            if self.kind == SERVICE_DATA_16:
                start += _UUID16_OCTETS
        return any(
            kind == self.kind and payload[start : start + len(self.content)] == self.content
            for kind, payload in said.structures
        )


class Monitors:
    """The monitors at one adapter by (client, object path); () until its patterns are known."""

    def __init__(self, habits: Habits) -> None:
        self._habits = habits
        self._known: dict[tuple[str, str], tuple[Pattern, ...]] = {}
        self._patterns: frozenset[Pattern] = frozenset()

    @property
    def active(self) -> bool:
        """Whether any is active: the kernel then scans without pause or duplicate filter."""
        return bool(self._patterns)

    def matches(self, said: Said) -> bool:
        """Whether an active one waits for such an advert."""
        return any(pattern.matches(said, self._habits) for pattern in self._patterns)

    def register(self, client: str, path: str) -> bool:
        """Await a monitor of `client` under `path`; False where it is known already."""
        if (client, path) in self._known:
            return False
        self._known[client, path] = ()
        return True

    def awaited(self, client: str, path: str) -> tuple[str, str] | None:
        """The registration that an object of `client` at `path` belongs to."""
        for owner, root in self._known:
            if owner == client and (path == root or path.startswith(root.rstrip("/") + "/")):
                return owner, root
        return None

    def activate(self, key: tuple[str, str], patterns: Iterable[Pattern]) -> None:
        """The patterns of a monitor are known; no matter where it was taken back meanwhile."""
        if key in self._known:
            self._known[key] = tuple(patterns)
            self._merge()

    def unregister(self, client: str, path: str) -> bool:
        """Forget one monitor; False where it is not known."""
        known = self._known.pop((client, path), None) is not None
        self._merge()
        return known

    def forget(self, client: str) -> None:
        """`client` left the bus."""
        self._known = {key: value for key, value in self._known.items() if key[0] != client}
        self._merge()

    def clear(self) -> tuple[tuple[str, str], ...]:
        """Forget all; those that were known."""
        gone = tuple(self._known)
        self._known.clear()
        self._merge()
        return gone

    def _merge(self) -> None:
        self._patterns = frozenset(one for some in self._known.values() for one in some)
