"""Brings a database to the newest schema, or to an older one; Alembic's scripts: `migrations/`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gateway.store.errors import BrokenStoreError, StoreError, explained

SCRIPTS = Path(__file__).with_name("migrations")


def migrate(connection: Connection, path: Path) -> None:
    """Apply every missing migration inside the caller's transaction: all of them, or none.

    Raises BrokenStoreError where the file's schema is newer than this program, or one fails.
    """
    known = schemas()
    current = _current(connection)
    if current == known[-1]:
        return
    if current is not None and current not in known:
        raise BrokenStoreError(
            f"{path}: was written by a newer Machimori (schema {current}). Update this program, "
            "or put back the backup made before the update."
        )
    try:
        step_up(connection, to=known[-1])
    except DBAPIError as error:
        told = explained(path, error)
        if isinstance(told, StoreError):
            raise told from error
        raise BrokenStoreError(
            f"{path}: cannot be brought from schema {current} to {known[-1]} ({error.orig}). It is "
            "left as it was: go on with the Machimori of before, and report this."
        ) from error


def step_up(connection: Connection, *, to: str) -> None:
    """Apply every migration up to the schema `to`."""
    command.upgrade(_config(connection), to)


def step_down(connection: Connection, path: Path, *, to: str) -> None:
    """Undo every migration after the schema `to`, with all that its tables hold: for a copy.

    Raises StoreError where there is no such schema, or the file's is older.
    """
    known = schemas()
    current = _current(connection)
    if to not in known or current not in known or known.index(current) < known.index(to):
        raise StoreError(
            f"{path}: is of schema {current}, from which there is no way down to {to}. Give one of "
            f"{', '.join(reversed(known))}."
        )
    command.downgrade(_config(connection), to)


def take_away(connection: Connection) -> None:
    """Undo every migration: no table is left."""
    command.downgrade(_config(connection), "base")


def schemas() -> list[str]:
    """Every schema that there was, oldest first."""
    scripts = ScriptDirectory.from_config(_config())
    return [script.revision for script in scripts.walk_revisions()][::-1]


def newest_schema() -> str:
    """The schema that this program brings a database to."""
    return schemas()[-1]


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
