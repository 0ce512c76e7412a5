"""The edge's outbox: append resolves when the row is on the disk; only a receipt deletes it.

One writer thread, group commit: appends that wait while a commit is under way share the next one.
Deleting waits for the next append's commit (it costs a write of its own otherwise, and SD cards
wear): after a crash some receipted rows are sent again, and the receiver knows them.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import structlog

from gateway.clock import ClockSetting
from gateway.epochs import NO_BASES, CaptureClock, Epochs
from gateway.link.acceptor import OUTBOX_LOST
from gateway.link.envelope import Item, Kind, Stream, encode_items
from gateway.link.flow import Row
from gateway.link.outbox_errors import CorruptError, OutboxError, UnwritableError
from gateway.link.outbox_file import (
    Append,
    Front,
    OutboxFile,
    OutboxReader,
    Received,
    Write,
    free_bytes_at,
    no_setting,
    open_outbox,
)
from gateway.link.outbox_schema import set_aside
from gateway.model import Gap, Lane

T = TypeVar("T")
_log = structlog.get_logger()


@dataclass(slots=True)
class _Job:
    write: Write
    done: asyncio.Future[int]

    def fail(self, error: BaseException) -> None:
        """What an error of the whole commit is to this one's caller, who raises his own."""
        if self.done.done():
            return
        if isinstance(error, OutboxError):
            own = type(error)(str(error))
            own.__cause__ = error
            error = own
        self.done.set_exception(error)


@dataclass(frozen=True, slots=True)
class OutboxStats:
    """For status and metrics. `oldest_since`: capture time of the oldest row that waits."""

    rows: int
    size_bytes: int
    dropped_rows: int
    oldest_since: float | None


