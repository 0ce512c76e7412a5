"""The outbox's promise against a kill, a full disk and a read-only one: all real."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.link.envelope import Kind, Stream, encode_items
from gateway.link.outbox import Outbox
from gateway.link.outbox_errors import DiskFullError, OutboxError, ReadOnlyError
from gateway.link.outbox_file import SMALL_BYTES, Append, OutboxReader, no_setting, open_outbox
from gateway.link.spool import Spool
from gateway.model import Gap, Lane, Press
from tests.needs import missing
from tests.unit.link.world import items_of, press

SMALL_DISK_BYTES = 24_000_000
WAL_BYTES = 4_500_000  # SQLite checkpoints after 1,000 pages
APPENDER = """
import asyncio, sys
from pathlib import Path
from gateway.link.envelope import Kind
from gateway.link.outbox import Outbox
from gateway.model import Lane, Press

async def append(outbox, worker):
    number = 0
    while True:
        number += 1
        press = Press(at=float(number), receiver=str(worker), identifier="i", rssi_dbm=-70)
        lane = list(Lane)[worker % 3]
        seq = await outbox.append(lane, Kind.PRESS, [press], since=0.0, until=1.0)
        print(lane, seq, worker, number, flush=True)

async def main():
    async with Outbox(Path(sys.argv[1]), max_bytes=100_000_000) as outbox:
        async with asyncio.TaskGroup() as tasks:
            for worker in range(6):
                tasks.create_task(append(outbox, worker), name=f"worker {worker}")

asyncio.run(main())
"""


COMMITTER = """
import asyncio, sys
from pathlib import Path
from gateway.link.envelope import Stream
from gateway.link.outbox import Outbox
from gateway.model import Lane

async def main():
    stream = Stream("hub", "e9", Lane.URGENT)
    async with Outbox(Path(sys.argv[1]), max_bytes=100_000_000) as outbox:
        number = (await outbox.marks()).get(stream, 0)
        while True:
            number += 1
            kinds = ("light_orders", "overrides")
            documents = {kind: f"{kind} {number}".encode() for kind in kinds}
            await outbox.commit_received({stream: number}, documents=documents)
            print(number, flush=True)

asyncio.run(main())
"""


def test_what_the_hub_told_is_there_with_its_mark_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    stream = Stream("hub", "e9", Lane.URGENT)
    for life in range(1, 4):
        process = subprocess.Popen(
            [sys.executable, "-c", COMMITTER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        committed = 0
        for line in process.stdout:
            committed = int(line)
            if committed >= 200 * life:
                break
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
        file, aside = open_outbox(path, setting=no_setting, max_bytes=100_000_000)
        mark, documents = file.marks()[stream], file.documents()
        file.close()
        assert aside is None
        assert mark >= committed
        assert documents == {
            name: f"{name} {mark}".encode() for name in ("light_orders", "overrides")
        }


def test_every_append_that_returned_is_there_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    acknowledged: list[tuple[str, int, str, float]] = []
    for life in range(1, 4):
        process = subprocess.Popen(
            [sys.executable, "-c", APPENDER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            acknowledged.append(_parse(line))
            if len(acknowledged) >= 300 * life:
                break
        process.send_signal(signal.SIGKILL)
        acknowledged += [_parse(line) for line in process.stdout if line.endswith("\n")]
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
    reader = OutboxReader(path)
    reader.open()
    held = {
        (lane.value, row.seq, item.receiver, item.at)
        for lane in Lane
        for row in reader.read(lane, after=0, limit=1_000_000)
        for item in msgspec.json.decode(items_of(row), type=list[Press])
    }
    reader.close()
    assert len(acknowledged) >= 900
    assert set(acknowledged) <= held
    assert len({(lane, seq) for lane, seq, _, _ in acknowledged}) == len(acknowledged)


def _parse(line: str) -> tuple[str, int, str, float]:
    lane, seq, worker, number = line.split()
    return lane, int(seq), worker, float(number)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own; needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={SMALL_DISK_BYTES}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(["mount", *options], capture_output=True, check=False).returncode
    except FileNotFoundError:
        mounted = 1
    if mounted != 0:
        missing("the right to mount a small disk (root)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def row(number: int, *, size: int = 0, lane: Lane = Lane.LIVE) -> Append:
    items = encode_items([press(number, size=size)])
    return Append(lane, Kind.PRESS, items, since=float(number), until=number + 1.0)


def fill(disk: Path, *, leave_bytes: int) -> Path:
    """Another program's file, which leaves only so much."""
    other = disk / "other"
    other.write_bytes(b"\0" * (shutil.disk_usage(disk).free - leave_bytes))
    return other


async def append_until_full(outbox: Outbox) -> list[float]:
    stored: list[float] = []
    try:
        for number in range(1_000):
            await outbox.append_encoded(row(number, size=20_000))
            stored.append(float(number))
    except DiskFullError:
        return stored
    raise AssertionError("the disk never was full")


