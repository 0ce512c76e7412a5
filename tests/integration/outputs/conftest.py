"""One real influxd for a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.influx_server import InfluxServer


@pytest.fixture
async def influxd(tmp_path: Path) -> AsyncIterator[InfluxServer]:
    """A server that is not started yet."""
    async with InfluxServer(tmp_path / "influxd") as server:
        yield server
