"""A hub's database in a folder of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from gateway.store.database import Database
from tests.unit.app.town import HandClock, Street, open_street


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Open, migrated and empty."""
    async with Database(tmp_path / "hub.sqlite") as opened:
        yield opened


@pytest_asyncio.fixture
async def town(database: Database) -> AsyncIterator[Street]:
    """A street whose child is registered, and a hub that has begun; time is the test's."""
    async with open_street(database, HandClock()) as opened:
        yield opened
