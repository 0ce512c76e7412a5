"""One lamp in depth: its last reading whole, its faults and overrides, its past and its night."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import date
from itertools import pairwise

import msgspec

from gateway.api.lamp_shapes import (
    AvailabilityShape,
    HistoryShape,
    LampDetail,
    NowShape,
    PlanShape,
    PlanStep,
)
from gateway.api.lamp_views import event_shape, lamp_shape, override_shape
from gateway.api.lights import Lights
from gateway.lamps import QUANTITIES, LampReading
from gateway.lights.availability import availability
from gateway.lights.limits import LimitsError, limits_of
from gateway.lights.plan import Planner
from gateway.lights.times import night_of
from gateway.store import lamp_events, lamps, overrides
from gateway.store.database import Connection
from gateway.store.lamp_events import StoredEvent
from gateway.store.lamps import LampSettings
from gateway.store.light_orders import followed, light_orders

MOST_OVERRIDES = 20
MOST_EVENTS = 1_000
MOST_POINTS = 2_000
AVAILABILITY_DAYS = 30.0
_DAY_S = 86_400.0

_Point = tuple[float, float | None, float | None, float | None]


def detail(connection: Connection, lights: Lights, lamp_id: str, *, now: float) -> bytes:
    """A LampDetail as JSON."""
    state = lamps.state(connection, lamp_id)
    reading = None if state is None else state.reading
    own = lamps.settings(connection).get(lamp_id, LampSettings())
    events = lamp_events.latest(connection, lamp=lamp_id, limit=MOST_EVENTS)
    going_on = lamp_events.latest(connection, open_only=True, lamp=lamp_id, limit=MOST_EVENTS)
    said = overrides.of_lamp(connection, lamp_id, now=now, limit=MOST_OVERRIDES)
    shape = lamp_shape(
        lights.map,
        lamp_id,
        reading=reading,
        calendar=followed(connection, [lights.map.lamps[lamp_id]]).get(lamp_id, ""),
        faults=going_on,
        now=now,
    )
    return msgspec.json.encode(
        LampDetail(
            **{one.name: getattr(shape, one.name) for one in fields(shape)},
            values={name: getattr(reading, name) for name in QUANTITIES} if reading else {},
            masked=reading.masked if reading else {},
            meter_class=reading.meter_class if reading else None,
            overrides=tuple(override_shape(one) for one in said),
            events=tuple(event_shape(one) for one in events),
            availability=_availability(events, now=now),
            limits=_limits(lights, lamp_id, own),
            own_limits=own.limits,
        )
    )


def history(connection: Connection, lamp_id: str, *, since: float, until: float) -> bytes:
    """A HistoryShape as JSON."""
    found = lamps.history(connection, lamp_id, since=since, until=until)
    return msgspec.json.encode(HistoryShape(lamp_id, tuple(thinned(found, MOST_POINTS))))


def thinned(points: Sequence[_Point], most: int) -> list[_Point]:
    """At most `most` of `points`: both ends, and of each stretch between its least and its most.

    Each that is told was measured, and a lamp that went out for a minute is seen to do so.
    """
    if len(points) <= most:
        return list(points)
    inner, stretches = points[1:-1], (most - 2) // 2
    bounds = [number * len(inner) // stretches for number in range(stretches + 1)]
    kept = [points[0]]
    for start, end in pairwise(bounds):
        stretch = inner[start:end]
        ends = {stretch.index(extreme(stretch, key=_height)) for extreme in (min, max)}
        kept += (stretch[index] for index in sorted(ends))
    return [*kept, points[-1]]


def _height(point: _Point) -> float:
    """How high it lies in a plot: its power, else its level."""
    _, _, level, power_w = point
    return power_w if power_w is not None else level if level is not None else 0.0


def plan(
    connection: Connection, lights: Lights, lamp_id: str, *, night: date | None, now: float
) -> bytes:
    """A PlanShape as JSON; `night` None: the one that is now, or that comes."""
    gateway = lights.map.lamps[lamp_id].gateway
    zone = lights.settings.time_zone
    planner = Planner(
        light_orders(connection, lights.site, lights.types, gateway=gateway, time_zone=zone)
    )
    found = planner.plan(lamp_id, planner.tonight(lamp_id, now) if night is None else night)
    state = lamps.state(connection, lamp_id)
    return msgspec.json.encode(
        PlanShape(
            lamp=lamp_id,
            night=found.night,
            sunset=found.sunset,
            sunrise=found.sunrise,
            calendar=found.calendar,
            rule=found.rule,
            program=found.program,
            steps=tuple(
                PlanStep(one.at, one.until, one.level, one.authority, one.reason, one.by_sensor)
                for one in found.steps
            ),
            now=None if state is None else _now(state.reading),
        )
    )


def sun_of_tonight(lights: Lights, *, now: float) -> tuple[float | None, float | None]:
    """Sunset and sunrise of the night that is now, or that comes: from noon to noon."""
    dark = lights.sky.dark(night_of(now, lights.sky.zone))
    return (None, None) if dark is None else (dark.sunset, dark.sunrise)


def _now(reading: LampReading) -> NowShape | None:
    if reading.target_level is None:
        return None
    return NowShape(reading.at, reading.target_level, reading.authority, reading.reason)


def _availability(events: Sequence[StoredEvent], *, now: float) -> AvailabilityShape:
    since = now - AVAILABILITY_DAYS * _DAY_S
    found = availability([one.event for one in events], since=since, until=now)
    return msgspec.convert(found, AvailabilityShape, from_attributes=True)


def _limits(lights: Lights, lamp_id: str, own: LampSettings) -> dict[str, float]:
    lamp_type = lights.types.get(lights.map.lamps[lamp_id].lamp_type)
    if lamp_type is None:
        return {}
    try:
        return asdict(limits_of(lamp_type, own.limits))
    except LimitsError:  # set before the site or the limits changed: the edge does without, too
        return asdict(limits_of(lamp_type, {}))
