"""Each schema there ever was, filled: up to the newest, down again, and down to nothing."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData

from gateway.store import migrate
from gateway.store.backup import connection_alone
from gateway.store.database import Database, StoreError

SCHEMAS = migrate.schemas()
NAMED_ANEW = "link_epochs"  # no epoch is used again by an older program
Contents = dict[str, list[tuple[object, ...]]]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_what_a_schema_holds_comes_through_up_and_down_again(schema: str, tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    make(path, schema)
    fill(path)
    structure, contents = structure_of(path), contents_of(path)
    assert all(len(rows) == 1 for rows in contents.values())
    change(path, lambda connection: migrate.migrate(connection, path))
    assert version(path) == SCHEMAS[-1]
    assert cells(contents) <= cells(contents_of(path))
    change(path, lambda connection: migrate.step_down(connection, path, to=schema))
    assert structure_of(path) == structure
    assert contents_of(path) == contents


@pytest.mark.parametrize("schema", SCHEMAS)
def test_down_to_nothing_leaves_nothing(schema: str, tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    make(path, schema)
    fill(path)
    change(path, migrate.take_away)
    assert set(structure_of(path)) <= {"alembic_version", "sqlite_sequence"}


def test_no_epoch_is_used_again_by_an_older_program(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    make(path, "0005")
    fill(path)
    change(path, lambda connection: migrate.migrate(connection, path))
    change(path, lambda connection: migrate.step_down(connection, path, to="0005"))
    with closing(sqlite3.connect(path)) as file:
        (epoch,) = file.execute("SELECT epoch FROM link_epochs").fetchone()
    assert len(epoch) == 16


async def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    make(path, "0001")
    fill(path)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE outings (in_the_way TEXT)")  # 0002 changes another table first
    structure, contents = structure_of(path), contents_of(path)
    with pytest.raises(StoreError, match=r"cannot be brought from schema 0001 .* left as it was"):
        async with Database(path):
            pass
    assert (structure_of(path), contents_of(path)) == (structure, contents)


def make(path: Path, schema: str) -> None:
    change(path, lambda connection: migrate.step_up(connection, to=schema))


def change(path: Path, step: Callable[[Connection], None]) -> None:
    with connection_alone(path) as connection:
        step(connection)


def fill(path: Path) -> None:
    """A row in each table, whatever its columns are; those that point to others find them."""
    values = {"INTEGER": 1, "FLOAT": 5.5, "BOOLEAN": True, "VARCHAR": "x", "BLOB": bytes(32)}
    with connection_alone(path) as connection:
        for table in known(connection).sorted_tables:
            if table.name != "access_anchor":  # has its one row
                row = {column.name: values[str(column.type)] for column in table.columns}
                connection.execute(table.insert().values(row))
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []


def known(connection: Connection) -> MetaData:
    """The tables as the file has them, but for the migrations' own."""
    found = MetaData()
    found.reflect(connection)
    found.remove(found.tables["alembic_version"])
    return found


def tables(file: sqlite3.Connection) -> list[str]:
    known = file.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    )
    return [name for (name,) in known]


def structure_of(path: Path) -> dict[str, object]:
    """Columns, keys, indexes and triggers by table: what a schema amounts to, however made."""
    with closing(sqlite3.connect(path)) as file:
        return {
            table: [
                *file.execute(f"PRAGMA table_xinfo({table})"),
                *file.execute(f"PRAGMA foreign_key_list({table})"),
                *file.execute(
                    "SELECT name, sql FROM sqlite_master"
                    " WHERE tbl_name = ? AND type != 'table' ORDER BY name",
                    (table,),
                ),
            ]
            for table in tables(file)
        }


def contents_of(path: Path) -> Contents:
    """The rows by table, each with the names of its columns."""
    with connection_alone(path) as connection:
        return {
            table.name: [tuple(row._mapping.items()) for row in connection.execute(table.select())]
            for table in known(connection).sorted_tables
            if table.name != NAMED_ANEW
        }


def cells(contents: Contents) -> set[tuple[str, object]]:
    return {(table, cell) for table, rows in contents.items() for row in rows for cell in row}


def version(path: Path) -> str:
    with closing(sqlite3.connect(path)) as file:
        return str(file.execute("SELECT version_num FROM alembic_version").fetchone()[0])