class Outbox:
    """Open with `async with`; that raises OutboxError where the file cannot be written.

    A corrupt file is set aside, never deleted, also when it turns out to be while it is used: then
    `set_aside` names it, and a new one is begun. `setting` gives the clock's present setting; at
    the opening it is told the file's heartbeat, which a clock that is right cannot be behind.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int,
        setting: Callable[[float | None], ClockSetting] = no_setting,
        reserve_bytes: int = 32_000_000,
        free_bytes: Callable[[Path], int] = free_bytes_at,
        busy_s: float = 10.0,
    ) -> None:
        self.changed = asyncio.Event()
        self.set_aside: Path | None = None
        self._path = path
        self._setting = setting
        self._max_bytes = max_bytes
        self._reserve_bytes = reserve_bytes
        self._free_bytes = free_bytes
        self._busy_s = busy_s
        self._pending: list[_Job] = []  # bounded by its producers
        self._commits = False  # the writer thread is at work, or about to be
        self._receipted: dict[Lane, int] = {}
        self._undeleted: dict[Lane, int] = {}
        self._file: OutboxFile
        self._reader = OutboxReader(path)
        self._gone: CorruptError | None = None  # of a file in whose place there is none yet
        self._is_aside = False
        self._oldest_since: float | None = None
        self._writing: ThreadPoolExecutor
        self._reading: ThreadPoolExecutor
        self._stack: AsyncExitStack

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            self._writing = stack.enter_context(ThreadPoolExecutor(1, "outbox-write"))
            self._reading = stack.enter_context(ThreadPoolExecutor(1, "outbox-read"))
            self._file, self.set_aside = await loop.run_in_executor(self._writing, self._open)
            # Each on its own thread, behind what runs there: a caller that was cancelled has left
            # its call running, and SQLite does not survive a close under it.
            stack.push_async_callback(loop.run_in_executor, self._writing, self._close_file)
            await loop.run_in_executor(self._reading, self._reader.open)
            stack.push_async_callback(loop.run_in_executor, self._reading, self._reader.close)
            stack.push_async_callback(self._flush)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    @property
    def epochs(self) -> Epochs:
        """Those of its rows, and the newest, in which it writes."""
        return self._file.epochs

    @property
    def heartbeat(self) -> float | None:
        """UTC until which the edge is known to have listened; None in a new file."""
        return self._file.heartbeat

    async def append(
        self,
        lane: Lane,
        kind: Kind,
        items: Sequence[Item],
        *,
        since: float,
        until: float,
        heartbeat: float | None = None,
    ) -> int:
        """Store one row; returns its seq once it is committed.

        `since`/`until` are its capture times (a gap has them if the row must be dropped). A window
        passes its end as `heartbeat`, committed with it. Raises UnwritableError (disk full,
        read-only: nothing stored, try again) or CorruptError (open again).
        """
        body = encode_items(items)
        return await self.append_encoded(Append(lane, kind, body, since, until, heartbeat))

    async def append_encoded(self, row: Append) -> int:
        """`append` for a row whose items are encoded already."""
        seq = await self._commit(row)
        self.changed.set()
        return seq

    async def read(self, lane: Lane, *, after: int, limit: int) -> Sequence[Row]:
        """Rows of `lane` with a seq above `after`, in order. Raises OutboxError."""
        return await self._read(lambda: self._reader.read(lane, after=after, limit=limit))

    async def first(self, lane: Lane) -> int:
        """The lowest seq still held, or the next one to come. Raises OutboxError."""
        next_seq = self._file.last(lane) + 1  # before reading: an append meanwhile is a row held
        first = await self._read(lambda: self._reader.first(lane))
        held = next_seq if first is None else first
        return max(held, self._receipted.get(lane, 0) + 1)

    async def delete(self, lane: Lane, mark: int) -> None:
        """Rows up to `mark` are committed at the receiver; they go with the next commit."""
        self._receipted[lane] = max(mark, self._receipted.get(lane, 0))
        self._undeleted[lane] = max(mark, self._undeleted.get(lane, 0))

    async def marks(self) -> Mapping[Stream, int]:
        """What of the hub's rows was taken."""
        return await self._with_file(lambda file: file.marks())

    async def documents(self) -> Mapping[str, bytes]:
        """The last version of each document that was kept, encoded, by name."""
        return await self._with_file(lambda file: file.documents())

    async def commit_received(
        self, marks: Mapping[Stream, int], *, documents: Mapping[str, bytes]
    ) -> None:
        """Store new marks, and the documents that came, in one commit. Raises OutboxError."""
        await self._commit(Received(marks=marks, documents=documents))

    async def stats(self) -> OutboxStats:
        """Rows, bytes, age. Raises OutboxError."""
        fronts = await self._read(lambda: self._reader.fronts())
        self._oldest_since = self._since(fronts)
        return OutboxStats(
            rows=sum(self._file.rows.values()),
            size_bytes=self._file.size_bytes,
            dropped_rows=self._file.dropped_rows,
            oldest_since=self._oldest_since,
        )

    def _since(self, fronts: Sequence[Front]) -> float | None:
        """The least capture time, by the clock of now; rows that nobody can date do not count."""
        known = []
        for front in fronts:
            shift_s, clock = self.epochs.captured(self.epochs.of(front.lane, front.seq))
            if clock is not CaptureClock.UNKNOWN and front.since:
                known.append(front.since + shift_s)
        return min(known, default=None)

    async def _with_file(self, call: Callable[[OutboxFile], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writing, self._guarded, call)

    async def _read(self, call: Callable[[], T]) -> T:
        """`call` on the reader's thread. What it finds damaged is set aside; it may ask again."""
        loop, file = asyncio.get_running_loop(), self._file
        try:
            return await loop.run_in_executor(self._reading, call)
        except CorruptError as error:
            await loop.run_in_executor(self._writing, self._put_aside, file, error)
            raise

    def _guarded(self, call: Callable[[OutboxFile], T]) -> T:
        """In the writer thread: `call` on the file, or on the next one if it is found damaged."""
        if self._gone is not None:
            self._put_aside(self._file, self._gone)
        try:
            return call(self._file)
        except CorruptError as error:
            self._put_aside(self._file, error)
            return call(self._file)

    def _put_aside(self, old: OutboxFile, damage: CorruptError) -> None:
        """In the writer thread: a new file in the place of `old`, or at the next write.

        Raises OutboxError where the disk does not allow it now.
        """
        if old is not self._file:
            return  # both threads found it
        if self._gone is None:
            old.close()
            self._gone, self._is_aside = damage, False
        if not self._is_aside:
            self.set_aside, self._is_aside = set_aside(self._path), True
            _log.error(
                "the outbox is damaged and set aside; capture goes on in a new one. Check the card",
                file=str(self.set_aside),
                reason=str(damage),
            )
        self._file, _ = self._open({lane: old.last(lane) for lane in Lane})
        self._gone = None
        self._reading.submit(self._open_reader)
        if sum(old.rows.values()) and (gap := self._of_what_is_gone(old)) is not None:
            self._file.transact([gap], receipted={})

    def _of_what_is_gone(self, file: OutboxFile) -> Append | None:
        """The gap of what waited in a damaged file; None where nothing is known of it."""
        until = file.heartbeat
        since = until if self._oldest_since is None else self._oldest_since
        if since is None or until is None:
            return None
        gap = Gap(min(since, until), until, OUTBOX_LOST)
        body = encode_items([gap])
        now = self._setting(None)
        return Append(Lane.BACKLOG, Kind.GAP, body, gap.since, gap.until, setting=now)

    def _open_reader(self) -> None:
        self._reader.close()
        self._reader.open()

    def _close_file(self) -> None:
        self._file.close()

    def _open(self, after: Mapping[Lane, int] = NO_BASES) -> tuple[OutboxFile, Path | None]:
        return open_outbox(
            self._path,
            setting=self._setting,
            after=after,
            max_bytes=self._max_bytes,
            reserve_bytes=self._reserve_bytes,
            free_bytes=self._free_bytes,
            busy_s=self._busy_s,
        )

    async def _flush(self) -> None:
        """Delete what was receipted: a commit that writes nothing else."""
        try:
            await self._commit(Received(marks={}))
        except UnwritableError as error:
            _log.warning("receipted rows stay in the outbox and are sent again", error=str(error))

    async def _commit(self, write: Write) -> int:
        loop = asyncio.get_running_loop()
        job = _Job(write, loop.create_future())
        self._pending.append(job)
        if not self._commits:
            self._commits = True
            loop.call_soon(self._commit_pending)  # behind all who write in this turn of the loop
        return await job.done

    def _commit_pending(self) -> None:
        """One turn of the writer thread for all that waits; what comes meanwhile has the next."""
        jobs, self._pending = self._pending, []
        self._commits = bool(jobs)
        if not jobs:
            return
        receipted, self._undeleted = self._undeleted, {}
        writes = [job.write for job in jobs]
        loop = asyncio.get_running_loop()
        turn = self._writing.submit(
            self._guarded, lambda file: file.transact(writes, receipted=receipted)
        )
        turn.add_done_callback(
            lambda turn: loop.call_soon_threadsafe(self._settle, jobs, receipted, turn)
        )

    def _settle(
        self, jobs: Sequence[_Job], receipted: Mapping[Lane, int], turn: Future[list[int]]
    ) -> None:
        error = turn.exception()
        if error is None:
            for job, seq in zip(jobs, turn.result(), strict=True):
                if not job.done.done():  # its caller was cancelled
                    job.done.set_result(seq)
        else:
            for lane, mark in receipted.items():
                self._undeleted[lane] = max(mark, self._undeleted.get(lane, 0))
            for job in jobs:
                job.fail(error)
        self._commit_pending()
