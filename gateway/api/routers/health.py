"""Whether the hub works: for a supervisor, without a login, and so without details."""

from fastapi import APIRouter, Response, status

from gateway.api.answers import Json, told
from gateway.api.parts import Parts, PartsOf
from gateway.api.shapes import Health
from gateway.store.database import StoreError
from gateway.store.sightings import next_second

router = APIRouter(tags=["health"])


@router.get("/health", responses=told(Health))
async def health(parts: PartsOf) -> Response:
    """200 where the hub works, 503 where it does not."""
    why = await _trouble(parts)
    if why:
        return Json(Health(ok=False, why=why), status.HTTP_503_SERVICE_UNAVAILABLE)
    return Json(Health(ok=True))


async def _trouble(parts: Parts) -> str:
    try:
        await parts.database.read(next_second, 0, 0)
    except StoreError:
        return "database"
    return parts.trouble()
