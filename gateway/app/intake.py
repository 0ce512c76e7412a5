"""What the edges sent becomes rows of the hub's database, in one transaction with the link's marks.

The applying runs in the database's writer thread, as closing a second does, so "late" is decided on
the same side of every step: a window is late when its second was closed before it came.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from gateway.alerts.happenings import ButtonPressed, ClockSkew, Happening
from gateway.app.lamp_intake import LampIntake, Said
from gateway.app.plausible import SKEW_TOLERATED_S, believed, is_off, is_plausible, is_time
from gateway.app.registry import Registry
from gateway.app.row_times import (
    NOBODY_KNOWS,
    Timeless,
    ahead_s,
    beyond_windows,
    corrected,
    gap_of,
    joined,
    lost,
    run_of,
    unread,
)
from gateway.app.skews import Skews
from gateway.app.tag_intake import TagIntake
from gateway.app.tag_news import TagNews
from gateway.app.telling import record_happenings
from gateway.clock import EARLIEST_TRUE_TIME, Clock
from gateway.lamps import LampEvent, LampReading, Outcome
from gateway.link.acceptor import OUTBOX_LOST, is_new_store
from gateway.link.envelope import Envelope, Item, Kind, Stream, decode_items
from gateway.link.receiver import CommitError
from gateway.model import (
    Alert,
    Doubt,
    Gap,
    Press,
    ReceiverEvent,
    Rejected,
    Sealed,
    TagState,
    Window,
)
from gateway.outputs.ngsi import Shown
from gateway.store import sightings
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.store.heard import KEPT_S
from gateway.store.outgoing import Queue
from gateway.store.sightings import Source, StoredWindow

UNDECODABLE = "undecodable"
MOST_ITEMS = 5_000  # of a row: more lamps than a gateway has; an SOS waits while they are written
NO_WINDOWS = (
    *(Kind.LAMP_READINGS, Kind.LAMP_EVENTS, Kind.OUTCOMES),
    *(Kind.SEALED, Kind.TAG_STATES, Kind.RECEIVER_EVENTS),
)

# What is done with new alerts, and whom changed lamps are told.
Joined = Callable[[Connection, Sequence[Alert], float], None]
Lamps = Callable[[Mapping[str, Shown]], None]
_Skews = Mapping[tuple[str, str], float]  # by gateway and run

_log = structlog.get_logger()


@dataclass(slots=True)
class _Effects:
    """What a batch amounts to, before it is written."""

    windows: list[StoredWindow] = field(default_factory=list)
    gaps: list[tuple[str, Gap]] = field(default_factory=list)
    timeless: list[Timeless] = field(default_factory=list)
    unread: list[Envelope] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    is_late: bool = False
    lamps: Said = field(default_factory=Said)
    tags: TagNews = field(default_factory=TagNews)


class Intake:
    """The hub's side of the link (`Inbox`): rows in, windows, gaps, alerts and lamps out.

    `joined` is called with the alerts that a batch raised, in its transaction; `announce` with
    them, and `show` with the lamps that changed for others, after it. Windows are kept for
    `kept_s`.

    `counts`: windows, windows_late, windows_timeless, presses, gaps, unexpected_kind, those of
    LampIntake, TagIntake and their parts, and each reason for which a row was not read.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        registry: Registry,
        *,
        is_closed: Callable[[int], bool],
        announce: Callable[[Sequence[Alert]], None],
        out: Queue,
        lamps: LampIntake,
        tags: TagIntake,
        joined: Joined,
        show: Lamps,
        kept_s: float = KEPT_S,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.last_late_at = float("-inf")
        self.last_late_lamps_at = float("-inf")
        self._database = database
        self._clock = clock
        self._registry = registry
        self._is_closed = is_closed
        self._announce = announce
        self._out = out
        self._lamps = lamps
        self._tags = tags
        self._joined = joined
        self._show = show
        self._kept_s = kept_s
        self._skews = Skews()
        self._off: dict[str, bool] = {}

    async def marks(self) -> Mapping[Stream, int]:
        """How far each lane of each sender is committed."""
        committed = await self._database.read(sightings.marks)
        return {Stream(*stream): mark for stream, mark in committed.items()}

    async def commit(self, batch: Sequence[Envelope], marks: Mapping[Stream, int]) -> None:
        """Write the effect of `batch` and `marks`. Raises CommitError: then nothing is written."""
        now, effects = self._now(batch), _Effects()
        skews = self._note_sent(batch, now)
        try:
            told = await self._database.write(self._apply, batch, marks, now, skews, effects)
        except StoreError as error:
            raise CommitError(str(error)) from error
        self._tags.settle(effects.tags)
        self.counts.update(effects.counts + effects.lamps.counts + effects.tags.counts)
        if effects.is_late:
            self.last_late_at = self._clock.monotonic()
        if effects.lamps.has_late:
            self.last_late_lamps_at = self._clock.monotonic()
        for gateway, skew_s in self._clocks(skews).items():
            self._note_clock(gateway, skew_s)
        self._announce(told)
        self._show(effects.lamps.shown)

    async def record(self, happening: Happening) -> None:
        """Judge and store what the link itself noticed. Raises StoreError."""
        told = await self._database.write(
            record_happenings, (happening,), now=self._clock.utc(), out=self._out
        )
        self._announce(told)

    def _now(self, batch: Sequence[Envelope]) -> float:
        """While our own clock was not set, the gateways' are better."""
        now = self._clock.utc()
        if self._clock.synced():
            return now
        return max(now, *(row.sent for row in batch if is_time(row.sent)), 0.0)

    def _note_sent(self, batch: Sequence[Envelope], now: float) -> _Skews:
        """What the clocks of the batch's gateways are ahead of ours."""
        steady = self._clock.monotonic()
        for row in batch:
            if is_time(row.sent):
                self._skews.note(row.sender, run_of(row), sent=row.sent, steady=steady)
        return {
            (row.sender, run_of(row)): self._skews.skew_s(
                row.sender, run_of(row), now=now, steady=steady
            )
            for row in batch
        }

    def _clocks(self, skews: _Skews) -> dict[str, float]:
        """Of each gateway the clock by which it goes now; nothing while ours was not set."""
        if not self._clock.synced():
            return {}
        in_order = sorted(skews, key=lambda one: self._skews.since_s(*one))
        return {gateway: skews[gateway, run] for gateway, run in in_order}

    def _apply(
        self,
        connection: Connection,
        batch: Sequence[Envelope],
        marks: Mapping[Stream, int],
        now: float,
        skews: _Skews,
        effects: _Effects,
    ) -> list[Alert]:
        for row in batch:
            self._read_row(connection, row, skews[row.sender, run_of(row)], now, effects)
        for row in {(row.sender, row.epoch): row for row in reversed(batch)}.values():
            if row.fresh and is_new_store(row, known=sightings.epochs_of(connection, row.sender)):
                effects.gaps.append((row.sender, Gap(0.0, now, OUTBOX_LOST)))
                effects.lamps.forgetful.add(row.sender)
        for gateway, gap in effects.gaps:
            for one in lost(connection, gateway, gap, kept_s=self._kept_s):
                sightings.add_gap(connection, gateway, one)
        sightings.add_windows(connection, effects.windows)
        for few in joined(effects.timeless):
            sightings.add_gap(connection, few.row.sender, gap_of(connection, few, now))
        for row in effects.unread:
            gap = unread(connection, row, now, UNDECODABLE)
            sightings.add_gap(connection, row.sender, gap)
        for gateway, skew_s in self._clocks(skews).items():
            if is_off(skew_s) != self._off.get(gateway):
                effects.happenings.append(ClockSkew(now, gateway, skew_s))
        sightings.set_marks(connection, (Source(*stream, mark) for stream, mark in marks.items()))
        self._lamps.apply(connection, effects.lamps, now=now)
        happenings = (*effects.happenings, *effects.tags.write(connection))
        told = record_happenings(connection, happenings, now=now, out=self._out)
        self._joined(connection, told, now)
        return told

    def _read_row(
        self, connection: Connection, row: Envelope, skew_s: float, now: float, effects: _Effects
    ) -> None:
        items = _read_items(row)
        if isinstance(items, Rejected):
            effects.counts[items.reason] += 1
            _log.error("a row cannot be read", sender=row.sender, seq=row.seq, kind=row.kind)
            if row.kind not in NO_WINDOWS:  # a gap is a hole in somebody's way
                effects.unread.append(row)
            return
        ahead = ahead_s(row, skew_s)
        for item in items:
            match item:
                case Window():
                    self._take_window(row, item, ahead, now, effects)
                case Press():
                    effects.counts["presses"] += 1
                    at = believed(item.at - ahead, now)
                    effects.happenings.append(
                        self._pressed(row, item.identifier, item.receiver, at)
                    )
                case Gap():
                    effects.counts["gaps"] += 1
                    if ahead == NOBODY_KNOWS:
                        effects.timeless.append(Timeless.of(row, item))
                    else:
                        gap = corrected(item, ahead, now)
                        effects.gaps.append((row.sender, beyond_windows(connection, row, gap)))
                case LampReading() | LampEvent() | Outcome():
                    self._lamps.take(row.sender, item, skew_s=ahead, now=now, said=effects.lamps)
                case Sealed() | TagState() | ReceiverEvent():
                    self._tags.take(
                        connection, row.sender, item, skew_s=ahead, now=now, news=effects.tags
                    )
                case _:
                    effects.counts["unexpected_kind"] += 1

    def _take_window(
        self, row: Envelope, window: Window, ahead: float, now: float, effects: _Effects
    ) -> None:
        at = window.second - ahead
        for reading in window.readings:
            known = self._registry.directory.find(reading.identifier)
            if known is not None and known.button:
                effects.happenings.append(
                    self._pressed(row, reading.identifier, reading.receiver, believed(at, now))
                )
        unset = not window.synced and at < EARLIEST_TRUE_TIME
        if unset or not 0 <= at <= now + SKEW_TOLERATED_S:
            # Nobody knows when, or what is said of it cannot be.
            effects.counts["windows_timeless"] += 1
            effects.timeless.append(Timeless.of(row))
            return
        second = round(at)
        late = self._is_closed(second)
        effects.is_late |= late
        effects.counts["windows_late" if late else "windows"] += 1
        source = Source(row.sender, row.epoch, row.lane, row.seq)
        window = self._tags.window(row.sender, window, second, effects.tags)
        effects.windows.append(StoredWindow(source, second, ahead, late, window))

    def _pressed(self, row: Envelope, identifier: str, receiver: str, at: float) -> ButtonPressed:
        known = self._registry.directory.find(identifier)
        tag = "" if known is None else known.tag
        doubt = Doubt.COUNTER.value if self._tags.is_downgrade(identifier, tag) else ""
        return ButtonPressed(at=at, tag=tag, receiver=receiver, gateway=row.sender, doubt=doubt)

    def _note_clock(self, gateway: str, skew_s: float) -> None:
        """Remember, after the commit, whether a clock is off, and say when that changes."""
        off = is_off(skew_s)
        if off != self._off.get(gateway, False):
            _log.warning(
                "a gateway's clock is off; its times are corrected by the hub's. Mend its NTP"
                if off
                else "a gateway's clock is right again",
                gateway=gateway,
                skew_s=round(skew_s),
            )
        self._off[gateway] = off


def _read_items(row: Envelope) -> list[Item] | Rejected:
    """The items of a row. Reasons: those of `decode_items`, too_many, implausible, several_windows.

    What the database or the tracker could not take would come again with every repetition.
    """
    items = decode_items(row)
    if isinstance(items, Rejected):
        return items
    if len(items) > MOST_ITEMS:
        return Rejected("too_many")
    if not all(is_plausible(item) for item in items):
        return Rejected("implausible")
    if sum(isinstance(item, Window) for item in items) > 1:
        return Rejected("several_windows")
    return items
