"""A hub's database in a folder of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from gateway.store.database import Database


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Open, migrated and empty."""
    async with Database(tmp_path / "hub.sqlite") as opened:
        yield opened
