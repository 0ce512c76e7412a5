"""Is the file sound? What the hub cannot do without is looked at when it opens, the rest beside it.

The whole of a month's database takes two minutes from this disk and ten from a slow card: longer
than a hub may take to start. What is not large takes a tenth of a second.
"""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

from gateway.store.errors import explained, is_damage

LARGE = frozenset(
    {
        *("windows", "positions", "zone_events", "route_points", "lamp_readings"),
        *("access_log", "link_rows"),
    }
)
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
BREATHES_EVERY, BREATHES_FOR_S = 20_000, 0.002  # SQLite's steps; others want the disk, too
_FOUND_AT_MOST = 3  # of a table: more tell a person nothing more


def vital_damage(file: sqlite3.Connection) -> str:
    """What is wrong with the tables that are not large; "" where they are sound."""
    for (table,) in file.execute(_TABLES).fetchall():
        if table not in LARGE and (found := _damage(file, table)):
            return found[0]
    return ""


def was_left_open(path: Path) -> bool:
    """Whether the program that had the file last ended without closing it."""
    wal = Path(f"{path}-wal")
    return wal.exists() and wal.stat().st_size > 0


async def large_damage(path: Path) -> list[str]:
    """What is wrong with the large tables: looked at in a thread, on a connection of its own.

    A caller that is cancelled ends it at once. Raises StoreError where the file cannot be opened.
    """
    with ThreadPoolExecutor(1, "store-check") as thread, closing(_open(path)) as file:
        looking = asyncio.get_running_loop().run_in_executor(thread, _look, file)
        try:
            return await asyncio.shield(looking)
        except asyncio.CancelledError:
            file.interrupt()
            await asyncio.wait([looking])
            looking.exception()  # that it was interrupted
            raise


def _look(file: sqlite3.Connection) -> list[str]:
    tables = [table for (table,) in file.execute(_TABLES)]
    return [found for table in tables if table in LARGE for found in _damage(file, table)]


def _damage(file: sqlite3.Connection, table: str) -> list[str]:
    check = "PRAGMA quick_check('{}')".format(table.replace("'", "''"))
    try:
        told = file.execute(check).fetchmany(_FOUND_AT_MOST)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        told = [(str(error),)]
    return [f"{table}: {one}" for (one,) in told if one != "ok"]


def _open(path: Path) -> sqlite3.Connection:
    try:
        file = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise explained(path, error) from error
    file.execute("PRAGMA query_only = ON")
    nothing = Event()
    file.set_progress_handler(lambda: int(nothing.wait(BREATHES_FOR_S)), BREATHES_EVERY)
    return file
