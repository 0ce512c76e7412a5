"""Happenings become alerts in the database and rows for the sink; then everybody is told."""

import secrets
from collections.abc import Iterable, Sequence

from gateway.alerts.happenings import (
    ButtonPressed,
    Context,
    CrossingRetracted,
    Happening,
    ReceiversJudged,
    ReceiverTold,
    SinkLag,
    StoreDamaged,
    TagSuspected,
)
from gateway.alerts.rules import judge, receiver_fault, receiver_told
from gateway.lamps import LampEvent, LampReading
from gateway.link.envelope import Kind, encode_items
from gateway.model import Alert, AlertKind, AlertState, Lane, Position, ZoneEvent
from gateway.store import alerts, outgoing
from gateway.store.alerts import Change
from gateway.store.database import Connection
from gateway.store.outgoing import Queue

MOST_IN_A_ROW = (
    1_000  # positions or readings: some 250 kB, far from what a receiver takes for too long
)

LONGEST_ROW = 1_000_000  # bytes, of lamps: edges may have said more than anybody expects

# What is told of devices: few at a time. Of tags and receivers only those asked for are read, for a
# town's tags may all be doubted at once.
_OF_GATEWAYS = (AlertKind.CLOCK_OFF, AlertKind.TWIN_GATEWAY)
_JUDGED, _TOLD = tuple(receiver_fault.KINDS), tuple(receiver_told.KINDS.values())


def record_happenings(
    connection: Connection, happenings: Iterable[Happening], *, now: float, out: Queue
) -> list[Alert]:
    """Ask the rules, store what they say, and queue it for the sink, all in this transaction.

    Returns the alerts that are new or changed; what a rule says twice is stored once.
    """
    told: list[Alert] = []
    for happening in happenings:
        context = Context(now, tuple(_open_alerts(connection, happening)), _new_id)
        told += [alert for alert in judge(happening, context) if _store(connection, alert, now)]
    queue_alerts(connection, told, now=now, out=out)
    return told


def queue_alerts(connection: Connection, told: Sequence[Alert], *, now: float, out: Queue) -> None:
    """Put alerts on their way to the sink."""
    if told:
        outgoing.append(
            connection, out, lane=Lane.URGENT, kind=Kind.ALERTS, items=encode_items(told), at=now
        )


def queue_positions(
    connection: Connection, found: Sequence[Position], *, now: float, out: Queue
) -> None:
    """Put positions on their way to the sink.

    All on one lane: what amends history must not overtake what it amends.
    """
    for begin in range(0, len(found), MOST_IN_A_ROW):
        items = encode_items(found[begin : begin + MOST_IN_A_ROW])
        outgoing.append(connection, out, lane=Lane.LIVE, kind=Kind.POSITIONS, items=items, at=now)


def queue_lamps(
    connection: Connection,
    readings: Sequence[LampReading],
    events: Sequence[LampEvent],
    *,
    now: float,
    out: Queue,
) -> None:
    """Put what lamps said, and their faults, on their way to the sink."""
    for begin in range(0, len(readings), MOST_IN_A_ROW):
        some = readings[begin : begin + MOST_IN_A_ROW]
        _queue_some(connection, some, Lane.LIVE, Kind.LAMP_READINGS, now=now, out=out)
    if events:
        _queue_some(connection, events, Lane.URGENT, Kind.LAMP_EVENTS, now=now, out=out)


def _queue_some(
    connection: Connection,
    items: Sequence[LampReading] | Sequence[LampEvent],
    lane: Lane,
    kind: Kind,
    *,
    now: float,
    out: Queue,
) -> None:
    """In one row, or in more: one that the sink takes for too long would be sent for ever."""
    encoded = encode_items(items)
    if len(encoded) <= LONGEST_ROW or len(items) == 1:
        outgoing.append(connection, out, lane=lane, kind=kind, items=encoded, at=now)
        return
    middle = len(items) // 2
    for part in (items[:middle], items[middle:]):
        _queue_some(connection, part, lane, kind, now=now, out=out)


def _open_alerts(connection: Connection, happening: Happening) -> Sequence[Alert]:
    """Those that `happening` may join or end."""
    match happening:
        case ZoneEvent():
            return ()
        case CrossingRetracted(event=event):
            return alerts.unended_of(connection, event.tag, at=event.at)
        case ButtonPressed(tag=""):
            return alerts.unended(connection, [AlertKind.SOS], receiver=happening.receiver)
        case ButtonPressed(tag=tag):
            return alerts.unended(connection, [AlertKind.SOS], tag=tag)
        case TagSuspected(suspicion=suspicion):
            return alerts.unended(connection, [AlertKind.TAG_SUSPECT], tag=suspicion.tag)
        case ReceiverTold(event=event):
            return alerts.unended(connection, _TOLD, receiver=event.receiver)
        case SinkLag():
            return alerts.unended(connection, [AlertKind.SINK_BEHIND])
        case StoreDamaged():
            return alerts.unended(connection, [AlertKind.STORE_DAMAGED])
        case ReceiversJudged():
            return alerts.unended(connection, _JUDGED)
    return alerts.unended(connection, _OF_GATEWAYS)


def _new_id() -> str:
    return f"a-{secrets.token_hex(10)}"


def _store(connection: Connection, alert: Alert, now: float) -> bool:
    if alert.state is AlertState.RAISED:
        return alerts.add(connection, alert)
    return alerts.change(connection, alert.id, Change(alert.state, now, "")) is not None
