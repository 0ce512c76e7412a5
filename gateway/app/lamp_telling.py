"""Integrators are told how lamps stand: one retained message a lamp, when it changed."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from gateway.app.lamp_intake import shown
from gateway.outputs.ngsi import Shown, streetlight
from gateway.outputs.topics import IntegratorTopics, Publication, lamp_publication
from gateway.site import Site
from gateway.store import lamp_events, lamps
from gateway.store.database import Connection, Database

RETRY_S = 1.0


class Publisher(Protocol):
    """The connection to the broker."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """True where the broker has taken it; false where there is no connection."""
        ...


class LampTelling:
    """Publishes each lamp of the site that has ever spoken.

    Of a lamp that waits for the broker only the newest is kept: what is retained is a state.
    """

    def __init__(
        self,
        site: Site,
        *,
        site_id: str,
        topics: IntegratorTopics,
        database: Database,
        publisher: Publisher,
        retry_s: float = RETRY_S,
    ) -> None:
        self._retry_s = retry_s
        self._site_id = site_id
        self._topics = topics
        self._database = database
        self._publisher = publisher
        self._lamps = {lamp.id: lamp for lamp in site.lamps}
        places = site.to_lonlat(np.array([lamp.xy for lamp in site.lamps]).reshape(-1, 2))
        self._places = dict(zip(self._lamps, places.tolist(), strict=True))
        self._waiting: dict[str, Shown] = {}
        self._told: dict[str, bytes] = {}
        self._some = asyncio.Event()

    def show(self, changed: Mapping[str, Shown]) -> None:
        """These lamps stand so by now."""
        self._waiting.update(changed)
        if self._waiting:
            self._some.set()

    async def run(self) -> None:
        """Tell all once (the broker may know what is no longer so), then what changes."""
        known = await self._database.read(_all_shown)
        self._waiting = known | self._waiting
        while True:
            while self._waiting:
                lamp = next(iter(self._waiting))
                await self._tell(lamp, self._waiting.pop(lamp))
            self._some.clear()
            await self._some.wait()

    async def _tell(self, lamp: str, now: Shown) -> None:
        publication = self._publication(lamp, now)
        if publication is None or self._told.get(lamp) == publication.payload:
            return
        topic, payload, retain = publication
        if await self._publisher.publish(topic, payload, retain=retain):
            self._told[lamp] = payload
        else:
            self._waiting.setdefault(lamp, now)
            await asyncio.sleep(self._retry_s)

    def _publication(self, lamp: str, now: Shown) -> Publication | None:
        if lamp not in self._lamps:
            return None
        lon, lat = self._places[lamp]
        entity = streetlight(self._lamps[lamp], now, site_id=self._site_id, lon=lon, lat=lat)
        return lamp_publication(lamp, entity, topics=self._topics)


def _all_shown(connection: Connection) -> dict[str, Shown]:
    faults = lamp_events.open_kinds(connection)
    return {
        lamp: shown(state, faults.get(lamp, ())) for lamp, state in lamps.states(connection).items()
    }
