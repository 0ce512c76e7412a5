"""Brings a database to the newest schema; Alembic's scripts lie in `migrations/`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from gateway.store.errors import StoreError

SCRIPTS = Path(__file__).with_name("migrations")


def migrate(connection: Connection, path: Path) -> None:
    """Apply every missing migration inside the caller's transaction: all of them, or none.

    Raises StoreError where the file's schema is newer than this program.
    """
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current == scripts.get_current_head():
        return
    if current is not None and current not in {
        known.revision for known in scripts.walk_revisions()
    }:
        raise StoreError(
            f"{path}: was written by a newer Machimori (schema {current}). Update this program, "
            "or put back the backup made before the update."
        )
    command.upgrade(config, "head")


def newest_schema() -> str:
    """The schema that this program brings a database to."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return str(ScriptDirectory.from_config(config).get_current_head())
