"""What each edge must know: its receivers, whose frames to look at, and which are urgent."""

from collections.abc import Callable

from gateway.app.registry import Registry
from gateway.clock import Clock
from gateway.link.envelope import Kind, encode_items
from gateway.model import EdgeOrders, Lane
from gateway.site import Site
from gateway.store import outgoing
from gateway.store.database import Database
from gateway.store.outgoing import Queue


def _nobody_else_forgets(_: str) -> None:
    pass


class Orders:
    """Sends an edge its orders, whole, whenever they differ from the last that were sent.

    `on_forget` is called with each gateway that may have lost what it was told, whatever that was.
    """

    def __init__(
        self,
        site: Site,
        registry: Registry,
        database: Database,
        clock: Clock,
        *,
        on_forget: Callable[[str], None] = _nobody_else_forgets,
    ) -> None:
        self._site = site
        self._on_forget = on_forget
        self._registry = registry
        self._database = database
        self._clock = clock
        self._sent: dict[str, EdgeOrders] = {}
        self._instances: dict[str, str] = {}

    @property
    def gateways(self) -> tuple[str, ...]:
        """The edges that the site's receivers and lamps name."""
        named = {one.gateway for one in self._site.receivers}
        named |= {one.gateway for one in self._site.lamps}
        return tuple(sorted(named - {""}))

    async def send_changes(self) -> None:
        """Queue orders for every gateway whose orders changed. Raises StoreError."""
        for gateway in self.gateways:
            orders = self._orders(gateway)
            if self._sent.get(gateway) == orders:
                continue
            await self._database.write(
                outgoing.append,
                Queue("down", gateway),
                lane=Lane.URGENT,
                kind=Kind.ORDERS,
                items=encode_items([orders]),
                at=self._clock.utc(),
            )
            self._sent[gateway] = orders

    def note_instance(self, gateway: str, instance: str) -> None:
        """A gateway says which process it is; a new one is told again at the next call.

        It may have lost what it was told, and an edge without orders hears nothing, so it sends
        nothing by which that could be known.
        """
        if self._instances.setdefault(gateway, instance) != instance:
            self._instances[gateway] = instance
            self.forget(gateway)

    def forget(self, gateway: str) -> None:
        """That edge lost what it was told (a new outbox): tell it again at the next call."""
        self._sent.pop(gateway, None)
        self._on_forget(gateway)

    def _orders(self, gateway: str) -> EdgeOrders:
        own = (one.source for one in self._site.receivers if one.gateway == gateway)
        return EdgeOrders(
            receivers=tuple(source for source in own if source is not None),
            buttons=self._registry.buttons,
            allow=self._registry.allow,
        )
