"""The report of a morning: what the night saw, also what hides by day."""

from datetime import date, timedelta

import msgspec

from gateway.api.lights import Lights
from gateway.lights.morning import morning_report
from gateway.lights.times import night_bounds, night_of
from gateway.store import lamp_energy, lamp_events, lamps
from gateway.store.database import Connection


def report(connection: Connection, lights: Lights, night: date, *, now: float) -> bytes:
    """A MorningReport as JSON.

    Readings are forgotten long before a night's energy is: either shows that a lamp was heard.
    """
    since, until = bounds(lights, night)
    events = lamp_events.overlapping(connection, since=since, until=min(until, now))
    heard = lamps.heard(connection, since=since, until=until)
    heard |= {one.lamp for one in lamp_energy.between(connection, since=night, until=night)}
    return msgspec.json.encode(
        morning_report(
            night,
            since=since,
            until=until,
            lamps=lights.map.driven,
            events=events,
            heard=heard,
        )
    )


def last_night(lights: Lights, *, now: float) -> date:
    """The last night that has begun: the one that is now, too."""
    night = night_of(now, lights.sky.zone)
    begins, _ = bounds(lights, night)
    return night if begins <= now else night - timedelta(days=1)


def bounds(lights: Lights, night: date) -> tuple[float, float]:
    """Its darkness; where the sun does not set, from noon to noon."""
    dark = lights.sky.dark(night)
    if dark is None:
        return night_bounds(night, lights.sky.zone)
    return dark.begins, dark.ends
