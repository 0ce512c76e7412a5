"""Once a night the receivers are calibrated, by a process of its own beside the hub.

A thread would take the interpreter from the steps: measured, a step of 300 tags took six times as
long. And what goes wrong in there, or takes too much memory, ends there.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from gateway.clock import Clock
from gateway.settings import CalibrationSettings, Settings, as_environment

LOOK_EVERY_S = 30.0
LONGEST_S = 6 * 3_600.0

_log = structlog.get_logger()


def next_night(after: float, *, hour: int, time_zone: str) -> float:
    """The first time after `after` that the clocks show `hour`."""
    local = datetime.fromtimestamp(after, ZoneInfo(time_zone))
    night = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    if night.timestamp() <= after:
        night += timedelta(days=1)
    return night.timestamp()


class Nights:
    """Calls `learn` once a night; it says whether all went well. `counts`: nights, nights_failed.

    A night in which the hub is stopped, or the learning fails, is left to the next one.
    """

    def __init__(
        self, settings: CalibrationSettings, clock: Clock, learn: Callable[[], Awaitable[bool]]
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._settings = settings
        self._clock = clock
        self._learn = learn

    async def run(self) -> None:
        """Until cancelled, or at once over where the settings want no nights."""
        before: float | None = None
        while self._settings.nightly:
            now = self._clock.utc() if self._clock.synced() else None
            if before is not None and now is not None and self._due(before) <= now:
                await self._take_lesson()
            before = now
            await asyncio.sleep(LOOK_EVERY_S / self._clock.rate)

    def _due(self, before: float) -> float:
        known = self._settings
        return next_night(before, hour=known.hour, time_zone=known.time_zone)

    async def _take_lesson(self) -> None:
        self.counts["nights"] += 1
        try:
            went_well = await self._learn()
        except OSError as error:  # also of a lesson that took too long
            _log.error("the receivers could not be calibrated", reason=str(error))
            went_well = False
        if not went_well:
            self.counts["nights_failed"] += 1
            _log.error("the receivers stay as they were; the next night tries again")


async def learn_beside(settings: Settings) -> bool:
    """`machimori calibration run` with these settings; whether it went well.

    Raises OSError where the process cannot be started, TimeoutError where it does not end.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", "calibration", "run", "--config", os.devnull),
        env={**os.environ, **as_environment(settings)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            return await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
