"""Positions, alerts, lamps, gateways and receivers as InfluxDB line protocol, in milliseconds.

A point is its measurement, its tags and its time: writing it again changes nothing. So a point's
tags must tell apart whatever may happen in one millisecond, and nothing in a line may depend on
when or how often it is written. Only what a tag column holds can be deleted by name later, so the
pseudonym is one in both measurements.

https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
"""

import math
import re
from functools import lru_cache
from typing import Any

import msgspec

from gateway.lamps import QUANTITIES, LampEvent, LampReading
from gateway.model import Alert, GatewayHealth, Position, ReceiverHealth, Rejected

PRECISION = "ms"
LIKELY_ZONE = 0.5  # below, naming one zone would say more than is known

_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TAG_ESCAPES = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_TEXT_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})
_NUMBERS = msgspec.json.Encoder()
_UNWRITABLE_TEXT = Rejected("unwritable_text")
_UNWRITABLE_NUMBER = Rejected("unwritable_number")


def timestamp_ms(at: float) -> int:
    """The time that a point of `at` carries.

    Compare a database with InfluxDB by `timestamp_ms` of the stored float, never by the float:
    whole milliseconds are all that InfluxDB is given.
    """
    return round(at * 1000)


def position_line(position: Position, *, site: str) -> str | Rejected:
    """One point of measurement `position`; floats survive to the last bit.

    Thousands are made in a second: names that come again and again are escaped once.
    """
    at_ms = position.at * 1000
    numbers = (
        float(position.lon),
        float(position.lat),
        float(position.radius68_m),
        float(position.radius95_m),
        float(position.path_probability),
    )
    if not math.isfinite(at_ms + sum(numbers)):
        return _UNWRITABLE_NUMBER
    series, path = _position_series(site, position.tag), _known_text(position.path)
    zone = _known_text(_likely_zone(position))
    if series is None or path is None or zone is None:
        return _UNWRITABLE_TEXT
    # As exact as repr, in a third of its time.
    lon, lat, radius68, radius95, probability = _NUMBERS.encode(numbers)[1:-1].decode().split(",")
    return (
        f"{series} lon={lon},lat={lat},radius68_m={radius68},radius95_m={radius95},"
        f'n_heard={position.n_heard}i,presence="{position.presence}",zone={zone},'
        f"path={path},path_probability={probability} {round(at_ms)}"
    )


def alert_line(alert: Alert, *, site: str) -> str | Rejected:
    """One point of measurement `alert`: one state of one alert, at the time when it happened.

    The state and everything that the alert is about are tags, so each change of state is a point
    of its own and alerts of one millisecond stand side by side. The id is a field: as a tag, each
    alert would open a series that InfluxDB keeps in memory for ever.
    """
    if not _finite(alert.at * 1000, alert.raised_at):
        return _UNWRITABLE_NUMBER
    if not _writable(alert.id, alert.tag, alert.zone, alert.gateway, alert.receiver):
        return _UNWRITABLE_TEXT
    tags = _tags(
        gateway=alert.gateway,
        kind=alert.kind,
        receiver=alert.receiver,
        site=site,
        state=alert.state,
        tag=alert.tag,
        zone=alert.zone,
    )
    return (
        f"alert{tags} id={_text(alert.id)},raised_at={float(alert.raised_at)!r} "
        f"{timestamp_ms(alert.at)}"
    )


def lamp_line(reading: LampReading, *, site: str) -> str | Rejected:
    """One point of measurement `lamp`: a lamp at a time, with what it said; nothing it did not."""
    known = [
        (name, value)
        for name in ("target_level", *QUANTITIES, "meter_class")
        if (value := getattr(reading, name)) is not None
    ]
    if not _finite(reading.at * 1000, *(value for _, value in known)):
        return _UNWRITABLE_NUMBER
    if not _writable(reading.lamp):
        return _UNWRITABLE_TEXT
    fields = "".join(f",{name}={_value(value)}" for name, value in known)
    return (
        f"lamp{_tags(lamp=reading.lamp, site=site)} authority={_text(reading.authority)}{fields} "
        f"{timestamp_ms(reading.at)}"
    )


