"""Whether the sink keeps up: by the row that waits for it longest, whatever the reason.

It may be away, InfluxDB may be away, refuse its token, or hang: the hub's rows wait in each case.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gateway.alerts.happenings import SinkLag
from gateway.alerts.rules.sink_behind import BEHIND_S
from gateway.clock import Clock
from gateway.store import outgoing
from gateway.store.database import Database
from gateway.store.errors import StoreError
from gateway.store.outgoing import Oldest, Queue

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
        self._before: Oldest | None = None
        self._before_s = 0.0
        self._begun: float | None = None

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

        One look may be wrong: a clock was set right meanwhile. And a hub that was off may hold what
        is old, and its sink take it in these minutes: for BEHIND_S that is told only of a row that
        is the oldest in two looks.
        """
        now = self._clock.utc()
        oldest = await self._database.read(outgoing.oldest, self._out)
        oldest_s = 0.0 if oldest is None else max(0.0, now - oldest.at)
        lag_s, self._before_s = min(oldest_s, self._before_s), oldest_s
        stays, self._before = oldest == self._before, oldest
        if self._begun is None:
            self._begun = self._clock.monotonic()
        if stays or lag_s < BEHIND_S or self._clock.monotonic() - self._begun >= BEHIND_S:
            await self._record(SinkLag(now, lag_s))
