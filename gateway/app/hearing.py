"""What an edge hears, from whichever receiver, on its way into the outbox.

A second in which no receiver worked is no window: a gap says it, from the last committed window to
the next. So a restart, a lost broker and dead receivers are all told by the same rule.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from math import ceil, floor
from typing import Protocol

import structlog

from gateway.app.edge_rows import EdgeRows, RowStore
from gateway.app.urgent import Urgent
from gateway.link.envelope import Kind
from gateway.link.topics import Message
from gateway.model import (
    Advert,
    EdgeOrders,
    Gap,
    Lane,
    Press,
    ReceiverEvent,
    Rejected,
    Sealed,
    Sighting,
    TagState,
    Window,
)
from gateway.tags.frames.bthome import Bthome, SealedBthome
from gateway.tags.frames.eddystone import EncryptedTlm
from gateway.tags.frames.format import Frame
from gateway.tags.gate import Gate
from gateway.tags.receiving import Receivers, Told, Usual
from gateway.tags.regulars import Regulars
from gateway.tags.remote import RemoteReceivers
from gateway.tags.reported import Alive, Gone, Heard
from gateway.tags.states import TagStates
from gateway.tags.windows import Windows

# Whose address it is: a tag may change its own, and sends its own state every ten seconds or so.
MOST_ADDRESSES, ADDRESS_SETTLES_S, ADDRESS_FORGOTTEN_S = 4_096, 2.0, 300.0
MOST_EVENTS = 1_000  # of receivers, in a second; beyond, they are only counted

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


class Hearing:
    """Takes adverts and messages at once, gives rows to the spool. `counts` is for the status.

    `usual` is what an earlier process learned of the receivers.
    """

    def __init__(
        self,
        *,
        clock: Time,
        spool: RowStore,
        heard_until: float | None,
        lane: Callable[[], Lane],
        receiver_timeout_s: float,
        usual: Mapping[str, Usual] | None = None,
    ) -> None:
        self._counts: Counter[str] = Counter()
        self._clock = clock
        self._rows = EdgeRows(spool)
        self._until = heard_until
        self._lane = lane
        self._gate = Gate()
        self._remote = RemoteReceivers(())
        self._receivers = Receivers(timeout_s=receiver_timeout_s, usual=usual)
        self._windows = Windows()
        self._whose: Regulars[str, str] = Regulars(
            most=MOST_ADDRESSES, settles_s=ADDRESS_SETTLES_S, forgets_s=ADDRESS_FORGOTTEN_S
        )
        self._states = TagStates()
        self._events: list[ReceiverEvent] = []
        self._buttons: frozenset[str] = frozenset()
        self._allowed: frozenset[str] = frozenset()
        self._lost_at: float | None = None
        self._pending_gap: Gap | None = None
        self._reason = "restart"
        self.urgent = Urgent(self._rows, lane)

    @property
    def counts(self) -> Counter[str]:
        """Since the start."""
        adverts = {f"advert_{reason}": count for reason, count in self._gate.counts.items()}
        return (
            self._counts
            + self._rows.counts
            + self.urgent.counts
            + self._windows.counts
            + self._states.counts
            + Counter(adverts)
        )

    def follow(self, orders: EdgeOrders) -> tuple[str, ...]:
        """Take the hub's orders; returns the topic filters of the receivers to listen to."""
        self._remote.follow(orders.receivers)
        self._receivers.follow(self._remote.receivers, self._clock.monotonic())
        self._buttons = frozenset(orders.buttons)
        self._allowed = frozenset(orders.allow or ())
        self._gate.follow(orders.allow)
        if orders.allow is None:
            _log.warning("orders of an older hub: the frames of everybody are taken for tags'")
        for source in self._remote.refused:
            _log.error(
                "a receiver cannot be followed; mend its format and topic in the site",
                receiver=source.receiver,
            )
        return self._remote.topic_filters()

    def connection(self, *, up: bool) -> None:
        """The broker, over which remote receivers speak, was reached or lost."""
        now = self._clock.utc()
        self._receivers.connection(up=up, now=self._clock.monotonic())
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
            self._lost_at = float(floor(now))
            self._reason = "broker_lost"

    def running(self, receivers: frozenset[str]) -> None:
        """The receivers whose local adapters scan now."""
        self._receivers.running(receivers, self._clock.monotonic())

    def receiver_event(self, event: ReceiverEvent) -> None:
        """What a local adapter's scanner says of its receiver."""
        told = Told(event.receiver, event.condition, event.over)
        self._receivers.condition(told, self._clock.monotonic())
        self._note(event)

    def message(self, message: Message) -> None:
        """One message of a remote receiver."""
        now = self._clock.monotonic()
        report = self._remote.parse(
            message.topic, message.payload, self._clock.utc(), retained=message.retained
        )
        match report:
            case Rejected(reason=reason):
                self._counts[f"remote_{reason}"] += 1
            case Gone(receiver=receiver):
                self._receivers.gone(receiver, now)
            case Alive(receiver=receiver, is_state=is_state, number=number):
                self._receivers.spoke(receiver, now, number=number, is_state=is_state)
            case Heard(advert=advert, values=values):
                self._receivers.spoke(advert.receiver, now)
                self._take(advert, values)

    def advert(self, advert: Advert) -> None:
        """One advert of a local adapter."""
        self._take(advert, {})

    async def tell(self) -> None:
        """Store what turned with the receivers, and what tags say of themselves: once a second."""
        now, at = self._clock.monotonic(), self._clock.utc()
        for told in self._receivers.judge(now):
            self._note(ReceiverEvent(at, *told))
        self.urgent.tick(now)
        events, self._events = self._events, []
        if events:
            since, until = min(one.at for one in events), max(one.at for one in events)
            await self._rows.put(
                self._lane(), Kind.RECEIVER_EVENTS, events, since=since, until=until
            )
        states = self._states.due(now)
        if states:
            await self._rows.put(self._lane(), Kind.TAG_STATES, states, since=at, until=at)

    async def close_windows(self, before: float) -> None:
        """Store the seconds up to `before`, each as a window, or as a part of a gap."""
        alive = self._receivers.alive(self._clock.monotonic())
        if self._pending_gap is not None:
            gap, self._pending_gap = self._pending_gap, None
            await self._store_gap(gap)
        for row in self._windows.close(before, alive=alive, synced=self._clock.synced()):
            if isinstance(row, Gap):
                await self._store_gap(row)
            elif row.alive:
                await self._store_window(row)

    def silent_s(self) -> dict[str, float]:
        """Seconds since each receiver was last heard of."""
        return self._receivers.silent_s(self._clock.monotonic())

    def adverts_per_s(self) -> dict[str, float]:
        """What each receiver hears, of anybody."""
        return self._receivers.adverts_per_s()

    def problems(self) -> dict[str, str]:
        """What in a receiver's settings keeps tags from being heard, and what to do."""
        return dict(self._remote.unfit)

    def usual(self) -> dict[str, Usual]:
        """What was learned of the receivers, for the next process."""
        return self._receivers.usual()

    async def _store_gap(self, gap: Gap) -> None:
        await self._rows.put(Lane.BACKLOG, Kind.GAP, [gap], since=gap.since, until=gap.until)

    async def _store_window(self, window: Window) -> None:
        since, until = float(window.second), float(window.second + 1)
        if self._until is not None and self._until < since:
            await self._store_gap(Gap(since=self._until, until=since, reason=self._reason))
        self._reason = "no_receiver"
        self._until = until
        await self._rows.put(
            self._lane(), Kind.SIGHTINGS, [window], since=since, until=until, heartbeat=until
        )

    def _take(self, advert: Advert, values: Mapping[str, float]) -> None:
        now = self._clock.monotonic()
        self._receivers.heard(advert.receiver, advert.address, now)
        frames = self._gate.read(advert)
        identifier = ""
        for frame in frames:
            if frame.identifier:
                identifier = frame.identifier
                self._identified(advert, frame, now)
        if frames or values:
            self._say(advert, frames, values, identifier, now)

    def _identified(self, advert: Advert, frame: Frame, now: float) -> None:
        """A frame that names somebody counts in its second; a button goes on at once."""
        identifier = frame.identifier
        is_button = identifier in self._buttons
        if isinstance(frame, Bthome):
            if frame.pressed:
                press = self._press(advert, identifier)
                self.urgent.event(press, address=advert.address, packet=frame.packet, now=now)
            if is_button:  # as its other frames are not a press, it is no sighting either
                return
        else:
            self._whose.note(advert.address, identifier, now)
            if is_button:
                self.urgent.button(self._press(advert, identifier), now)
        self._counts["sightings"] += 1
        self._windows.add(Sighting(advert.at, advert.receiver, identifier, advert.rssi_dbm))

    def _press(self, advert: Advert, identifier: str) -> Press:
        return Press(advert.at, advert.receiver, identifier, advert.rssi_dbm, self._clock.synced())

    def _say(
        self,
        advert: Advert,
        frames: tuple[Frame, ...],
        values: Mapping[str, float],
        identifier: str,
        now: float,
    ) -> None:
        """What goes with the address: encrypted frames, and what a tag says of itself."""
        sealed_state = ""
        for frame in frames:
            match frame:
                case SealedBthome(payload=payload):
                    self._seal(advert, payload, now)
                case EncryptedTlm(payload=payload):
                    sealed_state = payload.hex()
            if frame.values:
                values = {**values, **frame.values}
        if not (values or sealed_state):
            return
        whose = identifier or self._whose.find(advert.address, now)
        if not whose:
            self._counts["states_of_nobody"] += 1
            return
        is_known = whose in self._allowed or self._whose.is_regular(advert.address, now)
        state = TagState(advert.at, advert.receiver, whose, values, sealed_state)
        self._states.hear(state, known=is_known, now=now)

    def _seal(self, advert: Advert, payload: bytes, now: float) -> None:
        own = f"bthome:{advert.address.lower()}"
        is_followed = own in self._allowed
        near = self._whose.find(advert.address, now) or (own if is_followed else "")
        sealed = Sealed(
            advert.at,
            advert.receiver,
            advert.address,
            payload.hex(),
            advert.rssi_dbm,
            near,
            self._clock.synced(),
        )
        is_known = is_followed or self._whose.is_regular(advert.address, now)
        self.urgent.sealed(sealed, is_known=is_known, now=now)

    def _note(self, event: ReceiverEvent) -> None:
        if len(self._events) >= MOST_EVENTS:
            self._counts["receiver_events_full"] += 1
            return
        self._events.append(event)
