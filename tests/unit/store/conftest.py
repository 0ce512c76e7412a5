"""A real database in a folder of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A new database, migrated, that nobody else has."""
    async with Database(tmp_path / "hub.sqlite") as database:
        yield database
