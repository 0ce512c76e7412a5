"""Whether the sink keeps up: by the row that waits for it longest, whatever the reason.

It may be away, InfluxDB may be away, refuse its token, or hang: the hub's rows wait in each case.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gateway.alerts.happenings import SinkLag
from gateway.clock import Clock
from gateway.store import outgoing
from gateway.store.database import Database
from gateway.store.errors import StoreError
from gateway.store.outgoing import Queue

EVERY_S = 30.0

_log = structlog.get_logger()


class SinkWatch:
    """Looks every EVERY_S, and has `record` judge and store what it saw."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        record: Callable[[SinkLag], Awaitable[None]],
        *,
        out: Queue,
    ) -> None:
        self._database = database
        self._clock = clock
        self._record = record
        self._out = out
        self._before_s = 0.0

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except StoreError as error:
                _log.error("whether the sink keeps up is not known", reason=str(error))
            await asyncio.sleep(EVERY_S / self._clock.rate)

    async def look(self) -> None:
        """Tell the lesser of this look's and the last one's. Raises StoreError.

        One look may be wrong: a clock was set right meanwhile, or a hub that was off begins to send
        what is old.
        """
        now = self._clock.utc()
        oldest_at = await self._database.read(outgoing.oldest_at, self._out)
        oldest_s = 0.0 if oldest_at is None else max(0.0, now - oldest_at)
        lag_s, self._before_s = min(oldest_s, self._before_s), oldest_s
        await self._record(SinkLag(now, lag_s))
