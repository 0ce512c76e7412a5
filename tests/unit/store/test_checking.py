"""Damage is found: in what the hub needs when it opens, in the rest beside it."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.store import checking
from gateway.store.checking import LARGE, large_damage
from gateway.store.columns import metadata
from gateway.store.database import Connection, Database
from gateway.store.errors import BrokenStoreError, DamagedError


async def test_a_sound_database_has_no_damage(database: Database) -> None:
    with closing(sqlite3.connect(database.path)) as file:
        assert checking.vital_damage(file) == ""
    assert await large_damage(database.path) == []
    assert set(metadata.tables) >= LARGE


async def test_what_the_hub_cannot_do_without_is_checked_before_it_starts(tmp_path: Path) -> None:
    path = await filled(tmp_path / "hub.sqlite", "tag_states")
    spoil(path, "tag_states")
    before = path.read_bytes()
    with pytest.raises(BrokenStoreError, match=r"is damaged \(tag_states: .*machimori restore"):
        async with Database(path):
            pass
    assert path.read_bytes() == before
    assert BrokenStoreError.exit_code == 2


async def test_damage_in_a_large_table_does_not_keep_the_hub_from_starting(tmp_path: Path) -> None:
    path = await filled(tmp_path / "hub.sqlite", "positions")
    spoil(path, "positions")
    async with Database(path) as database:
        (found,) = {line.split(":")[0] for line in await large_damage(database.path)}
        assert found == "positions"
        assert await database.read(count, "windows") == 0


async def test_a_damaged_page_that_is_met_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = await filled(tmp_path / "hub.sqlite", "positions")
    spoil(path, "positions")
    async with Database(path) as database:
        assert not database.damaged.is_set()
        with pytest.raises(DamagedError, match=r"hub\.sqlite: is damaged.*machimori restore"):
            await database.read(count, "positions")
        await asyncio.wait_for(database.damaged.wait(), 1)
        database.damaged.clear()
        writes = [
            database.write(put, "cursors"),
            database.write(forget_positions),
            database.write(put, "tag_states"),
        ]
        results = await asyncio.gather(*writes, return_exceptions=True)
        assert [type(result) for result in results] == [type(None), DamagedError, type(None)]
        await asyncio.wait_for(database.damaged.wait(), 1)


async def test_a_look_that_is_cancelled_ends_at_once(tmp_path: Path) -> None:
    path = await filled(tmp_path / "hub.sqlite", "positions")
    looking = asyncio.ensure_future(large_damage(path))
    await asyncio.sleep(0)
    looking.cancel()
    await asyncio.wait([looking], timeout=5)
    assert looking.cancelled()


async def test_whether_it_was_closed_in_order_is_known_at_the_next_opening(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with Database(path) as database:
        assert not database.left_open
        await database.write(put, "cursors")
        copy = tmp_path / "killed.sqlite"
        for side in ("", "-wal"):
            shutil.copy(f"{path}{side}", f"{copy}{side}")
    async with Database(path) as again:
        assert not again.left_open
    async with Database(copy) as killed:
        assert killed.left_open
        assert await killed.read(count, "cursors") == 1


INSERTS = {
    "cursors": "INSERT INTO cursors VALUES ('iwaki', 1)",
    "tag_states": "INSERT INTO tag_states VALUES ('t-' || random(), 'v', 1.0, 5.0, 'r-1')",
    "positions": "INSERT INTO positions (tag, at, lon, lat, radius68_m, radius95_m, n_heard,"
    " presence, zones, late, path, path_probability)"
    " VALUES ('t-' || random(), 5.0, 1.0, 2.0, 3.0, 4.0, 5, 'tracked', '[]', 0, '', 0.5)",
}
COUNTS = {
    "cursors": "SELECT count(*) FROM cursors",
    "windows": "SELECT count(*) FROM windows",
    "positions": "SELECT sum(lon) FROM positions",
}


def put(connection: Connection, table: str) -> None:
    connection.execute(text(INSERTS[table]))


def count(connection: Connection, table: str) -> object:
    return connection.execute(text(COUNTS[table])).scalar_one()


def forget_positions(connection: Connection) -> None:
    connection.execute(text("DELETE FROM positions WHERE lat > 1.0"))


async def filled(path: Path, table: str) -> Path:
    def many(connection: Connection) -> None:
        for _ in range(2_000):
            put(connection, table)

    async with Database(path) as database:
        await database.write(many)
    return path


def spoil(path: Path, table: str) -> None:
    """Write nonsense over a leaf of the table itself."""
    with closing(sqlite3.connect(path)) as file:
        (root,) = file.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
        (size,) = file.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    page = (root - 1) * size
    first = int.from_bytes(content[page + 12 : page + 14], "big")  # the root's first cell
    leaf = int.from_bytes(content[page + first : page + first + 4], "big")  # its left child
    content[(leaf - 1) * size : leaf * size] = b"\xa5" * size
    path.write_bytes(content)
