"""From nothing to the newest schema, and no step into the unknown."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from gateway.model import (
    Alert,
    AlertKind,
    AlertState,
    Doubt,
    Position,
    Presence,
    Suspicion,
)
from gateway.store import alerts, positions, suspicions
from gateway.store.database import Connection, Database, StoreError
from gateway.store.lamp_schema import metadata
from gateway.store.migrate import SCRIPTS
from gateway.store.schema import metadata as metadata_of_the_rest
from gateway.store.tag_schema import metadata as metadata_of_tags

KEPT = Position(5.0, "t-1", 140.0, 37.0, 4.0, 9.0, 3, Presence.TRACKED, ())


async def test_the_migrations_lead_to_the_schema_that_the_queries_use(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    assert metadata is metadata_of_the_rest is metadata_of_tags  # all parts are imported
    assert await database.read(differences) == []


async def test_the_comparison_would_show_a_missing_column(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'old.sqlite'}")
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.exec_driver_sql("ALTER TABLE carriers DROP COLUMN name")
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert [difference[0] for difference in found] == ["add_column"]


async def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with Database(path):
        pass
    before = version(path)
    async with Database(path):
        pass
    assert version(path) == before == ("0008",)


async def test_positions_of_the_first_schema_stay_and_have_no_path(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    _first_schema(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO positions VALUES"
            " (1, 't-1', 5.0, 140.0, 37.0, 4.0, 9.0, 3, 'tracked', '[]', 0)"
        )
    async with Database(path) as database:
        kept = await database.read(positions.latest, "t-1", now=1e12)
    assert kept == KEPT


async def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with Database(path):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match=r"hub\.sqlite: was written by a newer .*schema 9999"):
        async with Database(path):
            pass
    assert version(path) == ("9999",)


async def test_keys_and_doubts_can_be_taken_away_again_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    told = Alert("a-1", AlertKind.SOS, AlertState.RAISED, 1.0, 2.0, tag="t-1", suspect="counter")
    async with Database(path) as database:
        await database.write(alerts.add, told)
        await database.write(suspicions.add, Suspicion(1.0, "t-1", Doubt.COUNTER))
    _step(path, command.downgrade, "0004")
    async with Database(path) as database:
        assert version(path) == ("0008",)
        kept = await database.read(alerts.get, "a-1")
        assert kept is not None
        assert kept.alert == replace(told, suspect="")
        assert await database.read(suspicions.between, "t-1", since=0.0, until=9.0) == ()


async def test_the_lamps_can_be_taken_away_again_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with Database(path) as database:
        await database.write(positions.add, [KEPT])
    _step(path, command.downgrade, "0003")
    with closing(sqlite3.connect(path)) as connection:
        kept = connection.execute("SELECT name FROM sqlite_master WHERE name LIKE '%lamp%'")
        assert kept.fetchall() == []
    async with Database(path) as database:
        assert version(path) == ("0008",)
        assert await database.read(positions.latest, "t-1", now=1e12) == KEPT


def _first_schema(path: Path) -> None:
    _step(path, command.upgrade, "0001")


def _step(path: Path, step: Callable[[Config, str], None], to: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        step(config, to)
    engine.dispose()


def version(path: Path) -> tuple[str, ...]:
    connection = sqlite3.connect(path)
    try:
        return tuple(connection.execute("SELECT version_num FROM alembic_version").fetchone())
    finally:
        connection.close()
