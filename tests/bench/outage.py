"""24 hours without a broker: the memory of an edge that goes on, and what its outbox then holds.

The edge's own code (hearing, spool, outbox on the disk, sender) takes a simulated day of 300
carriers at full speed, in a process of its own: `python -m tests.bench.outage DAY OUTBOX …`. Then
again with an outbox that is too small for it and drops.
"""

import argparse
import asyncio
import gc
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gateway.clock import Clock
from gateway.link.envelope import LONGEST_PAYLOAD, Kind
from gateway.link.flow import Row
from gateway.link.outbox import Outbox
from gateway.link.packing import unpack
from gateway.link.sender import Sender
from gateway.link.spool import Spool
from gateway.model import Gap, Lane, Rejected, Window
from tests.bench.budget_day import DAY_S, MIDNIGHT, Day, Listening, record
from tests.bench.figure import Figure
from tests.needs import ROOT

RECEIVERS, WALL_DB = 40, 35.0
HOURS, HOUR_S = 24, 3_600
ROOMY_MB, SMALL_MB = 2_000, 20  # a third of the day
COUNTED_EVERY_S = 10  # as the edge's status


class Outage(msgspec.Struct, frozen=True):
    """What an outage of so many seconds came to; `resident_mb` was looked at every so often."""

    resident_mb: tuple[float, ...]
    seconds: int
    rows: int
    size_mb: float
    file_mb: float
    dropped_rows: int
    unexplained_s: int
    """Seconds that are in no row and in no gap."""


class Nowhere:
    """No broker."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Is not reached."""
        return False


def measure() -> Sequence[Figure]:
    """With the default outbox, and with one that is full after some hours."""
    with tempfile.TemporaryDirectory() as folder:
        day = Path(folder) / "day"
        record(day, receivers=RECEIVERS, wall_db=WALL_DB)
        roomy = apart(day, Path(folder) / "roomy", max_mb=ROOMY_MB, looks=HOURS, every_s=HOUR_S)
        small = apart(day, Path(folder) / "small", max_mb=SMALL_MB, looks=HOURS, every_s=HOUR_S)
    return [*_figures("outage", roomy), *_figures(f"outage, {SMALL_MB} MB", small)]


def apart(day: Path, outbox: Path, *, max_mb: int, looks: int, every_s: int) -> Outage:
    """`suffer` in a process of its own."""
    given = (str(max_mb), str(looks), str(every_s))
    ran = subprocess.run(
        (sys.executable, "-m", "tests.bench.outage", day, outbox, *given),
        check=True,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    return msgspec.json.decode(ran.stdout, type=Outage)


async def suffer(file: Path, path: Path, *, max_mb: int, looks: int, every_s: int) -> Outage:
    """`looks` times `every_s` seconds of the day in `file`, nothing of which is sent."""
    resident_mb: list[float] = []
    async with (
        Outbox(path, max_bytes=max_mb * 1_000_000) as outbox,
        asyncio.TaskGroup() as tasks,
    ):
        sender = Sender(source=outbox, publisher=Nowhere(), name="gw-01", topic=str, clock=Clock())
        sending = tasks.create_task(sender.run(), name="sender")
        edge = Listening(Day(file), Spool(outbox), lane=sender.lane)
        for second in range(looks * every_s):
            await edge.hear(second)
            if second % COUNTED_EVERY_S == 0:
                await outbox.stats()
            if (second + 1) % every_s == 0:
                resident_mb.append(resident_now_mb())
        stats = await outbox.stats()
        explained = await _explained(outbox)
        sending.cancel()
    file_mb = await asyncio.to_thread(lambda: path.stat().st_size / 1e6)
    return Outage(
        resident_mb=tuple(resident_mb),
        seconds=looks * every_s,
        rows=stats.rows,
        size_mb=stats.size_bytes / 1e6,
        file_mb=file_mb,
        dropped_rows=stats.dropped_rows,
        unexplained_s=looks * every_s - len(explained),
    )


async def _explained(outbox: Outbox) -> set[int]:
    """The seconds of the day for which a window stands, or a gap."""
    found: set[int] = set()
    after = 0
    while rows := await outbox.read(Lane.BACKLOG, after=after, limit=500):
        after = rows[-1].seq
        for row in rows:
            if row.kind == Kind.SIGHTINGS:
                windows = msgspec.json.decode(_items(row), type=list[Window])
                found.update(int(window.second - MIDNIGHT) for window in windows)
            elif row.kind == Kind.GAP:
                for gap in msgspec.json.decode(_items(row), type=list[Gap]):
                    found.update(range(int(gap.since - MIDNIGHT), int(gap.until - MIDNIGHT)))
    return found & set(range(DAY_S))


def _items(row: Row) -> bytes:
    items = unpack(row.items, longest=LONGEST_PAYLOAD)
    assert not isinstance(items, Rejected), items
    return items


def resident_now_mb() -> float:
    """Of this process, after what can be freed is freed."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _figures(name: str, outage: Outage) -> Sequence[Figure]:
    first, *later = outage.resident_mb
    return [
        Figure(f"{name}: memory after 1 h", first, "MB", "MemoryMax", 384),
        Figure(f"{name}: … after 24 h", later[-1], "MB", "after 1 h", first),
        Figure(f"{name}: … the most of any hour", max(later), "MB", "after 1 h", first),
        Figure(f"{name}: … the least of any hour", min(later), "MB", "after 1 h", first),
        Figure(f"{name}: rows in the outbox", outage.rows, "rows", "seconds", outage.seconds),
        Figure(f"{name}: size of the outbox", outage.size_mb, "MB", "its file", outage.file_mb),
        Figure(f"{name}: rows that gaps stand for", outage.dropped_rows, "rows"),
        Figure(f"{name}: seconds in no row and no gap", outage.unexplained_s, "s"),
    ]


def main() -> None:
    """One outage, told as JSON."""
    given = argparse.ArgumentParser()
    given.add_argument("day", type=Path)
    given.add_argument("outbox", type=Path)
    given.add_argument("max_mb", type=int)
    given.add_argument("looks", type=int)
    given.add_argument("every_s", type=int)
    told = given.parse_args()
    suffered = suffer(
        told.day, told.outbox, max_mb=told.max_mb, looks=told.looks, every_s=told.every_s
    )
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(suffered)))


if __name__ == "__main__":
    main()
