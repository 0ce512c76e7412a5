"""How gateways and receivers stand, once a minute, on its way to the sink: for graphs.

It goes by what the gateways say of themselves. Whom a receiver heard is not in it.
"""

import asyncio
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from gateway.clock import Clock
from gateway.link.envelope import Kind, Status, encode_items
from gateway.model import GatewayHealth, Lane, ReceiverHealth
from gateway.store import outgoing
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.store.outgoing import Queue

EVERY_S = 60.0
AFTER_S = 1.0  # so that a clock set by a hair does not make it the minute before
OFFLINE = "offline"
REMOTE = "remote"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Said:
    """A gateway's word, and when it was heard, monotonic."""

    status: Status
    heard_at: float


class GatewayMinutes:
    """Keeps the last word of each gateway; `receivers` are the ids of the site's."""

    def __init__(self, receivers: Iterable[str], clock: Clock) -> None:
        self._receivers = frozenset(receivers)
        self._clock = clock
        self._said: dict[str, _Said] = {}
        self._known: dict[str, tuple[str, ...]] = {}
        self._skew_s: dict[str, float] = {}  # of this minute

    def note(self, gateway: str, status: Status, *, retained: bool) -> None:
        """What a gateway says of itself; `retained`: the broker kept it, nobody knows how long."""
        now = self._clock.utc()
        self._said[gateway] = _Said(status, self._clock.monotonic())
        if status.online and not retained:
            # What came quickest is nearest to the truth: a word may be some seconds on its way.
            self._skew_s[gateway] = max(status.at - now, self._skew_s.get(gateway, -math.inf))

    async def run(self, database: Database, out: Queue) -> None:
        """A row of each kind just after every full minute of the clock, until cancelled."""
        while True:
            rest_s = EVERY_S - (self._clock.utc() - AFTER_S) % EVERY_S
            await asyncio.sleep(rest_s / self._clock.rate)
            if not self._clock.synced():
                continue  # nobody would find these points again
            try:
                await database.write(_queue, self.health(), at=self._clock.utc(), out=out)
            except StoreError as error:
                _log.error("how gateways stand was not stored", reason=str(error))

    def health(self) -> dict[Kind, list[GatewayHealth] | list[ReceiverHealth]]:
        """How all of them stand, at the last full minute: a hub begun anew says it of the same."""
        at = self._clock.utc() // EVERY_S * EVERY_S
        said = sorted(self._said.items())
        skew_s, self._skew_s = self._skew_s, {}
        return {
            Kind.GATEWAYS: [self._gateway(at, name, one, skew_s.get(name)) for name, one in said],
            Kind.RECEIVERS: [
                receiver
                for name, one in said
                for receiver in self._receivers_of(at, name, one.status)
            ],
        }

    def _gateway(self, at: float, name: str, said: _Said, skew_s: float | None) -> GatewayHealth:
        status = said.status
        said_s = self._clock.monotonic() - said.heard_at
        if not status.online:
            return GatewayHealth(at, name, online=False, said_s=said_s)
        return GatewayHealth(
            at=at,
            gateway=name,
            online=True,
            said_s=said_s,
            version=status.version,
            synced=status.synced,
            skew_s=skew_s,
            outbox_rows=status.outbox_rows,
            outbox_oldest_s=status.outbox_oldest_s,
            sightings=status.counts.get("sightings", 0),
            rows_sent=status.counts.get("sent", 0),
            connections_lost=status.counts.get("lost", 0),
        )

    def _receivers_of(self, at: float, gateway: str, status: Status) -> Iterator[ReceiverHealth]:
        """Those that the gateway tells of, or told of before it went."""
        if not status.online:
            for receiver in self._known.get(gateway, ()):
                yield ReceiverHealth(at, gateway, receiver, OFFLINE)
            return
        adapters = {one.receiver: one for one in status.adapters.values()}
        told = adapters.keys() | status.adverts_per_s.keys() | status.silent_s.keys()
        self._known[gateway] = tuple(sorted(told & self._receivers))
        for receiver in self._known[gateway]:
            adapter = adapters.get(receiver)
            yield ReceiverHealth(
                at=at,
                gateway=gateway,
                receiver=receiver,
                state=REMOTE if adapter is None else adapter.state,
                adverts_per_s=status.adverts_per_s.get(receiver),
                silent_s=status.silent_s.get(receiver),
                restarts=None if adapter is None else adapter.restarts,
            )


def _queue(
    connection: Connection,
    health: Mapping[Kind, Sequence[GatewayHealth] | Sequence[ReceiverHealth]],
    *,
    at: float,
    out: Queue,
) -> None:
    for kind, some in health.items():
        if some:
            items = encode_items(some)
            outgoing.append(connection, out, lane=Lane.LIVE, kind=kind, items=items, at=at)
