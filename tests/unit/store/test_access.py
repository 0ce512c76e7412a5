"""The log of looks: it only grows, and it shows when it was tampered with."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from gateway.store import access
from gateway.store.access import Look
from gateway.store.database import Connection, Database


def look(at: float, *, who: str = "sato", carrier: str = "c-1") -> Look:
    return Look(at, who, carrier, "position", "guardian")


@pytest.fixture
async def looked(database: Database) -> Database:
    """A log of five looks in two transactions."""
    await database.write(access.add, [look(1.0), look(2.0, carrier="c-2")])
    await database.write(access.add, [look(3.0), look(4.0, who="kato"), look(5.0)])
    return database


@contextmanager
def tampering(path: Path) -> Iterator[sqlite3.Connection]:
    """One who writes to the file past the program, and first takes its guards away."""
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'"):
        connection.execute(f"DROP TRIGGER {name}")
    yield connection
    connection.commit()
    connection.close()


async def test_looks_at_a_carrier_are_told_newest_first(looked: Database) -> None:
    assert await looked.read(access.looks, "c-1", limit=2) == [look(5.0), look(4.0, who="kato")]
    assert await looked.read(access.looks, "c-2", limit=9) == [look(2.0, carrier="c-2")]


async def test_an_untouched_log_is_whole(looked: Database) -> None:
    chain = await looked.read(access.verify)
    assert (chain.rows, chain.fault) == (5, "")
    assert len(chain.head) == 64


async def test_an_empty_log_is_whole(database: Database) -> None:
    assert (await database.read(access.verify)).fault == ""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_log SET who = 'x' WHERE id = 2",
        "DELETE FROM access_log WHERE id = 5",
        "DELETE FROM access_log",
        "INSERT INTO access_log SELECT NULL, 9, 'x', 'c-1', 'p', 'w', previous, hash"
        " FROM access_log WHERE id = 2",
        "INSERT OR REPLACE INTO access_log SELECT 2, 9, 'x', 'c-1', 'p', 'w', hash, hash"
        " FROM access_log WHERE id = 5",
        "UPDATE access_anchor SET last_id = 2",
        "DELETE FROM access_anchor",
        "INSERT INTO access_anchor VALUES (2, 0, x'00')",
    ],
)
async def test_the_database_itself_refuses(looked: Database, statement: str) -> None:
    def tamper(connection: Connection) -> None:
        connection.execute(text(statement))

    with pytest.raises(IntegrityError):
        await looked.write(tamper)
    assert (await looked.read(access.verify)).rows == 5


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE access_log SET who = 'x' WHERE id = 2", "row 2 was changed"),
        ("UPDATE access_log SET at = 2.5 WHERE id = 5", "row 5 was changed"),
        ("UPDATE access_log SET hash = x'00' WHERE id = 1", "row 1 was changed"),
        ("DELETE FROM access_log WHERE id = 3", "row 3 is missing"),
        ("DELETE FROM access_log WHERE id = 1", "row 1 is missing"),
        ("DELETE FROM access_log WHERE id >= 4", "rows after 3 are missing"),
        ("DELETE FROM access_log", "rows after 0 are missing"),
    ],
)
async def test_tampering_past_the_guards_shows(
    looked: Database, statement: str, fault: str
) -> None:
    with tampering(looked.path) as connection:
        connection.execute(statement)
    assert (await looked.read(access.verify)).fault == fault


async def test_forgetting_shortens_the_log_from_its_beginning_and_leaves_it_whole(
    looked: Database,
) -> None:
    assert await looked.write(access.forget, before=3.5, limit=2) == 2
    assert await looked.write(access.forget, before=3.5, limit=2) == 1
    assert await looked.write(access.forget, before=3.5, limit=2) == 0
    chain = await looked.read(access.verify)
    assert (chain.rows, chain.fault) == (2, "")
    await looked.write(access.add, [look(6.0)])
    assert (await looked.read(access.verify)).rows == 3


async def test_a_log_that_was_forgotten_whole_goes_on(looked: Database) -> None:
    assert await looked.write(access.forget, before=99.0, limit=99) == 5
    assert (await looked.read(access.verify)).fault == ""
    await looked.write(access.add, [look(100.0)])
    chain = await looked.read(access.verify)
    assert (chain.rows, chain.fault) == (1, "")
