"""Five lamps along a street, 30 m apart: four are driven."""

import json
from typing import Any

import msgspec
from sqlalchemy import insert

from gateway.lamps import (
    Authority,
    LampEvent,
    LampEventKind,
    LampReading,
    LampType,
    Override,
)
from gateway.site import Lamp, Site
from gateway.store import lamp_events, light_documents, overrides
from gateway.store.database import Connection
from gateway.store.lamp_schema import lamp_readings, lamp_states
from gateway.store.light_documents import DocumentKind
from tests.unit.geojson_pieces import feature, point

NOW = 1_800_000_000.0
PLAN = b'{"type":"FeatureCollection","features":[]}'


def lamp(number: int, **known: Any) -> dict[str, Any]:
    """A lamp that gw-01 drives."""
    whole = {
        "pole": f"p-{number}",
        "gateway": "gw-01",
        "bus": "bus-1",
        "unit": number,
        "profile": "generic",
        "lamp_type": "led-40",
        "groups": ["north" if number < 3 else "south"],
    }
    return feature(
        "lamp", point((30.0 * (number - 1), 2.0)), id=f"l-{number}", **{**whole, **known}
    )


LAMPS = (*(lamp(number) for number in range(1, 5)), lamp(5, gateway="", bus="", unit=0))


PROGRAM = {
    "id": "evening",
    "name": "Evening",
    "activePeriods": [{"type": "astronomical"}],
    "fixedTimeControls": [{"time": "12:00", "level": 100}, {"time": "22:00", "level": 50}],
}
SPARE = {**PROGRAM, "id": "spare"}
STREET = {"id": "street", "defaultProgram": "evening"}
SPARE_CALENDAR = {"id": "spare", "defaultProgram": "evening"}
TYPES = {"led-40": LampType("led-40", ((0.0, 0.4), (100.0, 40.0)))}
FAULT = LampEvent("l-2", LampEventKind.LAMP_FAILURE, NOW - 7_200.0, {"active_power_w": 0.0})


def site(lamps: int = 4, *, asleep: int = 1) -> Site:
    """A town of lamps 30 m apart, l-1 and l-2 north, the others south; the last are not driven."""
    here = (10_000.0, 20_000.0)
    return Site(
        "town",
        "EPSG:6677",
        *((),) * 5,
        tuple(
            Lamp(
                f"l-{number}",
                (here[0] + 30.0 * (number - 1), here[1]),
                f"p-{number}",
                "gw-01" if number <= lamps else "",
                "bus-1" if number <= lamps else "",
                number if number <= lamps else 0,
                "generic",
                "led-40",
                ("north" if number < 3 else "south",),
            )
            for number in range(1, lamps + asleep + 1)
        ),
        (),
        (),
        PLAN,
    )


def reading(lamp: str = "l-1", at: float = NOW - 20.0, **known: Any) -> LampReading:
    """A lamp at half its light."""
    whole = {
        "authority": Authority.PROGRAM,
        "reason": "evening: 22:00 → 50 %",
        "target_level": 50.0,
        "feedback_level": 50.0,
        "actual_level": 50.0,
        "active_power_w": 20.5,
        "meter_class": 1.0,
    }
    return LampReading(at=at, lamp=lamp, **{**whole, **known})


def tell(connection: Connection, told: LampReading, *, number: int = 1) -> None:
    """The hub has heard that; `number` is the lamp's in the readings."""
    row = {
        "no": number,
        "lamp": told.lamp,
        "at": told.at,
        "reading": msgspec.json.encode(told),
        "meter": b"{}",
    }
    connection.execute(insert(lamp_states).prefix_with("OR REPLACE").values(row))
    levels = {
        name: getattr(told, name) for name in ("target_level", "actual_level", "active_power_w")
    }
    connection.execute(insert(lamp_readings).values(lamp_no=number, at=told.at, **levels))


def settle_lamps(connection: Connection) -> None:
    """Two programs, two calendars, one fault that goes on; l-2's override was just made."""
    for kind, documents in (
        (DocumentKind.PROGRAM, (PROGRAM, SPARE)),
        (DocumentKind.CALENDAR, (STREET, SPARE_CALENDAR)),
    ):
        for document in documents:
            body = json.dumps(document).encode()
            light_documents.put(
                connection, kind, str(document["id"]), body, at=NOW - 86_400.0, by="suzuki"
            )
    tell(connection, reading())
    lamp_events.record(connection, [FAULT], at=NOW - 7_200.0)
    said = Override("o-1", ("l-2",), 80.0, Authority.STAFF, NOW - 1.0, NOW - 1.0, NOW + 600.0)
    overrides.add(connection, said, reason="party", by="suzuki")
