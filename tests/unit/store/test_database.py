"""The writer, its groups, and the readers."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from gateway.model import Lane
from gateway.store import outgoing
from gateway.store.database import Connection, Database, StoreError
from gateway.store.outgoing import Queue
from tests.unit.app.town import fill_disk, free_disk

SINK = Queue("out", "sink")


def put(connection: Connection, site: str, second: int) -> None:
    connection.execute(
        text("INSERT INTO cursors (site, stepped_to) VALUES (:site, :second)"),
        {"site": site, "second": second},
    )


def put_and_fail(connection: Connection, site: str) -> None:
    put(connection, site, 1)
    raise LookupError(site)


def sites(connection: Connection) -> list[str]:
    return list(connection.scalars(text("SELECT site FROM cursors ORDER BY site")))


async def test_what_is_written_is_read(database: Database) -> None:
    await database.write(put, "iwaki", second=7)
    assert await database.read(sites) == ["iwaki"]


async def test_a_failing_write_undoes_its_own_and_tells_its_caller(database: Database) -> None:
    with pytest.raises(LookupError, match="lost"):
        await database.write(put_and_fail, "lost")
    assert await database.read(sites) == []


async def test_in_a_group_only_the_failing_write_is_undone(database: Database) -> None:
    writes = [database.write(put, f"site-{n:02}", n) for n in range(20)]
    writes.insert(10, database.write(put_and_fail, "lost"))
    writes.insert(15, database.write(put, "site-03", 0))
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert await database.read(sites) == [f"site-{n:02}" for n in range(20)]
    assert [type(result) for result in results if result is not None] == [
        LookupError,
        IntegrityError,
    ]


def put_much(connection: Connection) -> None:
    for n in range(2_000):
        put(connection, f"much-{n:04}", n)


async def test_on_a_full_disk_those_that_need_no_room_are_written(database: Database) -> None:
    await database.write(put, "site-00", 0)
    writes = [database.write(put, f"site-{n:02}", n) for n in range(1, 10)]
    writes.insert(0, database.write(fill_disk))
    writes.insert(5, database.write(put_much))
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert await database.read(sites) == [f"site-{n:02}" for n in range(10)]
    assert [type(result) for result in results if result is not None] == [StoreError]


async def test_a_disk_is_freed_in_the_same_group_as_a_write_that_needed_it(
    database: Database,
) -> None:
    await database.write(fill_disk)
    results = await asyncio.gather(
        database.write(put_much), database.write(free_disk), return_exceptions=True
    )
    assert [type(result) for result in results] == [StoreError, type(None)]
    await database.write(put_much)


async def test_writes_that_wait_together_share_a_commit(database: Database) -> None:
    before = commits(database)
    await asyncio.gather(*(database.write(put, f"site-{n}", n) for n in range(100)))
    assert commits(database) - before < 10


def commits(database: Database) -> int:
    """The WAL's growth in transactions: the last frame of each says how large the database is."""
    wal = Path(f"{database.path}-wal").read_bytes()[32:]
    page = 4096 + 24
    return sum(wal[at + 4 : at + 8] != bytes(4) for at in range(0, len(wal) - page + 1, page))


async def test_a_write_that_is_cancelled_before_its_turn_writes_nothing(
    database: Database,
) -> None:
    busy = asyncio.Event()
    loop = asyncio.get_running_loop()
    release = asyncio.run_coroutine_threadsafe

    def hold(connection: Connection) -> None:
        put(connection, "first", 1)
        loop.call_soon_threadsafe(busy.set)
        release(cancelled.wait(), loop).result()

    cancelled = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(database.write(hold))
        await busy.wait()
        second = tasks.create_task(database.write(put, "second", 1))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        cancelled.set()
    assert await database.read(sites) == ["first"]


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StoreError, match="read-only"):
        await database.read(put, "iwaki", 1)


async def test_a_reader_sees_one_state_while_others_write(database: Database) -> None:
    loop = asyncio.get_running_loop()

    def twice(connection: Connection) -> tuple[list[str], list[str]]:
        first = sites(connection)
        asyncio.run_coroutine_threadsafe(database.write(put, "iwaki", 1), loop).result()
        return first, sites(connection)

    assert await database.read(twice) == ([], [])
    assert await database.read(sites) == ["iwaki"]


async def test_commits_are_durable_and_foreign_keys_hold(database: Database) -> None:
    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await database.write(pragmas) == ["wal", 2, 1]


async def test_missing_folders_are_made(tmp_path: Path) -> None:
    async with Database(tmp_path / "new" / "folder" / "hub.sqlite") as database:
        await database.write(put, "iwaki", 1)


async def test_listeners_hear_of_new_outgoing_rows_after_their_commit(database: Database) -> None:
    heard: asyncio.Queue[Queue] = asyncio.Queue()
    row = partial(outgoing.append, lane=Lane.LIVE, kind="positions", items=b"[]", at=0.0)
    with database.outgoing_told(heard.put_nowait):
        await database.write(put, "iwaki", 1)
        await database.write(row, SINK)
        assert await heard.get() == SINK
    await database.write(row, SINK)
    await asyncio.sleep(0)
    assert heard.empty()


async def test_a_second_hub_on_the_file_is_refused_and_a_guest_is_not(database: Database) -> None:
    with pytest.raises(StoreError, match="another hub"):
        async with Database(database.path):
            pass
    async with Database(database.path, owner=False) as guest:
        await guest.write(put, "iwaki", 1)
    assert await database.read(sites) == ["iwaki"]