def lamp_event_line(event: LampEvent, *, site: str) -> str | Rejected:
    """One point of measurement `lamp_event`: a fault's start, or its end, at its time.

    The end carries the start too, so that a fault's length can be read from one point.
    """
    is_over = event.end is not None
    at = event.start if event.end is None else event.end
    if not _finite(at * 1000, event.start, *event.evidence.values()):
        return _UNWRITABLE_NUMBER
    if not (_writable(event.lamp) and all(map(_FIELD.fullmatch, event.evidence))):
        return _UNWRITABLE_TEXT
    tags = _tags(kind=event.kind, lamp=event.lamp, site=site, state="end" if is_over else "start")
    evidence = "".join(f",{name}={float(value)!r}" for name, value in event.evidence.items())
    return f"lamp_event{tags} start={float(event.start)!r}{evidence} {timestamp_ms(at)}"


@lru_cache(maxsize=4_096)
def _position_series(site: str, tag: str) -> str | None:
    return f"position{_tags(site=site, tag=tag)}" if _writable(tag) else None


@lru_cache(maxsize=4_096)
def _known_text(value: str) -> str | None:
    return _text(value) if _writable(value) else None


def _value(value: float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(float(value))


def gateway_line(health: GatewayHealth, *, site: str) -> str | Rejected:
    """One point of measurement `gateway`: how it stood at a minute; nothing that is not known."""
    numbers = _known(health, "said_s", "skew_s", "outbox_oldest_s")
    counts = _known(health, "outbox_rows", "sightings", "rows_sent", "connections_lost")
    if not _finite(health.at * 1000, *numbers.values()):
        return _UNWRITABLE_NUMBER
    if not _writable(health.gateway, health.version):
        return _UNWRITABLE_TEXT
    fields = [f"online={_value(health.online)}"]
    if health.version:
        fields.append(f"version={_text(health.version)}")
    if health.synced is not None:
        fields.append(f"synced={_value(health.synced)}")
    fields += [f"{name}={_value(value)}" for name, value in numbers.items()]
    fields += [f"{name}={value:d}i" for name, value in counts.items()]
    tags = _tags(gateway=health.gateway, site=site)
    return f"gateway{tags} {','.join(fields)} {timestamp_ms(health.at)}"


def receiver_line(health: ReceiverHealth, *, site: str) -> str | Rejected:
    """One point of measurement `receiver`: how it stood at a minute; of nobody whom it heard."""
    numbers = _known(health, "adverts_per_s", "silent_s")
    if not _finite(health.at * 1000, *numbers.values()):
        return _UNWRITABLE_NUMBER
    if not _writable(health.gateway, health.receiver, health.state):
        return _UNWRITABLE_TEXT
    fields = [f"state={_text(health.state)}"]
    fields += [f"{name}={_value(value)}" for name, value in numbers.items()]
    if health.restarts is not None:
        fields.append(f"restarts={health.restarts:d}i")
    tags = _tags(gateway=health.gateway, receiver=health.receiver, site=site)
    return f"receiver{tags} {','.join(fields)} {timestamp_ms(health.at)}"


def _known(health: GatewayHealth | ReceiverHealth, *names: str) -> dict[str, Any]:
    values = ((name, getattr(health, name)) for name in names)
    return {name: value for name, value in values if value is not None}


def _likely_zone(position: Position) -> str:
    if position.zones and position.zones[0][1] >= LIKELY_ZONE:
        return position.zones[0][0]
    return ""


def _tags(**values: str) -> str:
    # An empty tag value is a parse error: InfluxDB knows only an absent one.
    return "".join(
        f",{key}={value.translate(_TAG_ESCAPES)}" for key, value in values.items() if value
    )


def _text(value: str) -> str:
    return f'"{value.translate(_TEXT_ESCAPES)}"'


def _writable(*values: str) -> bool:
    # A tag value cannot hold a line break, and one that ends in a backslash escapes the delimiter
    # behind it; neither has a spelling in line protocol.
    return all((value.isprintable() or not value) and not value.endswith("\\") for value in values)


def _finite(*values: float) -> bool:
    return all(math.isfinite(value) for value in values)
