import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.link.envelope import Kind, Stream, encode_items
from gateway.link.outbox import Outbox
from gateway.link.outbox_errors import ReadOnlyError
from gateway.model import Gap, Lane
from tests.unit.link.world import items_of, press

MAX_BYTES = 1_000_000


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    async with Outbox(tmp_path / "outbox.sqlite", max_bytes=MAX_BYTES) as opened:
        yield opened


async def append(outbox: Outbox, number: int, *, lane: Lane = Lane.LIVE) -> int:
    return await outbox.append(
        lane,
        Kind.PRESS,
        [press(number)],
        since=float(number),
        until=number + 1.0,
        heartbeat=number + 1.0,
    )


async def test_an_append_can_be_read_when_it_returns(outbox: Outbox) -> None:
    assert await append(outbox, 1) == 1
    assert outbox.changed.is_set()
    (row,) = await outbox.read(Lane.LIVE, after=0, limit=10)
    assert (row.lane, row.seq, row.kind) == (Lane.LIVE, 1, Kind.PRESS)
    assert items_of(row) == encode_items([press(1)])


async def test_appends_at_once_all_get_a_seq_of_their_own_in_order(outbox: Outbox) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(append(outbox, n), name=f"append {n}") for n in range(50)]
    assert [task.result() for task in running] == list(range(1, 51))
    rows = await outbox.read(Lane.LIVE, after=0, limit=100)
    assert [items_of(row) for row in rows] == [encode_items([press(n)]) for n in range(50)]


async def test_a_deleted_row_is_no_longer_the_first(outbox: Outbox) -> None:
    for number in range(3):
        await append(outbox, number)
    await outbox.delete(Lane.LIVE, 2)
    assert await outbox.first(Lane.LIVE) == 3
    await outbox.delete(Lane.LIVE, 3)
    assert await outbox.first(Lane.LIVE) == 4


async def test_a_row_appended_while_the_first_is_asked_for_is_not_passed_over(
    outbox: Outbox,
) -> None:
    for number in range(1, 30):
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(outbox.first(Lane.LIVE), name="first")
            tasks.create_task(append(outbox, number), name="append")
        assert asked.result() <= number
        await outbox.delete(Lane.LIVE, number)


async def test_deleted_rows_go_with_the_next_append(outbox: Outbox) -> None:
    await append(outbox, 1)
    await outbox.delete(Lane.LIVE, 1)
    await append(outbox, 2)
    stats = await outbox.stats()
    assert (stats.rows, stats.oldest_since) == (1, 2.0)


async def test_deleted_rows_are_gone_after_closing(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    async with Outbox(path, max_bytes=MAX_BYTES) as outbox:
        await append(outbox, 1)
        await outbox.delete(Lane.LIVE, 1)
    async with Outbox(path, max_bytes=MAX_BYTES) as outbox:
        assert (await outbox.stats()).rows == 0
        assert await append(outbox, 2) == 2


async def test_it_closes_behind_the_read_of_a_cancelled_caller(tmp_path: Path) -> None:
    """Closing under a running query ends the whole process (use after free in SQLite)."""
    file, large = tmp_path / "outbox.sqlite", 100 * MAX_BYTES
    async with Outbox(file, max_bytes=large) as outbox, asyncio.TaskGroup() as tasks:
        for number in range(2_000):
            tasks.create_task(append(outbox, number), name="append")
    for _ in range(20):
        async with Outbox(file, max_bytes=large) as outbox:
            reading = asyncio.create_task(outbox.read(Lane.LIVE, after=0, limit=2_000), name="read")
            await asyncio.sleep(0)  # its thread begins
            reading.cancel()
            await asyncio.wait([reading])
        assert reading.cancelled()


async def test_the_heartbeat_of_the_last_window_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    async with Outbox(path, max_bytes=MAX_BYTES) as outbox:
        assert outbox.heartbeat is None
        await append(outbox, 9)
    async with Outbox(path, max_bytes=MAX_BYTES) as outbox:
        assert outbox.heartbeat == 10.0


async def test_an_outbox_that_is_damaged_while_it_is_used_is_set_aside_and_capture_goes_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "outbox.sqlite"
    async with Outbox(path, max_bytes=100 * MAX_BYTES) as outbox:
        for number in range(1, 200):
            await append(outbox, number)
        assert (await outbox.stats()).oldest_since == 1.0
        _overwrite(path)
        size = path.stat().st_size
        held = outbox.epochs.newest.name
        assert [await append(outbox, number) for number in (200, 201)] == [200, 201]
        assert outbox.set_aside is not None
        assert outbox.set_aside.stat().st_size >= size
        assert (held in outbox.epochs, outbox.epochs.newest.is_first) == (False, True)
        assert [row.seq for row in await outbox.read(Lane.LIVE, after=0, limit=9)] == [200, 201]
        assert await outbox.first(Lane.LIVE) == 200
        (told,) = await outbox.read(Lane.BACKLOG, after=0, limit=9)
        assert items_of(told) == encode_items([Gap(1.0, 200.0, "outbox_lost")])


async def test_a_damaged_outbox_that_cannot_be_set_aside_now_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card that fails turns read-only as well: the spool holds the rows meanwhile."""
    path = tmp_path / "outbox.sqlite"

    def read_only(_: Path) -> Path:
        raise ReadOnlyError("the disk is read-only")

    async with Outbox(path, max_bytes=100 * MAX_BYTES) as outbox:
        for number in range(1, 200):
            await append(outbox, number)
        _overwrite(path)
        with monkeypatch.context() as disk:
            disk.setattr("gateway.link.outbox.set_aside", read_only)
            for _ in range(2):
                with pytest.raises(ReadOnlyError):
                    await append(outbox, 200)
        assert await append(outbox, 201) == 200
        assert outbox.set_aside is not None


def _overwrite(path: Path) -> None:
    """All but the first page, with nothing left in the log."""
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xa5" * (size - 4_096))


async def test_marks_and_documents_are_kept_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    marks = {Stream("hub", "e9", Lane.URGENT): 2}
    async with Outbox(path, max_bytes=MAX_BYTES) as outbox:
        await outbox.commit_received(marks, documents={"orders": b"[]"})
    async with Outbox(path, max_bytes=MAX_BYTES) as outbox:
        assert await outbox.marks() == marks
        assert await outbox.documents() == {"orders": b"[]"}


async def test_a_corrupt_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    path.write_bytes(b"garbage" * 1_000)
    async with Outbox(path, max_bytes=MAX_BYTES) as outbox:
        assert outbox.set_aside is not None
        assert outbox.set_aside.read_bytes() == b"garbage" * 1_000
        assert await append(outbox, 1) == 1


async def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "outbox.sqlite"
    with pytest.raises(ReadOnlyError, match=r"nowhere/outbox\.sqlite: cannot be opened.*folder"):
        await Outbox(path, max_bytes=MAX_BYTES).__aenter__()
