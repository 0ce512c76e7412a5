"""What an edge hears, from whichever receiver, on its way into the outbox.

A second in which no receiver worked is no window: a gap says it, from the last committed window to
the next. So a restart, a lost broker and dead receivers are all told by the same rule.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from math import ceil, floor
from typing import Protocol

import structlog

from gateway.link.envelope import Item, Kind, encode_items
from gateway.link.outbox_file import Append
from gateway.link.topics import Message
from gateway.model import Advert, EdgeOrders, Gap, Lane, Press, Rejected, Sighting, Window
from gateway.tags.frames import identify
from gateway.tags.remote import Alive, Gone, RemoteReceivers
from gateway.tags.windows import Liveness, Windows

PRESS_EVERY_S = 2.0
MAX_PRESSES_WAITING = 1_000
MAX_BUTTONS_REMEMBERED = 10_000

_log = structlog.get_logger()


class Time(Protocol):
    """The clock."""

    def utc(self) -> float:
        """Now, in Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow."""
        ...

    def synced(self) -> bool:
        """Whether `utc` can be true."""
        ...


class RowStore(Protocol):
    """The spool."""

    async def put(self, row: Append) -> None:
        """Store one row, now or as soon as the disk takes it."""
        ...


class Hearing:
    """Takes adverts and messages at once, gives rows to the spool. `counts` is for the status."""

    def __init__(
        self,
        *,
        clock: Time,
        spool: RowStore,
        heard_until: float | None,
        lane: Callable[[], Lane],
        receiver_timeout_s: float,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._spool = spool
        self._until = heard_until
        self._lane = lane
        self._remote = RemoteReceivers(())
        self._windows = Windows()
        self._liveness = Liveness(receiver_timeout_s=receiver_timeout_s)
        self._buttons: frozenset[str] = frozenset()
        self._pressed_at: dict[str, float] = {}
        self._presses: asyncio.Queue[Press] = asyncio.Queue(MAX_PRESSES_WAITING)
        self._lost_at: float | None = None
        self._pending_gap: Gap | None = None
        self._reason = "restart"

    def follow(self, orders: EdgeOrders) -> tuple[str, ...]:
        """Take the hub's orders; returns the topic filters of the receivers to listen to."""
        self._remote.follow(orders.receivers)
        self._buttons = frozenset(orders.buttons)
        for source in self._remote.refused:
            _log.error(
                "a receiver cannot be followed; mend its format and topic in the site",
                receiver=source.receiver,
            )
        return self._remote.topic_filters()

    def connection(self, *, up: bool) -> None:
        """The broker, over which remote receivers speak, was reached or lost."""
        now = self._clock.utc()
        if up:
            since = self._until if self._lost_at is None else self._lost_at
            if since is not None and self._remote.topic_filters():
                if self._pending_gap is not None:  # lost again before the last tick
                    since = min(since, self._pending_gap.since)
                until = float(ceil(now))
                if since < until:
                    self._pending_gap = Gap(since=since, until=until, reason=self._reason)
            self._lost_at = None
        else:
            self._liveness.forget_remote()
            self._lost_at = float(floor(now))
            self._reason = "broker_lost"

    def running(self, receivers: frozenset[str]) -> None:
        """The receivers whose local adapters scan now."""
        self._liveness.running(receivers)

    def message(self, message: Message) -> None:
        """One message of a remote receiver."""
        now = self._clock.utc()
        parsed = self._remote.parse(message.topic, message.payload, now, retained=message.retained)
        match parsed:
            case Rejected(reason=reason):
                self.counts[f"remote_{reason}"] += 1
            case Gone(receiver=receiver):
                self._liveness.gone(receiver)
            case Alive(receiver=receiver):
                self._liveness.heard(receiver, self._clock.monotonic())
            case Advert(receiver=receiver):
                self._liveness.heard(receiver, self._clock.monotonic())
                self.advert(parsed)
            case Sighting(receiver=receiver):
                self._liveness.heard(receiver, self._clock.monotonic())
                self._take(parsed)

    def advert(self, advert: Advert) -> None:
        """One advert of a local adapter, or raw from a remote receiver."""
        identified = identify(advert)
        if isinstance(identified, Rejected):
            self.counts[f"advert_{identified.reason}"] += 1
        else:
            self._take(identified)

    async def store_presses(self) -> None:
        """Store presses on the urgent lane until cancelled."""
        while True:
            await self._store_press(await self._presses.get())

    async def store_waiting_presses(self) -> None:
        """Store the presses that wait now."""
        while not self._presses.empty():
            await self._store_press(self._presses.get_nowait())

    async def close_windows(self, before: float) -> None:
        """Store the seconds up to `before`, each as a window, or as a part of a gap."""
        alive = self._liveness.alive(self._clock.monotonic())
        if self._pending_gap is not None:
            gap, self._pending_gap = self._pending_gap, None
            await self._put(Lane.BACKLOG, Kind.GAP, gap, gap.since, gap.until)
        for row in self._windows.close(before, alive=alive, synced=self._clock.synced()):
            if isinstance(row, Gap):
                await self._put(Lane.BACKLOG, Kind.GAP, row, row.since, row.until)
            elif row.alive:
                await self._store_window(row)

    def silent_s(self) -> dict[str, float]:
        """Seconds since each receiver was last heard of."""
        return self._liveness.silent_s(self._clock.monotonic())

    async def _store_press(self, press: Press) -> None:
        await self._put(Lane.URGENT, Kind.PRESS, press, press.at, press.at)

    async def _store_window(self, window: Window) -> None:
        since, until = float(window.second), float(window.second + 1)
        if self._until is not None and self._until < since:
            gap = Gap(since=self._until, until=since, reason=self._reason)
            await self._put(Lane.BACKLOG, Kind.GAP, gap, gap.since, since)
        self._reason = "no_receiver"
        self._until = until
        await self._put(self._lane(), Kind.SIGHTINGS, window, since, until, heartbeat=until)

    def _take(self, sighting: Sighting) -> None:
        self.counts["sightings"] += 1
        if sighting.identifier in self._buttons:
            self._press(sighting)
        self._windows.add(sighting)

    def _press(self, sighting: Sighting) -> None:
        """At once and outside the windows; a burst at many receivers is a row every 2 s."""
        last = self._pressed_at.get(sighting.identifier, float("-inf"))
        now = self._clock.monotonic()
        if now - last < PRESS_EVERY_S:
            return
        if len(self._pressed_at) >= MAX_BUTTONS_REMEMBERED:
            self._pressed_at.clear()
        self._pressed_at[sighting.identifier] = now
        press = Press(
            sighting.at,
            sighting.receiver,
            sighting.identifier,
            sighting.rssi_dbm,
            self._clock.synced(),
        )
        try:
            self._presses.put_nowait(press)
        except asyncio.QueueFull:
            self.counts["presses_full"] += 1  # the window still carries it, seconds later

    async def _put(
        self,
        lane: Lane,
        kind: Kind,
        item: Item,
        since: float,
        until: float,
        *,
        heartbeat: float | None = None,
    ) -> None:
        self.counts[f"rows_{kind}"] += 1
        await self._spool.put(Append(lane, kind, encode_items([item]), since, until, heartbeat))
