"""Lamps as NGSI `Streetlight` entities (Smart Data Models), key-values form. Never personal data.

https://github.com/smart-data-models/dataModel.Streetlighting
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.lamps import LampEventKind as Kind
from gateway.lamps import LampReading, gives_light
from gateway.site import Lamp

Entity = dict[str, object]

_STATUS: tuple[tuple[str, frozenset[Kind]], ...] = (
    (
        "defectiveLamp",
        frozenset(
            {
                Kind.LAMP_FAILURE,
                Kind.LAMP_POWER_TOO_LOW,
                Kind.LAMP_POWER_TOO_HIGH,
                Kind.DIMMING_FAILURE,
                Kind.POWER_FACTOR_TOO_LOW,
                Kind.LAMP_UNEXPECTED_ON,
                Kind.RELAY_FAILURE,
                Kind.CYCLING_FAILURE,
            }
        ),
    ),
    ("brokenLantern", frozenset({Kind.TEMPERATURE_TOO_HIGH, Kind.ORIENTATION_CHANGED})),
    (
        "columnIssue",
        frozenset(
            {
                Kind.IMPACT_DETECTED,
                Kind.CABINET_DOOR_OPEN,
                Kind.CIRCUIT_BREAKER_TRIPPED,
                Kind.LEAKAGE_DETECTED,
            }
        ),
    ),
)
"""NGSI's words for what is wrong; the first that fits is told. What is wrong with the mains or with
the line to the lamp is wrong with neither lamp nor pole: "ok".
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What others see of a lamp; None where it has not said it. `level` in percent."""

    lit: bool | None = None
    level: float | None = None
    on_at: float | None = None
    off_at: float | None = None
    faults: tuple[Kind, ...] = ()


def shown(
    reading: LampReading | None,
    *,
    on_at: float | None,
    off_at: float | None,
    faults: Collection[Kind],
) -> Shown:
    """What others may see of a lamp that said `reading` last (None: it never said anything)."""
    if reading is None or Kind.COMMUNICATION_FAILURE in faults:
        return Shown(on_at=on_at, off_at=off_at, faults=tuple(faults))
    level = reading.feedback_level if reading.actual_level is None else reading.actual_level
    return Shown(gives_light(reading, faults), level, on_at, off_at, tuple(faults))


def streetlight(lamp: Lamp, shown: Shown, *, site_id: str, lon: float, lat: float) -> Entity:
    """The entity of a lamp at `lon`, `lat` (degrees); what is not known of it is left out."""
    entity: Entity = {
        "id": f"urn:ngsi-ld:Streetlight:{site_id}:{lamp.id}",
        "type": "Streetlight",
        "location": {"type": "Point", "coordinates": [round(lon, 7), round(lat, 7)]},
        "status": _status(shown.faults),
        "controllingMethod": "individual",
    }
    if lamp.pole:
        entity["streetPoleNum"] = lamp.pole
    if lamp.groups:
        entity["refStreetlightGroup"] = f"urn:ngsi-ld:StreetlightGroup:{site_id}:{lamp.groups[0]}"
    if shown.lit is not None:
        entity["powerState"] = "on" if shown.lit else "off"
    if shown.level is not None:
        entity["illuminanceLevel"] = round(shown.level) / 100
    for name, at in (
        ("dateLastSwitchingOn", shown.on_at),
        ("dateLastSwitchingOff", shown.off_at),
    ):
        if at is not None:
            entity[name] = _date_time(at)
    return entity


def _status(faults: Collection[Kind]) -> str:
    for status, kinds in _STATUS:
        if kinds.intersection(faults):
            return status
    return "ok"


def _date_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
