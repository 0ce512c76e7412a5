"""How what the hub knows of lamps is told; plain functions on a reader's connection."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from gateway.api.lamp_map import LampMap
from gateway.api.lamp_shapes import (
    LampEventShape,
    LampShape,
    LampState,
    OutcomeShape,
    OverrideShape,
    WorkShape,
)
from gateway.lamps import LampEventKind, LampReading, OutcomeState, gives_light
from gateway.store import lamp_events, lamps
from gateway.store.database import Connection
from gateway.store.lamp_events import StoredEvent, WorkState
from gateway.store.light_orders import followed
from gateway.store.overrides import StoredOverride

STALE_S = 180.0  # a lamp tells a reading a minute, and at once what changes
MOST_OPEN_EVENTS = 20_000

_STATES: Mapping[bool | None, LampState] = {True: "on", False: "off", None: "unknown"}


def lamp_shapes(
    connection: Connection, known: LampMap, wanted: Iterable[str], *, now: float
) -> Iterator[LampShape]:
    """The lamps of these ids, in their order."""
    states, calendars = lamps.states(connection), followed(connection, known.lamps.values())
    faults = open_faults(connection)
    for lamp_id in wanted:
        state = states.get(lamp_id)
        yield lamp_shape(
            known,
            lamp_id,
            reading=None if state is None else state.reading,
            calendar=calendars.get(lamp_id, ""),
            faults=faults.get(lamp_id, ()),
            now=now,
        )


def lamp_shape(
    known: LampMap,
    lamp_id: str,
    *,
    reading: LampReading | None,
    calendar: str,
    faults: Sequence[StoredEvent],
    now: float,
) -> LampShape:
    """One lamp; `faults` are those of it that go on."""
    lamp = known.lamps[lamp_id]
    lon, lat = known.places[lamp_id]
    last = reading or LampReading(at=0.0, lamp=lamp_id)
    return LampShape(
        lamp=lamp.id,
        lon=lon,
        lat=lat,
        pole=lamp.pole,
        gateway=lamp.gateway,
        bus=lamp.bus,
        unit=lamp.unit,
        profile=lamp.profile,
        lamp_type=lamp.lamp_type,
        groups=lamp.groups,
        calendar=calendar,
        state=_state(reading, {stored.event.kind for stored in faults}, now),
        at=last.at if reading else None,
        target_level=last.target_level,
        feedback_level=last.feedback_level,
        actual_level=last.actual_level,
        active_power_w=last.active_power_w,
        authority=last.authority if reading else None,
        reason=last.reason,
        faults=tuple(dict.fromkeys(stored.event.kind for stored in faults)),
        work=_work(faults),
    )


def open_faults(connection: Connection) -> dict[str, list[StoredEvent]]:
    """The faults that go on, by lamp."""
    found: dict[str, list[StoredEvent]] = defaultdict(list)
    for stored in lamp_events.latest(connection, open_only=True, limit=MOST_OPEN_EVENTS):
        found[stored.event.lamp].append(stored)
    return found


def override_shape(stored: StoredOverride) -> OverrideShape:
    """An override, and what became of it at each lamp."""
    said = stored.override
    return OverrideShape(
        id=said.id,
        lamps=said.lamps,
        level=said.level,
        authority=said.authority,
        scene=said.scene,
        blink=said.blink,
        reason=stored.reason,
        by=stored.by,
        made_at=said.made_at,
        start=said.start,
        expiration=said.expiration,
        ended_at=stored.ended_at,
        outcomes=tuple(
            OutcomeShape(
                one.lamp, one.state, one.why, None if one.state is OutcomeState.WAITING else one.at
            )
            for one in stored.outcomes
        ),
    )


def event_shape(stored: StoredEvent) -> LampEventShape:
    """A fault and the work on it."""
    event = stored.event
    return LampEventShape(
        id=stored.id,
        lamp=event.lamp,
        kind=event.kind,
        start=event.start,
        end=event.end,
        evidence=event.evidence,
        work=msgspec.convert(stored.work, WorkShape, from_attributes=True),
        history=msgspec.convert(stored.history, tuple[WorkShape, ...], from_attributes=True),
    )


def _state(reading: LampReading | None, faults: Collection[LampEventKind], now: float) -> LampState:
    """What a lamp says of itself, where no fault shows that it is not so."""
    if reading is None or now - reading.at > STALE_S:
        return "unknown"
    return _STATES[gives_light(reading, faults)]


def _work(faults: Iterable[StoredEvent]) -> Literal["open", "assigned", ""]:
    states = {stored.work.state for stored in faults}
    if WorkState.ASSIGNED in states:
        return "assigned"
    return "open" if WorkState.OPEN in states else ""
