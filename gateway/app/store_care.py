"""Keeps the hub's database small and watched: what is old goes, and damage is told."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from gateway.alerts.happenings import StoreDamaged
from gateway.app.sweep_time import SweepTime
from gateway.clock import Clock, ThisMachine
from gateway.settings import HubSettings
from gateway.store.checking import large_damage
from gateway.store.database import Database
from gateway.store.errors import StoreError
from gateway.store.outgoing import Queue
from gateway.store.retention import Sweep, swept_at
from gateway.store.trimming import Trimming

FORGET_EVERY_S = 600.0
LOOK_EVERY_S = 86_400.0
LOOK_SOON_S = 120.0  # after a start that followed no orderly end: first what waits is taken
LOOK_AGAIN_S = 3_600.0  # a look reads everything, and who meets damage meets it all the time
PAUSE_S = 60.0  # between two tellings

_log = structlog.get_logger()


class StoreCare:
    """`works` are to run as long as the hub does. `record` judges and stores what it saw."""

    def __init__(
        self,
        database: Database,
        settings: HubSettings,
        clock: Clock,
        record: Callable[[StoreDamaged], Awaitable[None]],
        *,
        out: Queue,
    ) -> None:
        self._database = database
        self._clock = clock
        self._record = record
        self._sweep = Sweep(database, settings.retention)
        self._time = SweepTime(clock, vouched=ThisMachine().synchronised)
        self._looked_at = float("-inf")
        most_mb = settings.out_max_mb if settings.sink else 0
        self._trimming = Trimming(database, out, max_bytes=most_mb * 1_000_000)

    async def begin(self, site: str) -> None:
        """Before the site is stepped on: see what the time was. Raises StoreError."""
        self._time.begin(await self._database.read(swept_at, site))

    def works(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """By name."""
        return {"retention": self.forget, "store watch": self.watch}

    async def forget(self) -> None:
        """Until cancelled."""
        while True:
            for work in (self._trimming.run, lambda: self._sweep.run(self._time.now())):
                try:
                    await work()
                except StoreError as error:
                    _log.error("what is old was not deleted", reason=str(error))
            await asyncio.sleep(FORGET_EVERY_S)

    async def watch(self) -> None:
        """Look soon after a bad end, then daily, and where a read or a write met damage."""
        wait_s = LOOK_SOON_S if self._database.left_open else LOOK_EVERY_S
        while True:
            met = await self._met_damage(within_s=wait_s)
            try:
                await self.look(met=met)
            except StoreError as error:
                _log.error("whether the database is sound is not known", reason=str(error))
            await asyncio.sleep(PAUSE_S)
            wait_s = LOOK_EVERY_S

    async def look(self, *, met: bool) -> None:
        """Tell of damage in the large tables, or that some was `met`. Raises StoreError."""
        found: list[str] = []
        if self._clock.monotonic() - self._looked_at >= LOOK_AGAIN_S:
            found = await large_damage(self._database.path)
            self._looked_at = self._clock.monotonic()
        for where in found:
            _log.error("the database is damaged", where=where)
        if found or met:
            _log.error(
                "a part of the database cannot be read; the rest goes on. Stop the hub, put back a "
                "backup (machimori restore FILE), and check the disk",
                database=str(self._database.path),
            )
            await self._record(StoreDamaged(self._clock.utc()))

    async def _met_damage(self, *, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self._database.damaged.wait()
        except TimeoutError:
            return False
        self._database.damaged.clear()
        return True
