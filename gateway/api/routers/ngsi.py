"""Lamps by the words of others: NGSI `Streetlight` entities, as the topics tell them."""

from typing import Any

import msgspec
from fastapi import APIRouter, Response

from gateway.api.answers import Json, told
from gateway.api.callers import StaffOrTechnician
from gateway.api.lamp_views import STALE_S
from gateway.api.lights import Lights
from gateway.api.parts import PartsOf
from gateway.outputs.ngsi import shown, streetlight
from gateway.store import lamp_events, lamps
from gateway.store.database import Connection

router = APIRouter(prefix="/ngsi", tags=["lamps"])


@router.get("/streetlights", responses=told(list[dict[str, Any]]))
async def streetlights(_: StaffOrTechnician, parts: PartsOf) -> Response:
    """Every lamp as an entity in key-values form; what it never said is left out."""
    return Json(await parts.database.read(_entities, parts.lights, now=parts.clock.utc()))


# --- in a reader's thread -------------------------------------------------------------------------


def _entities(connection: Connection, lights: Lights, *, now: float) -> bytes:
    states, faults = lamps.states(connection), lamp_events.open_kinds(connection)
    entities = []
    for lamp in lights.map.lamps.values():
        state = states.get(lamp.id)
        told = shown(
            state.reading if state and now - state.reading.at <= STALE_S else None,
            on_at=state.on_at if state else None,
            off_at=state.off_at if state else None,
            faults=faults.get(lamp.id, ()),
        )
        lon, lat = lights.map.places[lamp.id]
        entities.append(streetlight(lamp, told, site_id=lights.site_id, lon=lon, lat=lat))
    return msgspec.json.encode(entities)
