"""Between capture and outbox: keeps rows in memory while the disk does not take them.

Store first, then send; but a full disk must neither stop the capture nor end the process.
"""

import asyncio
from collections import deque
from typing import Protocol

import structlog

from gateway.clock import ClockSetting
from gateway.link.envelope import Kind, encode_items
from gateway.link.outbox_errors import UnwritableError
from gateway.link.outbox_file import Append
from gateway.model import Gap, Lane

MAX_HELD = 600  # ten minutes of windows
MAX_HELD_URGENT = 10_000
LOST = "disk_full"
_log = structlog.get_logger()


class Appender(Protocol):
    """The outbox."""

    async def append_encoded(self, row: Append) -> int:
        """Commit one row; raises UnwritableError where the disk does not take it now."""
        ...


class Spool:
    """`put` never fails on a full disk; what memory cannot hold becomes one gap row later.

    Urgent rows are kept when others are dropped. `held` and `lost` are for status and metrics.
    """

    def __init__(self, outbox: Appender) -> None:
        self.lost = 0
        self._outbox = outbox
        self._rows: deque[Append] = deque()
        self._urgent: deque[Append] = deque()
        self._gap: Append | None = None
        self._flushing = asyncio.Lock()

    @property
    def held(self) -> int:
        """Rows in memory that are not on the disk."""
        return len(self._rows) + len(self._urgent)

    async def put(self, row: Append) -> None:
        """Store `row`, or hold it until a later `put` finds the disk working again."""
        if not self.held and not self._gap:
            try:
                await self._outbox.append_encoded(row)
            except UnwritableError as error:
                self._hold(row)
                _log.error("rows are held in memory", reason=str(error))
            return
        self._hold(row)
        await self._flush()
        while len(self._urgent) > MAX_HELD_URGENT:
            self._lose(self._urgent.popleft())
        while len(self._rows) > MAX_HELD:
            self._lose(self._rows.popleft())

    def _hold(self, row: Append) -> None:
        (self._urgent if row.lane is Lane.URGENT else self._rows).append(row)

    def _lose(self, row: Append) -> None:
        self.lost += 1
        lost = _gap(row.since, row.until, row.setting)
        self._gap = lost if self._gap is None else _joined(self._gap, lost)

    async def _flush(self) -> None:
        async with self._flushing:
            try:
                await self._flush_queue(self._urgent)
                await self._flush_gap()
                await self._flush_queue(self._rows)
            except UnwritableError:
                return  # said when it began; held until a later put
            _log.info("rows held in memory are on the disk now", lost=self.lost)

    async def _flush_queue(self, queue: deque[Append]) -> None:
        while queue:
            if queue is self._rows and self._urgent:  # came while these were on their way
                await self._flush_queue(self._urgent)
            row = queue.popleft()
            try:
                await self._outbox.append_encoded(row)
            except UnwritableError:
                queue.appendleft(row)
                raise

    async def _flush_gap(self) -> None:
        gap, self._gap = self._gap, None
        if gap is None:
            return
        try:
            await self._outbox.append_encoded(gap)
        except UnwritableError:
            self._gap = gap if self._gap is None else _joined(gap, self._gap)
            raise


def _gap(since: float, until: float, setting: ClockSetting | None) -> Append:
    body = encode_items([Gap(since=since, until=until, reason=LOST)])
    return Append(Lane.BACKLOG, Kind.GAP, body, since, until, setting=setting)


def _joined(one: Append, next_one: Append) -> Append:
    """One gap for both, by the clock of the later."""
    ahead_s = 0.0
    if one.setting is not None and next_one.setting is not None:
        ahead_s = next_one.setting.offset_s - one.setting.offset_s
    since, until = one.since + ahead_s, one.until + ahead_s
    return _gap(min(since, next_one.since), max(until, next_one.until), next_one.setting)
