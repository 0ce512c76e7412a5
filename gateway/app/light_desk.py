"""What the hub tells the edges of lamps: their orders and overrides, each whole when it changes.

Whoever changes them may be another program (the command line beside the hub): the database is
looked at each second, and at once where the API says that it changed something.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

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

Document = TypeVar("Document", LightOrders, Overrides)

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
        self._gateway_of = {lamp.id: lamp.gateway for lamp in site.lamps if lamp.gateway}
        self._gateways = sorted(set(self._gateway_of.values()))

    def changed(self) -> None:
        """Something was changed in the database just now: look at once."""
        self._changed.set()

    def forget(self, gateway: str) -> None:
        """That edge may have lost what it was told: tell it again at the next look."""
        self._orders.pop(gateway, None)
        self._overrides.pop(gateway, None)

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
        for gateway in self._gateways:
            if version != self._version or gateway not in self._orders:
                await self._send_orders(gateway)
        self._version = version
        going_on = await self._database.read(overrides.going_on, now=self._clock.utc())
        own = self._by_gateway(going_on)
        for gateway in self._gateways:
            told = Overrides(tuple(own[gateway]))
            if self._overrides.get(gateway) != told:
                self._overrides[gateway] = told
                await self._send(gateway, Kind.OVERRIDES, told, self._overrides)

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
            self._orders[gateway] = said
            await self._send(gateway, Kind.LIGHT_ORDERS, orders, self._orders)

    async def _send(
        self, gateway: str, kind: Kind, document: Item, sent: dict[str, Document]
    ) -> None:
        """`sent` has it already, for meanwhile that edge may be forgotten; not if this fails."""
        try:
            await self._database.write(_queue, gateway, kind, document, self._clock.utc())
        except StoreError:
            sent.pop(gateway, None)
            raise

    def _by_gateway(self, going_on: Iterable[Override]) -> dict[str, list[Override]]:
        """The overrides of each gateway's lamps, each with those among them only."""
        told: dict[str, list[Override]] = defaultdict(list)
        for one in going_on:
            own: dict[str, list[str]] = defaultdict(list)
            for lamp in one.lamps:
                if lamp in self._gateway_of:
                    own[self._gateway_of[lamp]].append(lamp)
            for gateway, lamps in own.items():
                told[gateway].append(replace(one, lamps=tuple(lamps)))
        return told


def _queue(connection: Connection, gateway: str, kind: Kind, document: Item, now: float) -> None:
    outgoing.append(
        connection,
        Queue("down", gateway),
        lane=Lane.URGENT,
        kind=kind,
        items=encode_items([document]),
        at=now,
    )
