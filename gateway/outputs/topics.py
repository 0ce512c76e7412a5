"""What the hub publishes for integrators: events without persons, lamps, positions by consent.

Pure: each function says what to publish; the hub's publisher does it. Payloads are JSON.
"""

from collections.abc import Collection
from typing import NamedTuple, Protocol
from urllib.parse import quote

import msgspec

from gateway.model import Alert, Position
from gateway.outputs.ngsi import Entity

_VERSION = 1


class Publication(NamedTuple):
    """One MQTT message to send."""

    topic: str
    payload: bytes
    retain: bool


class IntegratorTopics(Protocol):
    """Where the site's topics for integrators are; each name is one level of its topic."""

    def alert(self, alert: str) -> str:
        """The topic of one alert."""

    def lamp_state(self, lamp: str) -> str:
        """The topic of one lamp's state."""

    def tag_position(self, tag: str) -> str:
        """The topic of one tag's positions."""


def alert_publication(alert: Alert, *, topics: IntegratorTopics) -> Publication:
    """An alert's kind, state, zone and times; never whom it is about.

    The receiver is left out too: beside a time it tells where somebody was to whoever knows who
    pressed. A gateway is named only where the alert is about the gateway itself.
    """
    body: dict[str, str | int | float] = {
        "v": _VERSION,
        "alert": alert.id,
        "kind": alert.kind,
        "state": alert.state,
        "zone": alert.zone,
        "at": alert.at,
        "raised_at": alert.raised_at,
    }
    if alert.gateway and not alert.tag:
        body["gateway"] = alert.gateway
    return Publication(topics.alert(_level(alert.id)), msgspec.json.encode(body), retain=False)


def lamp_publication(lamp: str, entity: Entity, *, topics: IntegratorTopics) -> Publication:
    """A lamp as an NGSI entity. Retained: whoever comes later sees how it stands."""
    return Publication(topics.lamp_state(_level(lamp)), msgspec.json.encode(entity), retain=True)


def position_publication(
    position: Position, *, topics: IntegratorTopics, opted_in: Collection[str]
) -> Publication | None:
    """Where a tag is, if its consent is in `opted_in`; else None.

    Never retained: a broker that keeps a last position would show it to whoever subscribes later,
    also after the consent was withdrawn.
    """
    if position.tag not in opted_in:
        return None
    body = {
        "v": _VERSION,
        "at": position.at,
        "lon": position.lon,
        "lat": position.lat,
        "radius68_m": position.radius68_m,
        "radius95_m": position.radius95_m,
        "presence": position.presence,
    }
    return Publication(
        topics.tag_position(_level(position.tag)), msgspec.json.encode(body), retain=False
    )


def _level(name: str) -> str:
    # "/", "+" and "#" have a meaning in a topic; a name is one level, whatever it holds.
    return quote(name, safe="")
