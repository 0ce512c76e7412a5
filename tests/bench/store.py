"""What the hub's database asks of those who wait for its one writer, at a tenth of a full site.

Live writes (a gateway's window and sixty positions, every 50 ms) are timed alone, while retention
deletes a day of everything, and while a backup is made; then what a start looks at.
"""

import asyncio
import math
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

from sqlalchemy import Connection

from gateway.model import Lane, Position, Presence
from gateway.settings import RetentionSettings
from gateway.store import checking, positions, retention, sightings
from gateway.store.backup import back_up
from gateway.store.database import Database
from gateway.store.sightings import Source
from tests.bench.figure import Figure
from tests.bench.full_store import NOW, build
from tests.unit.store.test_sightings import window

SHARE = 0.1
MEASURED_S = 15.0
EVERY_S = 0.05
TAGS = 60
HELD_LIMIT_MS = 100.0


class Live:
    """The hub's own writes; `waits_s` is how long each took, `wal_bytes` how large the WAL got."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seconds = count(NOW + 10)
        self.waits_s: list[float] = []
        self.wal_bytes = 0

    async def beside(
        self, work: Callable[[], Awaitable[object]], *, most_s: float = MEASURED_S
    ) -> "Live":
        """Write until `work` has ended, or for `most_s`; then `work` is cancelled."""
        self.waits_s, self.wal_bytes = [], 0
        task = asyncio.ensure_future(work())
        ends_at = time.perf_counter() + most_s
        while not task.done() and time.perf_counter() < ends_at:
            begun = time.perf_counter()
            await self._database.write(_second, next(self._seconds))
            self.waits_s.append(time.perf_counter() - begun)
            wal = Path(f"{self._database.path}-wal").stat().st_size  # noqa: ASYNC240 - microseconds
            self.wal_bytes = max(self.wal_bytes, wal)
            await asyncio.sleep(EVERY_S)
        task.cancel()
        await asyncio.wait([task])
        return self

    def wait_ms(self, share: float) -> float:
        """So many of the writes took no longer."""
        return 1_000 * sorted(self.waits_s)[int(share * (len(self.waits_s) - 1))]


def _second(connection: Connection, second: int) -> None:
    sightings.add_windows(connection, [window(second, seq=second, gateway="gw-09")])
    sightings.set_marks(connection, [Source("gw-09", "e1", Lane.LIVE, second)])
    found = [
        Position(float(second), f"t-{tag}", 140.88, 37.05, 4.5, 9.25, 3, Presence.TRACKED, ())
        for tag in range(TAGS)
    ]
    positions.add(connection, found)


def measure() -> Sequence[Figure]:
    """About a minute."""
    folder = Path(tempfile.mkdtemp())
    try:
        path = folder / "hub.sqlite"
        build(path, share=SHARE)
        return [*_start(path), *asyncio.run(_beside(path, folder / "copy.sqlite"))]
    finally:
        shutil.rmtree(folder)


def _start(path: Path) -> Sequence[Figure]:
    with closing(sqlite3.connect(path)) as file:
        begun = time.perf_counter()
        checking.vital_damage(file)
        vital_s = time.perf_counter() - begun
        file.execute("PRAGMA quick_check(1)").fetchone()
        whole_s = time.perf_counter() - begun - vital_s
    return [Figure("store: what a start checks", vital_s, "s", "all of the file, warm", whole_s)]


async def _beside(path: Path, copy: Path) -> Sequence[Figure]:
    async with Database(path) as database:
        live = Live(database)
        alone = (await live.beside(lambda: asyncio.sleep(MEASURED_S))).wait_ms(0.99)
        held_s: list[float] = []
        sweep = retention.Sweep(database, RetentionSettings(), pause=_noting(held_s))
        swept = (await live.beside(lambda: sweep.run(float(NOW)))).wait_ms(0.99)
        wal_mb = live.wal_bytes / 1e6
        begun = time.perf_counter()
        await live.beside(lambda: asyncio.to_thread(back_up, path, copy), most_s=math.inf)
        copying = live.wait_ms(0.99)
        copy_s = time.perf_counter() - begun
    longest_ms = 1_000 * max(held_s)
    size_mb = copy.stat().st_size / 1e6 if copy.exists() else 0.0  # noqa: ASYNC240 - at the end
    return [
        Figure("store: retention, longest delete", longest_ms, "ms", "limit", HELD_LIMIT_MS),
        Figure("store: rows forgotten", sum(sweep.counts.values()) / MEASURED_S, "rows/s"),
        Figure("store: a live commit (p99) beside retention", swept, "ms", "alone", alone),
        Figure("store: WAL beside retention, at most", wal_mb, "MB"),
        Figure("store: a live commit (p99) beside a backup", copying, "ms", "alone", alone),
        Figure("store: backup, copied and checked", size_mb / copy_s, "MB/s"),
    ]


def _noting(held_s: list[float]) -> Callable[[float], Awaitable[None]]:
    async def pause(seconds: float) -> None:
        held_s.append(seconds * retention.SHARE)
        await asyncio.sleep(seconds)

    return pause
