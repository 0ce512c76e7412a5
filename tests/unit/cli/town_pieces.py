"""A street of 120 m with a receiver every 30 m: a town without faults."""

from typing import Any

from tests.unit.geojson_pieces import feature, line, point

STREET = feature("path", line((0, 0), (30, 0), (60, 0), (90, 0), (120, 0)), id="street")


def receiver(number: int, at: tuple[float, float], **known: Any) -> dict[str, Any]:
    """A whole remote receiver."""
    whole = {"height_m": 4.5, "gateway": "gw-01", "format": "openmqttgateway"}
    topic = f"home/OMG_{number}"
    return feature("receiver", point(at), id=f"r-{number}", **{**whole, "topic": topic, **known})


RECEIVERS = tuple(receiver(number, (30.0 * number, 4)) for number in range(5))
TOWN = (STREET, *RECEIVERS)
