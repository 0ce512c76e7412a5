"""An outbox by itself: what an append costs, and whether a million rows of backlog are felt.

Appending is compared with what SQLite gives at all: the same items, 100 rows a commit, WAL and
FULL, by a loop that does nothing else. A hundred producers each wait for their row's commit before
the next, so the outbox's commits are at most as large. The rows are a tag's second at a pole, and
a second of thirty readings.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path

from gateway.link.envelope import Kind
from gateway.link.outbox import Outbox
from gateway.link.outbox_file import Append
from gateway.model import Lane
from tests.bench.figure import Figure
from tests.bench.link import second_of

PRODUCERS = 100
APPENDED = 10_000
SIZES = (1, 30)  # readings
BACKLOG_ROWS = 100_000
AT_ONCE = 2_000
TRIES = 50
WANTED = 0.5
FELT = 3.0  # times as long as in an empty outbox


def measure() -> Sequence[Figure]:
    """Rows per second, and times with a million rows beside those with none."""
    with tempfile.TemporaryDirectory() as folder:
        return [*_appending(Path(folder)), *asyncio.run(_behind_a_million(Path(folder)))]


def _appending(folder: Path) -> Sequence[Figure]:
    figures = []
    for items in SIZES:
        bodies = [second_of(second, items=items) for second in range(APPENDED)]
        plain = _plain(folder / f"plain-{items}.sqlite", bodies)
        ours = asyncio.run(_outbox(folder / f"outbox-{items}.sqlite", bodies))
        name = f"outbox: appends of {items} readings, {PRODUCERS} producers"
        figures.append(Figure(name, ours, "rows/s", "sqlite3 alone, same rows", plain))
    return figures


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
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "CREATE TABLE row (id INTEGER PRIMARY KEY, kind, since, until, items)"
        )
        begun = time.perf_counter()
        for first in range(0, len(bodies), PRODUCERS):
            some = bodies[first : first + PRODUCERS]
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                "INSERT INTO row (kind, since, until, items) VALUES ('sightings', 0.0, 1.0, ?)",
                [(body,) for body in some],
            )
            db.execute("COMMIT")
        return len(bodies) / (time.perf_counter() - begun)


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
