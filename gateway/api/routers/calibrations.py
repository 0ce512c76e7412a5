"""Calibrations of the receivers, for technicians: what nights taught, and the undoing of one."""

from typing import Annotated

import msgspec
import structlog
from fastapi import APIRouter, HTTPException, Path, Query, Response, status

from gateway.api.answers import Json, told
from gateway.api.calibration import (
    CalibrationDetail,
    CalibrationShape,
    UndoneShape,
    calibration_detail,
    calibration_shape,
)
from gateway.api.callers import Technician
from gateway.api.parts import Parts, PartsOf
from gateway.store import calibrations
from gateway.store.database import Connection

router = APIRouter(prefix="/calibrations", tags=["calibrations"])

UNKNOWN = "There is no such calibration."
_log = structlog.get_logger()


@router.get("", responses=told(list[CalibrationShape]))
async def latest(
    _: Technician, parts: PartsOf, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
) -> Response:
    """Calibrations, newest first."""
    found = await parts.database.read(calibrations.latest, limit=limit)
    return Json([calibration_shape(one) for one in found])


@router.get("/{calibration}", responses=told(CalibrationDetail))
async def calibration(
    calibration: Annotated[str, Path(max_length=16)], _: Technician, parts: PartsOf
) -> Response:
    """One calibration, with what it says of each receiver."""
    wanted = int(calibration) if calibration.isdecimal() else 0
    found = await parts.database.read(_detail, parts, wanted)
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, UNKNOWN)
    return Json(found)


@router.post("/undo", responses=told(UndoneShape))
async def undo(technician: Technician, parts: PartsOf) -> Response:
    """Put in force what was so before; positions follow within seconds. 409 where nothing is."""
    login = technician.user.login
    done = await parts.database.write(calibrations.undo, at=parts.clock.utc(), by=login)
    if done is None:
        raise HTTPException(status.HTTP_409_CONFLICT, "No calibration is in force.")
    _log.info("a calibration was undone", calibration=done.undone)
    return Json(UndoneShape(done.undone, done.in_force))


# --- in a reader's thread -------------------------------------------------------------------------


def _detail(connection: Connection, parts: Parts, wanted: int) -> bytes | None:
    summary = calibrations.summary(connection, wanted)
    said = calibrations.get(connection, wanted)
    if summary is None or said is None:
        return None
    return msgspec.json.encode(calibration_detail(summary, said, parts.to_lonlat))
