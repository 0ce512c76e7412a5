"""A town for each test."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store.database import Database
from tests.unit.api.town import Town, settle


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a town into which everybody has moved; for copying."""
    path = tmp_path_factory.mktemp("town") / "hub.sqlite"

    async def found() -> None:
        async with Database(path) as database:
            await database.write(settle)

    asyncio.run(found())
    return path


@pytest.fixture
async def town(settled: Path, tmp_path: Path) -> AsyncIterator[Town]:
    """A new town, settled."""
    path = tmp_path / "hub.sqlite"
    shutil.copy(settled, path)
    async with Database(path) as database:
        yield Town(database)
