"""The hub's part in the lights, built: what the lamps say comes in, what people want goes out.

intake ─► LampIntake ─► database ─► LampTelling ─► integrators;  API, SOS ─► LightDesk ─► edges
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import structlog

from gateway.app.lamp_intake import LampIntake
from gateway.app.lamp_telling import LampTelling, Publisher
from gateway.app.light_desk import LightDesk
from gateway.app.metering import Metering
from gateway.app.sos_light import SosLight
from gateway.clock import Clock
from gateway.lamps import LampType
from gateway.lights.documents import Calendar, Program
from gateway.link.topics import Topics
from gateway.settings import Settings
from gateway.site import Site
from gateway.store import light_documents
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.store.light_documents import DocumentKind
from gateway.store.outgoing import Queue

AMEND_EVERY_S = 5.0
QUIET_S = 5.0  # late readings come in crowds: count a lamp once, when they have come
AMEND_PAUSE_S = 0.05

_log = structlog.get_logger()


class Defaults(NamedTuple):
    """The programs and calendars that a new hub begins with."""

    programs: tuple[Program, ...] = ()
    calendars: tuple[Calendar, ...] = ()

    def store(self, connection: Connection, *, at: float) -> None:
        """Keep them where there never were any."""
        for kind, documents in (
            (DocumentKind.PROGRAM, self.programs),
            (DocumentKind.CALENDAR, self.calendars),
        ):
            bodies = {one.id: msgspec.json.encode(one) for one in documents}
            light_documents.begin_with(connection, kind, bodies, at=at)


class HubLights:
    """The parts, for the hub to wire: see each."""

    def __init__(
        self,
        settings: Settings,
        site: Site,
        types: Mapping[str, LampType],
        *,
        database: Database,
        clock: Clock,
        publisher: Publisher,
        out: Queue,
    ) -> None:
        lights = settings.hub.lights
        type_of = {one.id: types[one.lamp_type] for one in site.lamps if one.lamp_type in types}
        self._database = database
        self._clock = clock
        self.metering = Metering(type_of, ZoneInfo(lights.time_zone))
        self.intake = LampIntake(
            site.lamps,
            self.metering,
            keep_days=settings.hub.retention.lamp_readings_days,
            out=out,
        )
        self.sos = SosLight(site, lights)
        self.desk = LightDesk(site, types, database, clock, time_zone=lights.time_zone)
        self.telling = LampTelling(
            site,
            site_id=settings.site_id,
            topics=Topics(settings.site_id),
            database=database,
            publisher=publisher,
        )

    def works(
        self, *, last_late_at: Callable[[], float]
    ) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """What is to run. `last_late_at`: when readings last came late, monotonic."""
        return {
            "light desk": self.desk.run,
            "lamps for integrators": self.telling.run,
            "energy": partial(self._amend, last_late_at),
        }

    async def _amend(self, last_late_at: Callable[[], float]) -> None:
        pause_s = AMEND_EVERY_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = AMEND_EVERY_S
            if self._clock.monotonic() - last_late_at() >= QUIET_S and await self._amend_one():
                pause_s = AMEND_PAUSE_S

    async def _amend_one(self) -> bool:
        try:
            return await self._database.write(self.metering.amend_next)
        except StoreError as error:
            _log.error("the energy of late readings is counted later", reason=str(error))
            return False
