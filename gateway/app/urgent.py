"""What may be an SOS, on its way to the outbox: presses, and frames that only the hub can read.

They skip the windows, and wait only for the disk's commit before them. All that waits is one row
of each sort, so a crowd of strangers costs those before them one commit. While the hub is away,
strangers' frames go where the windows go: after hours they would stand before a new SOS.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Generic, NamedTuple, Protocol, TypeVar

from gateway.app.edge_rows import EdgeRows
from gateway.clock import ClockSetting
from gateway.link.envelope import Kind
from gateway.model import Lane, Press, Sealed
from gateway.tags.bursts import KNOWN, STRANGER, Bursts

PRESS_EVERY_S = 2.0
MOST_WAITING = 1_000  # of each sort; beyond, the new ones are dropped: bursts repeat themselves
MOST_IN_A_ROW = 100
MOST_BUTTONS = 10_000

T = TypeVar("T", Press, Sealed)


class Time(Protocol):
    """The clock."""

    @property
    def setting(self) -> ClockSetting:
        """What it goes by."""
        ...


class _Held(NamedTuple, Generic[T]):
    """An item, and what the clock went by when it was heard: it may be set meanwhile."""

    item: T
    offset_s: float


class Urgent:
    """Takes presses and sealed frames at once; `store` puts them on the urgent lane.

    `lane` is where windows go now: live, or backlog while the hub is away.

    `counts`: presses_full, sealed_full, and those of `Bursts` as sealed_…
    """

    def __init__(self, rows: EdgeRows, lane: Callable[[], Lane], clock: Time) -> None:
        self._counts: Counter[str] = Counter()
        self._rows = rows
        self._lane = lane
        self._clock = clock
        self._pressed_at: dict[str, float] = {}
        self._bursts: Bursts[_Held[Press] | tuple[_Held[Sealed], bool]] = Bursts()
        self._presses: deque[_Held[Press]] = deque()
        self._known: deque[_Held[Sealed]] = deque()
        self._strangers: deque[_Held[Sealed]] = deque()
        self._wake = asyncio.Event()

    @property
    def counts(self) -> Counter[str]:
        """Since the start."""
        bursts = {f"sealed_{name}": count for name, count in self._bursts.counts.items()}
        return self._counts + Counter(bursts)

    def button(self, press: Press, now: float) -> None:
        """An identifier that means a button; a burst at many receivers is a row every 2 s."""
        last = self._pressed_at.get(press.identifier, float("-inf"))
        if now - last < PRESS_EVERY_S:
            return
        if len(self._pressed_at) >= MOST_BUTTONS:
            self._pressed_at.clear()
        self._pressed_at[press.identifier] = now
        self._queue(self._presses, self._held(press), "presses_full")

    def event(self, press: Press, *, address: str, packet: int | None, now: float) -> None:
        """A plain frame that says that a button of a followed sensor was pressed."""
        payload = "" if packet is None else str(packet)
        held = self._held(press)
        goes = self._bursts.hear(
            held,
            receiver=press.receiver,
            address=address,
            payload=payload,
            standing=KNOWN,
            now=now,
            numbered=packet is not None,
        )
        if goes:
            self._queue(self._presses, held, "presses_full")

    def sealed(self, sealed: Sealed, *, is_known: bool, now: float) -> None:
        """An encrypted frame; `is_known` where its address was heard as a tag's before."""
        held = self._held(sealed)
        goes = self._bursts.hear(
            (held, is_known),
            receiver=sealed.receiver,
            address=sealed.address,
            payload=sealed.payload,
            standing=KNOWN if is_known else STRANGER,
            now=now,
        )
        if goes:
            self._queue_sealed(held, is_known=is_known)

    def tick(self, now: float) -> None:
        """Frames that waited for room may have it now."""
        for one in self._bursts.due(now):
            if isinstance(one, _Held):
                self._queue(self._presses, one, "presses_full")
            else:
                held, is_known = one
                self._queue_sealed(held, is_known=is_known)

    async def store(self) -> None:
        """Store what comes, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.store_waiting()

    async def store_waiting(self) -> None:
        """Store what waits now; after each row, whatever came first goes first."""
        while self._presses or self._known or self._strangers:
            if self._presses:
                await self._store(Lane.URGENT, Kind.PRESS, _taken(self._presses))
            elif self._known:
                await self._store(Lane.URGENT, Kind.SEALED, _taken(self._known))
            else:
                lane = Lane.URGENT if self._lane() is Lane.LIVE else Lane.BACKLOG
                await self._store(lane, Kind.SEALED, _taken(self._strangers))

    async def _store(self, lane: Lane, kind: Kind, held: list[_Held[T]]) -> None:
        """By the clock as it is now, which differs from that of before by the offsets."""
        setting = self._clock.setting
        items = [replace(one, at=one.at + setting.offset_s - offset_s) for one, offset_s in held]
        since, until = min(one.at for one in items), max(one.at for one in items)
        await self._rows.put(lane, kind, items, since=since, until=until, setting=setting)

    def _held(self, item: T) -> _Held[T]:
        return _Held(item, self._clock.setting.offset_s)

    def _queue_sealed(self, sealed: _Held[Sealed], *, is_known: bool) -> None:
        self._queue(self._known if is_known else self._strangers, sealed, "sealed_full")

    def _queue(self, queue: deque[_Held[T]], one: _Held[T], full: str) -> None:
        if len(queue) >= MOST_WAITING:
            self._counts[full] += 1
            return
        queue.append(one)
        self._wake.set()


def _taken(queue: deque[_Held[T]]) -> list[_Held[T]]:
    return [queue.popleft() for _ in range(min(len(queue), MOST_IN_A_ROW))]
