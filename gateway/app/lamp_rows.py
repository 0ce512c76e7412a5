"""What an edge tells of its lamps, as rows on their way to the disk."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
import structlog

from gateway.clock import ClockSetting
from gateway.lamps import LampEvent, LampReading, Outcome
from gateway.link.envelope import Item, Kind, encode_items
from gateway.link.outbox_file import Append
from gateway.model import Lane

OPEN_EVENTS = "open_lamp_events"  # the document in which the edge keeps its open faults
MAX_WAITING = 1_000  # rows; the newest are dropped, and counted

_log = structlog.get_logger()


class RowStore(Protocol):
    """The spool."""

    async def put(self, row: Append) -> None:
        """Store one row, now or as soon as the disk takes it."""
        ...


class LampRows:
    """Takes what is to be told at once; `store` brings it to `spool`. `counts`: rows by kind.

    `setting`: what the clock goes by now.
    """

    def __init__(
        self, spool: RowStore, *, lane: Callable[[], Lane], setting: Callable[[], ClockSetting]
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._setting = setting
        self._spool = spool
        self._lane = lane
        self._waiting: asyncio.Queue[Append] = asyncio.Queue(MAX_WAITING)

    def readings(self, readings: Sequence[LampReading]) -> None:
        """Of several lamps, in one row."""
        times = [one.at for one in readings]
        self._put(self._lane(), Kind.LAMP_READINGS, readings, min(times), max(times))

    def events(self, events: Sequence[LampEvent], *, still_open: Sequence[LampEvent]) -> None:
        """Faults that began or ended, with all that are open after them: both are kept in one
        commit, so that the next process ends what this one began."""
        times = [event.start if event.end is None else event.end for event in events]
        self._put(
            *(Lane.URGENT, Kind.LAMP_EVENTS, events, min(times), max(times)),
            documents={OPEN_EVENTS: msgspec.json.encode(still_open)},
        )

    def outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """What became of overrides."""
        times = [one.at for one in outcomes]
        self._put(Lane.URGENT, Kind.OUTCOMES, outcomes, min(times), max(times))

    async def store(self) -> None:
        """Store rows until cancelled."""
        while True:
            await self._spool.put(await self._waiting.get())

    async def store_waiting(self) -> None:
        """Store the rows that wait now."""
        while not self._waiting.empty():
            await self._spool.put(self._waiting.get_nowait())

    def _put(
        self,
        lane: Lane,
        kind: Kind,
        items: Sequence[Item],
        since: float,
        until: float,
        *,
        documents: Mapping[str, bytes] | None = None,
    ) -> None:
        row = Append(
            *(lane, kind, encode_items(items), since, until),
            documents=documents or {},
            setting=self._setting(),
        )
        try:
            self._waiting.put_nowait(row)
        except asyncio.QueueFull:
            self.counts["lamp_rows_dropped"] += 1
        else:
            self.counts[f"rows_{kind}"] += 1


def open_events(documents: Mapping[str, bytes]) -> tuple[LampEvent, ...]:
    """The faults that were open when the last process ended; none where that cannot be read."""
    try:
        return msgspec.json.decode(documents.get(OPEN_EVENTS, b"[]"), type=tuple[LampEvent, ...])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _log.warning("the lamps' open faults cannot be read", reason=str(error))
        return ()
