"""An outbox by itself: what an append costs, and whether a million rows of backlog are felt.

A hundred producers each wait for their row's commit before they append the next. The outbox is
compared with the least that can be had for them: SQLite with WAL and FULL, one writer thread that
commits whatever waits, the same items as they are. Beside it stands what SQLite gives to a loop
that waits for nobody, 100 rows a commit. The rows are a tag's second at a pole, a second of thirty
readings, and one of a hundred.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from gateway.link.envelope import Kind
from gateway.link.outbox import Outbox
from gateway.link.outbox_file import Append
from gateway.model import Lane
from tests.bench.figure import Figure
from tests.bench.link import second_of

PRODUCERS = 100
APPENDED = 10_000
SIZES = (1, 30, 100)  # readings
BACKLOG_ROWS = 1_000_000
AT_ONCE = 2_000
TRIES = 50
FELT = 3.0  # times as long as in an empty outbox


def measure() -> Sequence[Figure]:
    """Rows per second, and times with a million rows beside those with none."""
    with tempfile.TemporaryDirectory() as folder:
        return [*_appending(Path(folder)), *asyncio.run(_behind_a_million(Path(folder)))]


def _appending(folder: Path) -> Sequence[Figure]:
    figures = []
    for items in SIZES:
        bodies = [second_of(second, items=items) for second in range(APPENDED)]
        loop = _plain(folder / f"plain-{items}.sqlite", bodies)
        group = asyncio.run(_group(folder / f"group-{items}.sqlite", bodies))
        ours = asyncio.run(_outbox(folder / f"outbox-{items}.sqlite", bodies))
        name = f"outbox: appends of {items} readings, {PRODUCERS} producers"
        figures.append(Figure(name, ours, "rows/s", "sqlite3 group commit for the same", group))
        figures.append(Figure(name, ours, "rows/s", "sqlite3 in a bare loop", loop))
    return figures


class _Group:
    """Raw group commit: a thread takes whatever waits, inserts it, commits, and tells."""

    def __init__(self, file: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[tuple[bytes, asyncio.Future[None]] | None] = SimpleQueue()
        self._file = file

    def append(self, body: bytes) -> asyncio.Future[None]:
        """Done when it is committed."""
        done = self._loop.create_future()
        self._waiting.put((body, done))
        return done

    def write(self) -> None:
        """In its thread, until `end`."""
        with closing(_opened(self._file)) as db:
            while (first := self._waiting.get()) is not None:
                some = [first]
                while not self._waiting.empty() and (more := self._waiting.get()) is not None:
                    some.append(more)
                _commit(db, [body for body, _ in some])
                self._loop.call_soon_threadsafe(_tell, [done for _, done in some])

    def end(self) -> None:
        """No more."""
        self._waiting.put(None)


def _tell(waiting: Sequence[asyncio.Future[None]]) -> None:
    for done in waiting:
        done.set_result(None)


async def _group(file: Path, bodies: Sequence[bytes]) -> float:
    left, group = iter(bodies), _Group(file)

    async def produce() -> None:
        for body in left:
            await group.append(body)

    writing = Thread(target=group.write)
    writing.start()
    begun = time.perf_counter()
    await asyncio.gather(*(produce() for _ in range(PRODUCERS)))
    spent = time.perf_counter() - begun
    group.end()
    writing.join()
    return len(bodies) / spent


async def _outbox(file: Path, bodies: Sequence[bytes]) -> float:
    left = iter(bodies)

    async def produce(outbox: Outbox) -> None:
        for body in left:
            await outbox.append_encoded(_row(Lane.LIVE, body))

    async with Outbox(file, max_bytes=4_000_000_000) as outbox:
        begun = time.perf_counter()
        await asyncio.gather(*(produce(outbox) for _ in range(PRODUCERS)))
        return len(bodies) / (time.perf_counter() - begun)


def _plain(file: Path, bodies: Sequence[bytes]) -> float:
    with closing(_opened(file)) as db:
        begun = time.perf_counter()
        for first in range(0, len(bodies), PRODUCERS):
            _commit(db, bodies[first : first + PRODUCERS])
        return len(bodies) / (time.perf_counter() - begun)


def _opened(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, isolation_level=None)
    db.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE row (id INTEGER PRIMARY KEY, kind, since, until, items)"
    )
    return db


def _commit(db: sqlite3.Connection, bodies: Sequence[bytes]) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.executemany(
        "INSERT INTO row (kind, since, until, items) VALUES ('sightings', 0.0, 1.0, ?)",
        [(body,) for body in bodies],
    )
    db.execute("COMMIT")


async def _behind_a_million(folder: Path) -> Sequence[Figure]:
    empty, full = folder / "empty.sqlite", folder / "million.sqlite"
    content = await _fill(full)
    limits = {empty: 4_000_000_000, full: 4_000_000_000}
    times = {file: await _times(file, limit) for file, limit in limits.items()}
    names = ("opened", "append", "urgent row read", "live row read", "receipted rows deleted")
    figures = [
        Figure(f"outbox of a million rows: {name}", ours, "ms", "of none, three times", FELT * none)
        for name, none, ours in zip(names, times[empty], times[full], strict=True)
    ]
    dropping = await _times(full, content)  # every append drops some of the oldest
    return [
        *figures,
        Figure(
            "outbox of a million rows, full: append", dropping[1], "ms", "not full", times[full][1]
        ),
    ]


async def _fill(file: Path) -> int:
    """A million rows of backlog; returns their size."""
    body = second_of(0, items=1)
    async with Outbox(file, max_bytes=4_000_000_000) as outbox:
        for _ in range(0, BACKLOG_ROWS, AT_ONCE):
            rows = [outbox.append_encoded(_row(Lane.BACKLOG, body)) for _ in range(AT_ONCE)]
            await asyncio.gather(*rows)
        return (await outbox.stats()).size_bytes


async def _times(file: Path, max_bytes: int) -> tuple[float, ...]:
    """In ms: opening; and the median of an append, of two reads, and of an append that deletes."""
    begun = time.perf_counter()
    async with Outbox(file, max_bytes=max_bytes, reserve_bytes=0) as outbox:
        opened_ms = 1_000 * (time.perf_counter() - begun)
        body = second_of(1, items=1)

        async def append(lane: Lane) -> int:
            return await outbox.append_encoded(_row(lane, body))

        async def read(lane: Lane) -> None:
            first = await outbox.first(lane)
            assert len(await outbox.read(lane, after=first - 1, limit=64)) > 0

        async def append_and_delete() -> None:
            await outbox.delete(Lane.LIVE, await append(Lane.LIVE))

        await append(Lane.URGENT)
        return (
            opened_ms,
            await _median_ms(lambda: append(Lane.LIVE)),
            await _median_ms(lambda: read(Lane.URGENT)),
            await _median_ms(lambda: read(Lane.LIVE)),
            await _median_ms(append_and_delete),
        )


async def _median_ms(work: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(TRIES):
        begun = time.perf_counter()
        await work()
        times.append(1_000 * (time.perf_counter() - begun))
    return sorted(times)[TRIES // 2]


def _row(lane: Lane, body: bytes) -> Append:
    return Append(lane, Kind.SIGHTINGS, body, 0.0, 1.0)
