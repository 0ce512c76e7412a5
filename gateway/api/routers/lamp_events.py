"""Faults of lamps, the work on them, and the report of a morning."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Path, Query, Response, status

from gateway.api import lamp_report
from gateway.api.answers import Json, told
from gateway.api.callers import StaffOrTechnician
from gateway.api.lamp_commands import CommandError, Giver, note
from gateway.api.lamp_givers import giver_of
from gateway.api.lamp_shapes import LampEventShape
from gateway.api.lamp_views import event_shape
from gateway.api.lamp_wishes import Night, WorkWish
from gateway.api.parts import PartsOf
from gateway.lights.morning import MorningReport
from gateway.store import lamp_events
from gateway.store.database import Connection
from gateway.store.lamp_events import Work, WorkState

router = APIRouter(prefix="/lamp-events", tags=["lamps"])

UNKNOWN = "There is no such fault."
EventId = Annotated[str, Path(max_length=16)]


@router.get("", responses=told(list[LampEventShape]))
async def faults(
    _: StaffOrTechnician,
    parts: PartsOf,
    *,
    open_only: Annotated[bool, Query(alias="open")] = False,
    lamp: Annotated[str, Query(max_length=64)] = "",
    since: Annotated[float, Query(ge=0, allow_inf_nan=False)] = 0.0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> Response:
    """Faults, the newest first: those that go on (`open`), of a `lamp`, begun `since` a time."""

    def told_faults(connection: Connection) -> bytes:
        found = lamp_events.latest(
            connection, open_only=open_only, lamp=lamp, since=since, limit=limit
        )
        return msgspec.json.encode([event_shape(one) for one in found])

    return Json(await parts.database.read(told_faults))


@router.get("/report", responses=told(MorningReport))
async def morning(
    _: StaffOrTechnician, parts: PartsOf, night: Annotated[Night | None, Query()] = None
) -> Response:
    """The report of the night that began on that day; without it, of the last one that began."""
    now = parts.clock.utc()
    wanted = night or lamp_report.last_night(parts.lights, now=now)
    return Json(await parts.database.read(lamp_report.report, parts.lights, wanted, now=now))


@router.post("/{event}/work", responses=told(LampEventShape))
async def work(
    event: EventId, wish: WorkWish, caller: StaffOrTechnician, parts: PartsOf
) -> Response:
    """Say how far the work on a fault is; every step is kept. 409 where no such step follows.

    Open becomes assigned or done; assigned becomes another's, open or done; done becomes open.
    """
    wanted = int(event) if event.isdecimal() else 0
    giver, now = giver_of(caller.user), parts.clock.utc()
    try:
        shape = await parts.database.write(_work, wanted, wish, giver, now=now)
    except CommandError as error:
        raise HTTPException(status.HTTP_409_CONFLICT, str(error)) from error
    if shape is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, UNKNOWN)
    return Json(shape)


# --- in the database's threads --------------------------------------------------------------------


def _work(
    connection: Connection, event_id: int, wish: WorkWish, giver: Giver, *, now: float
) -> LampEventShape | None:
    stored = lamp_events.get(connection, event_id)
    if stored is None:
        return None
    before = stored.work
    step = Work(
        state=WorkState(wish.state),
        assignee=before.assignee if wish.assignee is None else wish.assignee,
        note=before.note if wish.note is None else wish.note,
        at=now,
        by=giver.by,
    )
    if not lamp_events.add_work(connection, event_id, step):
        raise CommandError(f"This fault's work is {before.state}: it cannot become {step.state}.")
    subject = f"{stored.event.lamp} {stored.event.kind}"
    detail = "; ".join(part for part in (step.state, step.assignee, step.note) if part)
    note(connection, giver, "work", subject, detail, now=now)
    after = lamp_events.get(connection, event_id)
    return None if after is None else event_shape(after)
