"""The hub's database on a bad day: each fault is said clearly, and nothing committed is lost."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.model import Position, Presence
from gateway.store import positions, sightings
from gateway.store.database import Connection, Database, StoreError
from tests.needs import need

KB = 1024
NOBODY = 65534


def position(number: int) -> Position:
    return Position(
        at=float(number),
        tag="t-1",
        lon=140.88,
        lat=37.05,
        radius68_m=4.0,
        radius95_m=9.0,
        n_heard=3,
        presence=Presence.TRACKED,
        zones=(),
    )


async def count(database: Database) -> int:
    def counted(connection: Connection) -> int:
        return int(connection.exec_driver_sql("SELECT count(*) FROM positions").scalar_one())

    return await database.read(counted)


async def write(database: Database, first: int, how_many: int) -> None:
    await database.write(positions.add, [position(first + n) for n in range(how_many)])


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A file system of that size, which the test may also mount read-only (as root only)."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    mount, umount = need("mount"), need("umount")
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    made = subprocess.run([mount, *options], check=False, capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"mounting a small disk is not allowed here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run([umount, str(folder)], check=True)


def remount(folder: Path, how: str) -> None:
    subprocess.run([need("mount"), "-o", f"remount,{how}", str(folder)], check=True)


async def test_a_full_disk_is_said_and_work_goes_on_when_there_is_space(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2_000) as disk:
        async with Database(disk / "hub.sqlite") as database:
            ballast = disk / "ballast"
            await write(database, 0, 100)
            ballast.write_bytes(bytes(_free(disk) - 64 * KB))
            with pytest.raises(StoreError, match=r"hub\.sqlite: cannot grow: the disk is full"):
                await write_for_ever(database, first=100)
            written = await count(database)
            assert written % 100 == 0
            ballast.unlink()
            await write(database, written, 500)
            assert await count(database) == written + 500


async def write_for_ever(database: Database, *, first: int) -> None:
    while True:
        await write(database, first, 100)
        first += 100


def _free(disk: Path) -> int:
    state = os.statvfs(disk)
    return state.f_bavail * state.f_frsize


async def test_a_full_database_fails_a_whole_group_and_keeps_what_was_committed(
    tmp_path: Path,
) -> None:
    async with Database(tmp_path / "hub.sqlite") as database:

        def limit(connection: Connection) -> None:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 8}")

        await write(database, 0, 10)
        await database.write(limit)
        results = await asyncio.gather(
            *(write(database, 1_000 * n, 200) for n in range(1, 6)), return_exceptions=True
        )
        assert any(isinstance(result, StoreError) for result in results)
        whole = sum(result is None for result in results)
        assert await count(database) == 10 + 200 * whole
        await write(database, 50_000, 1)


async def test_a_disk_that_turns_read_only_fails_writes_and_lets_reads_through(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk", 4_000) as disk:
        async with Database(disk / "hub.sqlite"):
            pass
        remount(disk, "ro")
        with pytest.raises(StoreError, match=r"hub\.sqlite.*(read-only|opened)"):
            async with Database(disk / "hub.sqlite"):
                pass
        remount(disk, "rw")


OPEN_AS_GUEST = """
import asyncio, sys
from pathlib import Path
from gateway.store.database import Database, StoreError

async def main():
    try:
        async with Database(Path(sys.argv[1]), owner=sys.argv[2] == "owner"):
            print("opened")
    except StoreError as error:
        print(error)

asyncio.run(main())
"""


def open_elsewhere(path: Path, *, owner: bool) -> str:
    """What another program says that opens the database."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN_AS_GUEST, str(path), "owner" if owner else "guest"],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@contextmanager
def as_nobody() -> Iterator[None]:
    """For root, whom no file's mode stops; another user is one already."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


async def test_a_file_that_this_user_may_not_write_is_said(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with Database(path) as database:
        await write(database, 0, 1)
    for folder, mode in ((path, 0o444), (tmp_path, 0o555), *_open_to_all(tmp_path)):
        folder.chmod(mode)
    with as_nobody(), pytest.raises(StoreError, match=r"hub\.sqlite: .*(right to|may) write"):
        async with Database(path, owner=False):
            pass


def _open_to_all(folder: Path) -> list[tuple[Path, int]]:
    return [(parent, 0o755) for parent in list(folder.parents)[:2]]


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"hub\.sqlite: cannot be opened"):
        async with Database(tmp_path / "file" / "hub.sqlite"):
            pass


async def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    path.write_text("Dear diary, " * 1_000)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"hub\.sqlite: is not a SQLite database"):
        async with Database(path):
            pass
    assert path.read_bytes() == before


async def test_a_damaged_file_is_refused_at_opening(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with Database(path) as database:
        await write(database, 0, 5_000)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8_192] = b"\xa5" * 8_192
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"hub\.sqlite: is damaged"):
        async with Database(path):
            pass


async def test_the_command_line_may_write_beside_the_hub(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with Database(path) as hub:
        await write(hub, 0, 1)
        said = await asyncio.to_thread(open_elsewhere, path, owner=False)
        assert said == "opened"
        await write(hub, 1, 1)
        assert await count(hub) == 2


async def test_a_second_hub_process_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with Database(path):
        said = await asyncio.to_thread(open_elsewhere, path, owner=True)
    assert "another hub works on it" in said
    assert open_elsewhere(path, owner=True) == "opened"


async def test_a_program_that_keeps_the_write_lock_is_said(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with Database(path, busy_timeout_s=0.05) as database:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"hub\.sqlite: is held by another program"):
            await write(database, 0, 1)
        assert await count(database) == 0
        other.execute("ROLLBACK")
        other.close()
        await write(database, 0, 1)
        assert await count(database) == 1


COMMITTER = """
import asyncio, sys
from pathlib import Path
from gateway.store import sightings
from gateway.store.database import Database

async def main():
    async with Database(Path(sys.argv[1])) as database:
        for second in range(1_000_000):
            await database.write(sightings.set_stepped_to, "iwaki", second)
            print(second, flush=True)

asyncio.run(main())
"""


async def test_what_a_killed_program_committed_is_there(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", COMMITTER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    last = -1
    while last < 200:
        last = int(await program.stdout.readline())
    program.kill()
    rest = (await program.stdout.read()).splitlines()
    await program.wait()
    told = int(rest[-1]) if rest else last
    async with Database(path) as database:
        stepped_to = await database.read(sightings.stepped_to, "iwaki")
    assert stepped_to in (told, told + 1)
