"""The plan of the site and the hub's time."""

from fastapi import APIRouter, Response

from gateway.api.answers import GeoJson, Json, told
from gateway.api.callers import Caller
from gateway.api.parts import PartsOf
from gateway.api.shapes import Now

router = APIRouter(tags=["site"])


@router.get("/site")
async def plan(_: Caller, parts: PartsOf) -> Response:
    """The site's plan as GeoJSON (WGS84)."""
    return GeoJson(parts.plan)


@router.get("/time", responses=told(Now))
async def time(_: Caller, parts: PartsOf) -> Response:
    """The hub's time, which is that of everything it says."""
    return Json(Now(parts.clock.utc()))