def outbox_on(disk: Path, free_bytes: Callable[[Path], int] = lambda _: 10**12) -> Outbox:
    """By default one that does not see the disk filling up, as where another program fills it."""
    return Outbox(disk / "outbox.sqlite", max_bytes=100_000_000, free_bytes=free_bytes)


async def numbers(outbox: Outbox, lane: Lane = Lane.LIVE) -> list[float]:
    rows = await outbox.read(lane, after=0, limit=10_000)
    presses = [held for held in rows if held.kind == Kind.PRESS]
    return [msgspec.json.decode(items_of(held), type=list[Press])[0].at for held in presses]


async def test_a_full_disk_is_a_clear_error_and_the_outbox_works_on_when_there_is_space(
    small_disk: Path,
) -> None:
    ballast = fill(small_disk, leave_bytes=2_000_000)
    async with outbox_on(small_disk) as outbox:
        stored = await append_until_full(outbox)
        with pytest.raises(DiskFullError, match=r"outbox\.sqlite: the disk is full\. Free"):
            await outbox.append_encoded(row(5_000, size=20_000))
        assert await numbers(outbox) == stored
        ballast.unlink()
        assert await outbox.append_encoded(row(9_999)) == len(stored) + 1
        assert await numbers(outbox) == [*stored, 9_999.0]
    async with outbox_on(small_disk) as outbox:
        assert await numbers(outbox) == [*stored, 9_999.0]


async def test_the_spool_bridges_a_full_disk_without_a_loss(small_disk: Path) -> None:
    async with outbox_on(small_disk) as outbox:
        spool = Spool(outbox)
        await spool.put(row(0))
        ballast = fill(small_disk, leave_bytes=1_000_000)
        number = 0
        while spool.held < 50:
            number += 1
            await spool.put(row(number, size=20_000))
        ballast.unlink()
        await spool.put(row(number + 1))
        assert (spool.held, spool.lost) == (0, 0)
        assert await numbers(outbox) == [float(each) for each in range(number + 2)]


async def test_what_the_spool_could_not_hold_is_a_gap_on_the_disk(small_disk: Path) -> None:
    async with outbox_on(small_disk) as outbox:
        spool = Spool(outbox)
        await spool.put(row(0))
        ballast = fill(small_disk, leave_bytes=0)
        number = 0
        while spool.lost < 20:
            number += 1
            await spool.put(row(number, size=10_000))
        ballast.unlink()
        await spool.put(row(number + 1))
        # A gap is small: the block that was the log's last may still have room for it.
        gaps = [
            msgspec.json.decode(items_of(gap_row), type=list[Gap])[0]
            for gap_row in await outbox.read(Lane.BACKLOG, after=0, limit=50)
        ]
        held = await numbers(outbox)
        lost = [each for each in range(number + 2) if float(each) not in held]
        assert len(lost) == 20
        named = [second for gap in gaps for second in range(int(gap.since), int(gap.until))]
        assert named == lost


async def test_an_outbox_that_watches_its_disk_drops_its_oldest_rows_and_never_fails(
    small_disk: Path,
) -> None:
    """The disk is nearly full from the start: 4 MB of rows is what the outbox allows itself."""
    fill(small_disk, leave_bytes=SMALL_BYTES + WAL_BYTES + 1_000_000)
    outbox = Outbox(
        small_disk / "outbox.sqlite", max_bytes=100_000_000, reserve_bytes=SMALL_DISK_BYTES
    )
    async with outbox:
        for number in range(800):
            await outbox.append_encoded(row(number, size=20_000))
        stats = await outbox.stats()
        held = await numbers(outbox)
        assert stats.dropped_rows == 800 - len(held)
        assert held == [float(each) for each in range(800 - len(held), 800)]
        assert stats.size_bytes <= SMALL_BYTES
        assert len(held) > 150


def _remount(disk: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)


async def test_a_disk_that_turns_read_only_is_a_clear_error(small_disk: Path) -> None:
    async with outbox_on(small_disk) as outbox:
        await outbox.append_encoded(row(1))
    _remount(small_disk, "ro")
    try:
        with pytest.raises(ReadOnlyError, match=r"outbox\.sqlite: "):
            await outbox_on(small_disk).__aenter__()
    finally:
        _remount(small_disk, "rw")
    async with outbox_on(small_disk) as outbox:
        assert await numbers(outbox) == [1.0]


async def test_a_file_that_another_process_holds_is_a_clear_error(tmp_path: Path) -> None:
    async with outbox_on(tmp_path) as outbox:
        await outbox.append_encoded(row(1))
    other = sqlite3.connect(tmp_path / "outbox.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutboxError, match="another process holds it"):
        await Outbox(tmp_path / "outbox.sqlite", max_bytes=1_000_000, busy_s=0.1).__aenter__()
    other.close()
