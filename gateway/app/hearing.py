"""What an edge hears, from whichever receiver, on its way into the outbox.

What is captured keeps the time of its moment: a row goes with the setting of the clock by which its
times were told, and when the clock is set, the open seconds end under the old time.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import floor
from typing import Protocol

import structlog

from gateway.app.edge_rows import EdgeRows, RowStore
from gateway.app.listened import Listened
from gateway.app.urgent import Urgent
from gateway.clock import ClockSetting
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
LONGEST_HELD_S = 60.0  # that a tag's word waits before it is told: older, the clock was set

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

    @property
    def setting(self) -> ClockSetting:
        """What `utc` goes by."""
        ...


class Hearing:
    """Takes adverts and messages at once, gives rows to the spool. `counts` is for the status.

    `usual` is what an earlier process learned of the receivers; `heard_until` as in `Listened`.
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
        self._rows = EdgeRows(spool, lambda: clock.setting)
        self._listened = Listened(heard_until, known=clock.setting.known)
        self._closed: deque[tuple[Window | Gap, ClockSetting]] = deque()
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
        self.urgent = Urgent(self._rows, lane, clock)

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

    def connection(self, *, up: bool, silent_s: float = 0.0) -> None:
        """The broker, over which remote receivers speak, was reached or lost.

        It had said nothing for `silent_s` before it was found to be lost.
        """
        now = self._clock.utc()
        self._receivers.connection(up=up, now=self._clock.monotonic())
        if up:
            self._listened.reached(now, has_remote=bool(self._remote.topic_filters()))
        else:
            self._listened.lost(now - silent_s)

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
        states = [_lately(state, at) for state in self._states.due(now)]
        if states:
            await self._rows.put(self._lane(), Kind.TAG_STATES, states, since=at, until=at)

    async def close_windows(self, before: float) -> None:
        """Store the seconds up to `before`, each as a window, or as a part of a gap."""
        alive = self._receivers.alive(self._clock.monotonic())
        rows = self._windows.close(before, alive=alive, synced=self._clock.synced())
        self._note_closed(rows, self._clock.setting)
        while self._closed:
            await self._store_closed(*self._closed[0])
            self._closed.popleft()

    def clock_changed(self, old: ClockSetting, new: ClockSetting) -> None:
        """The clock goes by `new` from now on: what was heard so far keeps the time of `old`."""
        shift_s = new.offset_s - old.offset_s
        if shift_s:
            alive = self._receivers.alive(self._clock.monotonic())
            running = floor(self._clock.utc() - shift_s)  # that second ends now, by halves
            rows = self._windows.close(running + 1, alive=alive, synced=old.known)
            self._note_closed([row for row in rows if not _is_silence_of(running, row)], old)
            self._counts += self._windows.counts
            self._windows = Windows()
            self._events = [replace(one, at=one.at + shift_s) for one in self._events]
        self._listened.moved(shift_s, known=new.known)

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

    def _note_closed(self, rows: Sequence[Window | Gap], setting: ClockSetting) -> None:
        """What is to be stored of `rows`, in their order, by the clock under which they were."""
        closed: list[Window | Gap] = [*self._listened.gaps()]
        for row in rows:
            if isinstance(row, Gap):
                closed.append(row)
            elif row.alive:
                before = self._listened.window(float(row.second), float(row.second + 1))
                closed += [row] if before is None else [before, row]
        self._closed.extend((row, setting) for row in closed)

    async def _store_closed(self, row: Window | Gap, setting: ClockSetting) -> None:
        """Where the time is not known, it is no heartbeat: the last that was known stays."""
        if isinstance(row, Gap):
            await self._rows.put(
                *(Lane.BACKLOG, Kind.GAP, [row]),
                since=row.since or row.until,  # 0: who knows since when
                until=row.until,
                setting=setting,
            )
            return
        until = float(row.second + 1)
        await self._rows.put(
            *(self._lane(), Kind.SIGHTINGS, [row]),
            since=float(row.second),
            until=until,
            heartbeat=until if setting.known and setting == self._clock.setting else None,
            setting=setting,
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


def _is_silence_of(second: int, row: Window | Gap) -> bool:
    return isinstance(row, Window) and row.second == second and not row.readings


def _lately(state: TagState, now: float) -> TagState:
    """It waited for seconds at most, whatever its time says."""
    return state if abs(state.at - now) <= LONGEST_HELD_S else replace(state, at=now)
