"""The API as one application: every router by name, and what all of them share."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig

from gateway import __version__
from gateway.api import documentation
from gateway.api.answers import Json
from gateway.api.headers import SafeHeaders
from gateway.api.lights import Lights
from gateway.api.parts import Announce, Parts, Recent, RecordAlerts
from gateway.api.passwords import Passwords
from gateway.api.routers import (
    alerts,
    calendars,
    calibrations,
    carriers,
    energy,
    health,
    lamp_events,
    lamps,
    live,
    ngsi,
    overrides,
    pages,
    programs,
    routes,
    scenes,
    session,
    site,
)
from gateway.api.shapes import Problem
from gateway.api.stream import LiveStream
from gateway.clock import Clock
from gateway.model import Alert, RoutePoint
from gateway.settings import ApiSettings
from gateway.store.database import Connection, Database, StoreError

API = "/api/v1"
TICK_S = 15.0
MOST_BODY_BYTES = 16_384
ROUTERS = (
    session,
    site,
    carriers,
    routes,
    alerts,
    live,
    lamps,
    overrides,
    scenes,
    programs,
    calendars,
    lamp_events,
    energy,
    ngsi,
    calibrations,
    health,
)
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
_log = structlog.get_logger()


def _nothing_to_record(_: Connection, __: Sequence[Alert], ___: float) -> None:
    pass


def _nothing_recent(_: Collection[str]) -> Sequence[RoutePoint]:
    return ()


def _nobody_to_tell(_: Sequence[Alert]) -> None:
    pass


def create_app(
    *,
    database: Database,
    clock: Clock,
    lights: Lights,
    stream: LiveStream,
    settings: ApiSettings,
    recent: Recent = _nothing_recent,
    announce: Announce = _nobody_to_tell,
    record: RecordAlerts = _nothing_to_record,
    trouble: Callable[[], str] = str,
    passwords: Passwords | None = None,
    dist: Path = pages.DIST,
    tick_s: float = TICK_S,
) -> FastAPI:
    """The hub's API and page; the caller opens and closes what it gives.

    `recent` gives the confirmed points of some tags that no database holds yet.
    An alert that a person acknowledges is given to `record`, inside its transaction and with the
    time (to queue it for the sink), and after it, on the event loop, to `announce`. `trouble` says
    in a word what does not work, for GET /health: it asks no login. `dist` is the built page.
    """
    parts = Parts(
        database=database,
        clock=clock,
        plan=lights.site.plan,
        to_lonlat=lights.site.to_lonlat,
        stream=stream,
        settings=settings,
        recent=recent,
        announce=announce,
        record=record,
        trouble=trouble,
        passwords=passwords or Passwords(),
        tick_s=tick_s,
        lights=lights,
    )
    app = _application(parts)
    for module in ROUTERS:
        app.include_router(module.router, prefix=API)
    app.include_router(documentation.router)
    pages.add_to(app, dist)
    return app


def _application(parts: Parts) -> FastAPI:
    app = FastAPI(
        title="Machimori",
        version=__version__,
        description="The hub's API. Times are Unix seconds, UTC, of the hub's clock.",
        docs_url=None,
        redoc_url=None,
        max_body_size=MOST_BODY_BYTES,
        telemetry=_NO_TELEMETRY,  # an environment variable must not send addresses of carriers away
        responses={401: {"model": Problem}, 403: {"model": Problem}, 404: {"model": Problem}},
    )
    app.state.parts = parts
    app.add_exception_handler(StoreError, _store_failed)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_middleware(SafeHeaders, https_only=parts.settings.cookie_secure)
    return app


async def _store_failed(_: Request, error: Exception) -> Response:
    _log.error("a request failed", reason=str(error))
    problem = Problem("The hub cannot reach its database now. Try again in a while.")
    return Json(problem, status_code=503)


async def _not_valid(_: Request, error: Exception) -> Response:
    """Name what is wrong without repeating it: it may hold a password."""
    wrong = error.errors() if isinstance(error, RequestValidationError) else ()
    told = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in wrong]
    return Json(Problem("; ".join(told)), status_code=422)
