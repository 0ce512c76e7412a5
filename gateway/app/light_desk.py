"""What the hub tells the edges of lamps: their orders and overrides, each whole when it changes.

Whoever changes them may be another program (the command line beside the hub): the database is
looked at each second, and at once where the API says that it changed something.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import msgspec
import structlog

from gateway.clock import Clock
from gateway.lamps import LampType, Override
from gateway.lights.orders import LightOrders, Overrides
from gateway.link.envelope import Item, Kind, encode_items
from gateway.model import Lane
from gateway.site import Site
from gateway.store import light_orders, outgoing, overrides
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.store.outgoing import Queue

LOOK_EVERY_S = 1.0

_log = structlog.get_logger()


class LightDesk:
    """Sends each gateway with lamps what differs from the last that it was sent."""

    def __init__(
        self,
        site: Site,
        types: Mapping[str, LampType],
        database: Database,
        clock: Clock,
        *,
        time_zone: str,
    ) -> None:
        self._site = site
        self._types = types
        self._database = database
        self._clock = clock
        self._time_zone = time_zone
        self._changed = asyncio.Event()
        self._version: int | None = None
        self._orders: dict[str, LightOrders] = {}
        self._overrides: dict[str, Overrides] = {}
        self._own = {
            gateway: frozenset(lamp.id for lamp in site.lamps if lamp.gateway == gateway)
            for gateway in sorted({lamp.gateway for lamp in site.lamps if lamp.gateway})
        }

    def changed(self) -> None:
        """Something was changed in the database just now: look at once."""
        self._changed.set()

    def forget(self, gateway: str) -> None:
        """That edge may have lost what it was told: tell it again at the next look."""
        self._orders.pop(gateway, None)
        self._overrides.pop(gateway, None)
        self._version = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._changed.clear()
            try:
                await self.send_changes()
            except StoreError as error:
                _log.error("what the lamps are to do waits to be told", reason=str(error))
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def send_changes(self) -> None:
        """Queue what changed, orders before overrides. Raises StoreError."""
        version = await self._database.read(light_orders.version)
        if version != self._version:
            for gateway in self._own:
                await self._send_orders(gateway)
            self._version = version
        going_on = await self._database.read(overrides.going_on, now=self._clock.utc())
        for gateway, lamps in self._own.items():
            told = Overrides(tuple(_for(lamps, going_on)))
            if self._overrides.get(gateway) != told:
                await self._send(gateway, Kind.OVERRIDES, told)
                self._overrides[gateway] = told

    async def _send_orders(self, gateway: str) -> None:
        orders = await self._database.read(
            light_orders.light_orders,
            self._site,
            self._types,
            gateway=gateway,
            time_zone=self._time_zone,
        )
        said = msgspec.structs.replace(orders, version=0)  # it grows with what is told to others
        if self._orders.get(gateway) != said:
            await self._send(gateway, Kind.LIGHT_ORDERS, orders)
            self._orders[gateway] = said

    async def _send(self, gateway: str, kind: Kind, document: Item) -> None:
        await self._database.write(_queue, gateway, kind, document, self._clock.utc())


def _queue(connection: Connection, gateway: str, kind: Kind, document: Item, now: float) -> None:
    outgoing.append(
        connection,
        Queue("down", gateway),
        lane=Lane.URGENT,
        kind=kind,
        items=encode_items([document]),
        at=now,
    )


def _for(lamps: frozenset[str], going_on: list[Override]) -> list[Override]:
    """The overrides of any of `lamps`, each with its lamps among them only."""
    own = (
        replace(one, lamps=tuple(lamp for lamp in one.lamps if lamp in lamps)) for one in going_on
    )
    return [one for one in own if one.lamps]
