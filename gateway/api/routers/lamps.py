"""Lamps: how they are, what they did, what they will do tonight and why; for staff, technicians."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Path, Query, Response, status

from gateway.api import lamp_details, lamp_settings
from gateway.api.answers import Json, told
from gateway.api.callers import StaffOrTechnician
from gateway.api.lamp_commands import CommandError
from gateway.api.lamp_givers import giver_of
from gateway.api.lamp_shapes import (
    ActShape,
    HistoryShape,
    LampDetail,
    LampsShape,
    PlanShape,
)
from gateway.api.lamp_views import lamp_shapes
from gateway.api.lamp_wishes import Night, SettingsWish
from gateway.api.parts import Parts, PartsOf
from gateway.model import Audience
from gateway.store import lamp_audit
from gateway.store.database import Connection

router = APIRouter(prefix="/lamps", tags=["lamps"])

UNKNOWN = "There is no such lamp."
_DAY_S = 86_400.0

LampId = Annotated[str, Path(max_length=64)]
Time = Annotated[float | None, Query(ge=0, le=2.0**40, allow_inf_nan=False)]


@router.get("", responses=told(LampsShape))
async def all_lamps(
    _: StaffOrTechnician,
    parts: PartsOf,
    group: Annotated[str, Query(max_length=64)] = "",
    faulty: bool | None = None,
) -> Response:
    """Every lamp as its last reading told it; of a `group`, only `faulty` ones or only sound ones.

    A group that no lamp has is an empty answer.
    """
    return Json(await parts.database.read(_lamps, parts, group, faulty))


@router.get("/audit", responses=told(list[ActShape]))
async def audit(
    _: StaffOrTechnician,
    parts: PartsOf,
    since: Time = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> Response:
    """Every command that somebody gave, newest first."""
    found = await parts.database.read(lamp_audit.latest, since=since or 0.0, limit=limit)
    return Json(msgspec.convert(found, list[ActShape], from_attributes=True))


@router.get("/{lamp}", responses=told(LampDetail))
async def one_lamp(lamp: LampId, _: StaffOrTechnician, parts: PartsOf) -> Response:
    """One lamp with everything that is known of it."""
    _known(parts, lamp)
    now = parts.clock.utc()
    return Json(await parts.database.read(lamp_details.detail, parts.lights, lamp, now=now))


@router.get("/{lamp}/history", responses=told(HistoryShape))
async def history(
    lamp: LampId, _: StaffOrTechnician, parts: PartsOf, since: Time = None, until: Time = None
) -> Response:
    """Level and power over time. Without `until` up to now, without `since` the day before it."""
    _known(parts, lamp)
    last = parts.clock.utc() if until is None else until
    first = last - _DAY_S if since is None else since
    return Json(await parts.database.read(lamp_details.history, lamp, since=first, until=last))


@router.get("/{lamp}/plan", responses=told(PlanShape))
async def plan(
    lamp: LampId, _: StaffOrTechnician, parts: PartsOf, night: Night | None = None
) -> Response:
    """What its program does in the night that begins on that day (this one), and why."""
    _known(parts, lamp)
    if not parts.lights.map.lamps[lamp].gateway:
        raise HTTPException(status.HTTP_409_CONFLICT, "No gateway drives this lamp.")
    now = parts.clock.utc()
    return Json(
        await parts.database.read(lamp_details.plan, parts.lights, lamp, night=night, now=now)
    )


@router.put("/{lamp}/settings", responses=told(LampDetail))
async def change_settings(
    lamp: LampId, wish: SettingsWish, caller: StaffOrTechnician, parts: PartsOf
) -> Response:
    """Its own limits for faults, and its calendar (which is staff's to give)."""
    _known(parts, lamp)
    if wish.calendar is not None and caller.user.audience is not Audience.STAFF:
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Staff says which calendar a lamp has.")
    now = parts.clock.utc()
    try:
        await parts.database.write(
            lamp_settings.change, parts.lights, lamp, wish, giver_of(caller.user), now=now
        )
    except CommandError as error:
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, str(error)) from error
    parts.lights.changed()
    return Json(await parts.database.read(lamp_details.detail, parts.lights, lamp, now=now))


def _known(parts: Parts, lamp: str) -> None:
    if lamp not in parts.lights.map.lamps:
        raise HTTPException(status.HTTP_404_NOT_FOUND, UNKNOWN)


# --- in a reader's thread -------------------------------------------------------------------------


def _lamps(connection: Connection, parts: Parts, group: str, faulty: bool | None) -> bytes:
    lights, now = parts.lights, parts.clock.utc()
    wanted = lights.map.groups.get(group, ()) if group else tuple(lights.map.lamps)
    shapes = lamp_shapes(connection, lights.map, wanted, now=now)
    found = tuple(one for one in shapes if faulty is None or bool(one.faults) == faulty)
    sunset, sunrise = lamp_details.sun_of_tonight(lights, now=now)
    return msgspec.json.encode(LampsShape(now, sunset, sunrise, tuple(lights.map.groups), found))
