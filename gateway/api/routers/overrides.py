"""Overrides: what staff and technicians say over the programs, with an end; and what came of it."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Path, Query, Response, status

from gateway.api.answers import Json, told
from gateway.api.callers import StaffOrTechnician
from gateway.api.lamp_commands import HeldError, Order, OverError, take_back
from gateway.api.lamp_givers import given, giver_of
from gateway.api.lamp_map import ChoiceError
from gateway.api.lamp_shapes import OverrideShape
from gateway.api.lamp_views import override_shape
from gateway.api.lamp_wishes import LONGEST_OVERRIDE_S, OverrideWish
from gateway.api.parts import PartsOf
from gateway.store import overrides
from gateway.store.database import Connection

router = APIRouter(prefix="/overrides", tags=["overrides"])

UNKNOWN = "There is no such override."
OverrideId = Annotated[str, Path(max_length=64)]


@router.post("", status_code=201, responses={201: {"model": OverrideShape}})
async def make(wish: OverrideWish, caller: StaffOrTechnician, parts: PartsOf) -> Response:
    """Say what lamps are to do, until when. Groups mean the lamps that are in them now.

    A technician's word goes over staff's. Ask again for the outcomes: each lamp is done or failed
    3 s later.
    """
    now = parts.clock.utc()
    expiration = wish.end(now)
    if expiration > now + LONGEST_OVERRIDE_S:
        detail = "An override lasts a week at most. For longer, give the lamps a calendar."
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, detail)
    try:
        lamps = parts.lights.map.choose(lamps=wish.lamps, groups=wish.groups, everyone=wish.all)
    except ChoiceError as error:
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, str(error)) from error
    order = Order(
        lamps,
        wish.level,
        expiration,
        reason=wish.reason,
        blink=wish.blink,
        ramp_to_level_s=wish.ramp_to_level_s,
    )
    return await given(parts, order, giver_of(caller.user), now=now)


@router.get("", responses=told(list[OverrideShape]))
async def latest(
    _: StaffOrTechnician,
    parts: PartsOf,
    *,
    open_only: Annotated[bool, Query(alias="open")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Overrides, newest first; with `open` those that hold."""
    now = parts.clock.utc()

    def told_overrides(connection: Connection) -> bytes:
        found = overrides.latest(connection, now=now, open_only=open_only, limit=limit)
        return msgspec.json.encode([override_shape(one) for one in found])

    return Json(await parts.database.read(told_overrides))


@router.get("/{override}", responses=told(OverrideShape))
async def one(override: OverrideId, _: StaffOrTechnician, parts: PartsOf) -> Response:
    """One override, and what became of it at each lamp."""
    found = await parts.database.read(overrides.get, override, now=parts.clock.utc())
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, UNKNOWN)
    return Json(override_shape(found))


@router.delete("/{override}", responses=told(OverrideShape))
async def end(override: OverrideId, caller: StaffOrTechnician, parts: PartsOf) -> Response:
    """End it now. 409 where it is over, or a technician's while staff asks."""
    now, giver = parts.clock.utc(), giver_of(caller.user)

    def work(connection: Connection) -> OverrideShape | None:
        taken_back = take_back(connection, override, giver, now=now)
        found = overrides.get(connection, override, now=now) if taken_back else None
        return None if found is None else override_shape(found)

    try:
        shape = await parts.database.write(work)
    except (HeldError, OverError) as error:
        raise HTTPException(status.HTTP_409_CONFLICT, str(error)) from error
    if shape is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, UNKNOWN)
    parts.lights.changed()
    return Json(shape)
