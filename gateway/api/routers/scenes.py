"""Scenes of safety: light for an evacuation or for a search, over whatever else was said."""

from fastapi import APIRouter, HTTPException, Response, status

from gateway.api.callers import StaffOrTechnician
from gateway.api.lamp_commands import SCENE_LEVELS, Giver, Order
from gateway.api.lamp_givers import given
from gateway.api.lamp_map import ChoiceError, LampMap
from gateway.api.lamp_shapes import OverrideShape
from gateway.api.lamp_wishes import SceneWish
from gateway.api.parts import PartsOf
from gateway.lamps import Authority

router = APIRouter(prefix="/scenes", tags=["overrides"])


@router.post("", status_code=201, responses={201: {"model": OverrideShape}})
async def begin(wish: SceneWish, caller: StaffOrTechnician, parts: PartsOf) -> Response:
    """Light lamps fully, for minutes; it ends by itself. It is an override, to be asked for there.

    For groups, for all, or for the lamps within `radius_m` of `lon`, `lat`.
    """
    now = parts.clock.utc()
    try:
        lamps = _chosen(parts.lights.map, wish)
    except ChoiceError as error:
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, str(error)) from error
    order = Order(
        lamps,
        SCENE_LEVELS[wish.scene],
        now + 60.0 * wish.minutes,
        reason=wish.reason,
        scene=wish.scene,
    )
    return await given(parts, order, Giver(caller.user.login, Authority.SAFETY), now=now)


def _chosen(known: LampMap, wish: SceneWish) -> tuple[str, ...]:
    if wish.lon is None or wish.lat is None:
        return known.choose(groups=wish.groups, everyone=wish.all)
    return known.near(wish.lon, wish.lat, radius_m=wish.radius_m)
