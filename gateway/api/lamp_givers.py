"""Who commands lamps through the API, and the answer to a command."""

from collections.abc import Mapping

from fastapi import HTTPException, Response, status

from gateway.api.answers import Json
from gateway.api.lamp_commands import CommandError, Giver, Order, give
from gateway.api.lamp_shapes import OverrideShape
from gateway.api.lamp_views import override_shape
from gateway.api.parts import Parts
from gateway.lamps import Authority
from gateway.model import Audience
from gateway.store import overrides
from gateway.store.database import Connection
from gateway.store.people import User

_AUTHORITY: Mapping[Audience, Authority] = {
    Audience.TECHNICIAN: Authority.TECHNICIAN,
    Audience.STAFF: Authority.STAFF,
}


def giver_of(user: User) -> Giver:
    """`user` by the authority of the own audience, which is staff or technician."""
    return Giver(user.login, _AUTHORITY[user.audience])


async def given(parts: Parts, order: Order, giver: Giver, *, now: float) -> Response:
    """Store `order`, have the edges told, and answer with the override: 201, or 422."""

    def work(connection: Connection) -> OverrideShape | None:
        found = overrides.get(connection, give(connection, order, giver, now=now), now=now)
        return None if found is None else override_shape(found)

    try:
        shape = await parts.database.write(work)
    except CommandError as error:
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, str(error)) from error
    parts.lights.changed()
    return Json(shape, status.HTTP_201_CREATED)
