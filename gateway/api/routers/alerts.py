"""Alerts: persons' to their guardians, devices' to staff and technicians."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Response, status

from gateway.api.answers import Json, told
from gateway.api.callers import Alerted
from gateway.api.parts import Parts, PartsOf
from gateway.api.shapes import AlertShape, alert_shape
from gateway.api.stream import PERSONAL_KINDS, TECHNICAL_KINDS, is_for_staff
from gateway.model import Alert, AlertState, Audience
from gateway.store import alerts, people
from gateway.store.alerts import Change, StoredAlert
from gateway.store.database import Connection
from gateway.store.people import User

router = APIRouter(prefix="/alerts", tags=["alerts"])


@router.get("", responses=told(list[AlertShape]))
async def own_alerts(
    caller: Alerted,
    parts: PartsOf,
    since: Annotated[float, Query(ge=0, allow_inf_nan=False)] = 0.0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """Own alerts raised since then, newest first."""
    return Json(await parts.database.read(_own, caller.user, since, limit))


@router.post("/{alert}/acknowledge", responses=told(AlertShape))
async def acknowledge(
    alert: Annotated[str, Path(max_length=64)], caller: Alerted, parts: PartsOf
) -> Response:
    """Say that somebody takes care of it. One that is acknowledged, or over, stays as it is."""
    shape, changed = await parts.database.write(_acknowledge, parts, caller.user, alert)
    if shape is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "There is no such alert.")
    if changed is not None:
        parts.announce([changed])
    return Json(shape)


# --- in the database's threads --------------------------------------------------------------------


def _own(connection: Connection, user: User, since: float, limit: int) -> list[AlertShape]:
    if user.audience is not Audience.GUARDIAN:
        found = alerts.about_devices(connection, TECHNICAL_KINDS, since=since, limit=limit)
        return [_shape(stored, None) for stored in found if is_for_staff(stored.alert)]
    carriers = people.carriers_by_tag(connection, user.id)
    found = alerts.about_persons(
        connection, list(carriers), PERSONAL_KINDS, since=since, limit=limit
    )
    return [_shape(stored, carriers[stored.alert.tag]) for stored in found]


def _acknowledge(
    connection: Connection, parts: Parts, user: User, alert_id: str
) -> tuple[AlertShape | None, Alert | None]:
    stored = alerts.get(connection, alert_id)
    carriers = people.carriers_by_tag(connection, user.id)
    if stored is None or not _may_see(user, stored.alert, carriers):
        return None, None
    now = parts.clock.utc()
    step = Change(AlertState.ACKNOWLEDGED, now, user.login)
    changed = alerts.change(connection, alert_id, step)
    if changed is not None:
        parts.record(connection, [changed], now)
        stored = StoredAlert(changed, (*stored.life, step))
    return _shape(stored, carriers.get(stored.alert.tag)), changed


def _may_see(user: User, alert: Alert, carriers: dict[str, str]) -> bool:
    if user.audience is Audience.GUARDIAN:
        return not is_for_staff(alert) and alert.tag in carriers
    return is_for_staff(alert)


def _shape(stored: StoredAlert, carrier: str | None) -> AlertShape:
    return alert_shape(stored.alert, carrier=carrier, life=stored.life)
