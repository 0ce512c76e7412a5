"""The live stream: what the hub has committed goes to everybody who may see it, at once.

The hub publishes from the event loop; a subscriber that does not read loses the oldest positions,
never the hub's time. Events are encoded once for each carrier, however many watch it.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.api.shapes import PositionEvent, alert_shape, position_feature
from gateway.model import Alert, AlertKind, Doubt, Position, Suspicion
from gateway.store.suspicions import EVERY_S as DOUBTED_S

MOST_POSITIONS = 128  # waiting for one subscriber; the oldest is dropped
MOST_ALERTS = 64
MOST_PER_SESSION = 8  # pages open at once; the oldest stream is ended
TECHNICAL_KINDS = frozenset(
    {
        AlertKind.CLOCK_OFF,
        AlertKind.TWIN_GATEWAY,
        AlertKind.RECEIVER_DEAD,
        AlertKind.RECEIVER_SILENT,
        AlertKind.RECEIVER_DEAF,
        AlertKind.RECEIVER_MOVED,
        AlertKind.RECEIVER_SWAPPED,
        AlertKind.RECEIVER_DOWN,
        AlertKind.RECEIVER_HEARS_NOTHING,
        AlertKind.RECEIVER_LOSES_ADVERTS,
        AlertKind.TAG_SUSPECT,
        AlertKind.SINK_BEHIND,
        AlertKind.STORE_DAMAGED,
    }
)
PERSONAL_KINDS = frozenset(AlertKind) - TECHNICAL_KINDS


def is_for_staff(alert: Alert) -> bool:
    """About a device, or an SOS of a tag that nobody knows: somebody must see it."""
    return alert.kind in TECHNICAL_KINDS or (alert.kind is AlertKind.SOS and not alert.tag)


@dataclass(frozen=True, slots=True)
class Watch:
    """What one subscriber may see: own carriers by tag, and whether devices' alerts."""

    carriers: Mapping[str, str] = field(default_factory=dict)
    technical: bool = False


class Subscription:
    """One open stream. Change `watch` when its rights change."""

    def __init__(self, session: bytes, watch: Watch) -> None:
        self.session = session
        self.watch = watch
        self.dropped = 0
        self._alerts: deque[bytes] = deque()
        self._positions: deque[bytes] = deque()
        self._ready = asyncio.Event()
        self._ended = False

    async def next(self) -> bytes | None:
        """The next event, alerts first; None when the stream is ended."""
        while not (self._ended or self._alerts or self._positions):
            self._ready.clear()
            await self._ready.wait()
        if self._ended:
            return None
        return (self._alerts or self._positions).popleft()

    def end(self) -> None:
        """Give no more events."""
        self._ended = True
        self._ready.set()

    def put_position(self, event: bytes) -> int:
        """Queue a position; gives how many were dropped for it."""
        return self._put(self._positions, event, MOST_POSITIONS)

    def put_alert(self, event: bytes) -> int:
        """Queue an alert; gives how many were dropped for it."""
        return self._put(self._alerts, event, MOST_ALERTS)

    def _put(self, queue: deque[bytes], event: bytes, most: int) -> int:
        queue.append(event)
        self._ready.set()
        if len(queue) <= most:
            return 0
        queue.popleft()
        self.dropped += 1
        return 1


class LiveStream:
    """Feed it `position` and `alert`. `counts`: positions, alerts, dropped, opened, ended."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._subscriptions: list[Subscription] = []
        self._doubts: dict[str, dict[Doubt, float]] = {}

    def suspicion(self, suspicion: Suspicion) -> None:
        """From now on positions of that tag say that they are doubted, for ten minutes."""
        self._doubts.setdefault(suspicion.tag, {})[suspicion.doubt] = suspicion.at + DOUBTED_S

    def position(self, position: Position) -> None:
        """Tell a position to the guardians of its carrier."""
        self.counts["positions"] += 1
        encoded: dict[str, bytes] = {}
        for subscription in self._subscriptions:
            carrier = subscription.watch.carriers.get(position.tag)
            if carrier is None:
                continue
            if carrier not in encoded:
                doubts = self._doubts_of(position)
                told = PositionEvent(carrier, position_feature(position, doubts=doubts))
                encoded[carrier] = sse("position", told)
            self.counts["dropped"] += subscription.put_position(encoded[carrier])

    def _doubts_of(self, position: Position) -> tuple[Doubt, ...]:
        kept = {
            doubt: until
            for doubt, until in self._doubts.get(position.tag, {}).items()
            if until > position.at
        }
        if kept:
            self._doubts[position.tag] = kept
        else:
            self._doubts.pop(position.tag, None)
        return tuple(sorted(kept))

    def alert(self, alert: Alert) -> None:
        """Tell an alert, new or changed, to those whom it is for."""
        self.counts["alerts"] += 1
        for subscription in self._subscriptions:
            if is_for_staff(alert):
                if subscription.watch.technical:
                    event = sse("alert", alert_shape(alert, carrier=None))
                    self.counts["dropped"] += subscription.put_alert(event)
            elif (carrier := subscription.watch.carriers.get(alert.tag)) is not None:
                event = sse("alert", alert_shape(alert, carrier=carrier))
                self.counts["dropped"] += subscription.put_alert(event)

    @contextmanager
    def subscribe(self, session: bytes, watch: Watch) -> Iterator[Subscription]:
        """A stream for the session of that token's hash, as long as the context lasts."""
        own = [known for known in self._subscriptions if known.session == session]
        for oldest in own[: max(0, len(own) - MOST_PER_SESSION + 1)]:
            oldest.end()
        subscription = Subscription(session, watch)
        self._subscriptions.append(subscription)
        self.counts["opened"] += 1
        try:
            yield subscription
        finally:
            self._subscriptions.remove(subscription)
            self.counts["ended"] += 1

    def end_session(self, session: bytes) -> None:
        """The session is revoked: end its streams."""
        for subscription in self._subscriptions:
            if subscription.session == session:
                subscription.end()

    def close(self) -> None:
        """End every stream: the hub stops."""
        for subscription in self._subscriptions:
            subscription.end()

    def __len__(self) -> int:
        """How many streams are open."""
        return len(self._subscriptions)


def sse(event: str, body: Any) -> bytes:
    """One server-sent event (HTML standard, 9.2); JSON has no line breaks of its own."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), msgspec.json.encode(body))
