"""What the routers work with: given to the application once, and to each request from there."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from gateway.api.calibration import ToLonLat
from gateway.api.lights import Lights
from gateway.api.passwords import Passwords
from gateway.api.stream import LiveStream
from gateway.api.throttle import BY_ADDRESS, BY_LOGIN, Throttle
from gateway.clock import Clock
from gateway.model import Alert, RoutePoint
from gateway.settings import ApiSettings
from gateway.store.database import Connection, Database

Recent = Callable[[Collection[str]], Sequence[RoutePoint]]
Announce = Callable[[Sequence[Alert]], None]
RecordAlerts = Callable[[Connection, Sequence[Alert], float], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """One hub's API. See `create_app` for what is given; the rest is its own."""

    database: Database
    clock: Clock
    plan: bytes
    to_lonlat: ToLonLat
    stream: LiveStream
    settings: ApiSettings
    recent: Recent
    announce: Announce
    record: RecordAlerts
    trouble: Callable[[], str]
    passwords: Passwords
    tick_s: float
    lights: Lights
    by_login: Throttle = field(default_factory=lambda: Throttle(BY_LOGIN))
    by_address: Throttle = field(default_factory=lambda: Throttle(BY_ADDRESS))


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


PartsOf = Annotated[Parts, Depends(_parts)]
