"""The sink between a real Mosquitto and a real influxd: what the hub sent is what is there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.app.sink import Sink
from gateway.clock import Clock
from gateway.link.envelope import Kind
from gateway.model import Alert, AlertKind, AlertState, Lane, Position, Presence
from gateway.outputs.lines import timestamp_ms
from gateway.settings import BrokerSettings, InfluxSettings, Settings, SinkSettings
from tests.integration.conftest import Mosquitto
from tests.integration.influx_server import InfluxServer
from tests.integration.outputs.hub_rows import HubRows, sending

DATABASE = "machimori"
START = 1_767_322_800.0
Points = set[tuple[object, object, object]]


@dataclass(frozen=True)
class Town:
    """The servers, the hub's rows, and settings for a sink between them."""

    mosquitto: Mosquitto
    influxd: InfluxServer
    rows: HubRows
    settings: Settings

    async def points(self) -> Points:
        """(tag, time in ms, lon) of every position in InfluxDB."""
        found = await self.influxd.query("SELECT * FROM position", database=DATABASE)
        return {(row["tag"], row["time"], row["lon"]) for row in found}

    async def all_receipted(self) -> None:
        """Wait until the hub holds no row."""
        async with asyncio.timeout(60):
            await self.rows.empty.wait()


@pytest.fixture
async def town(tmp_path: Path, influxd: InfluxServer, mosquitto: Mosquitto) -> AsyncIterator[Town]:
    """Mosquitto runs, influxd does not yet."""
    settings = Settings(
        state_dir=tmp_path,
        broker=BrokerSettings(port=mosquitto.port),
        sink=SinkSettings(influx=InfluxSettings(version=1, url=influxd.url)),
    )
    rows = HubRows()
    async with sending(rows, site=settings.site_id, port=mosquitto.port):
        yield Town(mosquitto, influxd, rows, settings)


@asynccontextmanager
async def _sink(settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Sink(settings, Clock()).run(stop, lambda: None), name="sink")
        try:
            yield
        finally:
            stop.set()


def _second(n: int) -> list[Position]:
    return [
        Position(
            at=START + n,
            tag=f"t-{tag}",
            lon=140.95 + n / 1e6 + tag / 3e4,
            lat=36.95,
            radius68_m=2.0,
            radius95_m=5.0,
            n_heard=3,
            presence=Presence.TRACKED,
            zones=(),
        )
        for tag in range(10)
    ]


def _expected(seconds: int) -> Points:
    return {
        (position.tag, timestamp_ms(position.at), position.lon)
        for n in range(seconds)
        for position in _second(n)
    }


async def test_what_the_hub_sent_is_in_influxdb_and_off_its_hands(town: Town) -> None:
    await town.influxd.start()
    await town.influxd.create_database(DATABASE)
    alert = Alert("a-1", AlertKind.SOS, AlertState.RAISED, START, START + 900, tag="t-1")
    async with _sink(town.settings):
        for n in range(100):
            town.rows.append(Lane.LIVE if n % 2 else Lane.BACKLOG, Kind.POSITIONS, _second(n))
        town.rows.append(Lane.URGENT, Kind.ALERTS, [alert])
        await town.all_receipted()
    assert await town.points() == _expected(100)
    (row,) = await town.influxd.query("SELECT * FROM alert", database=DATABASE)
    assert (row["id"], row["raised_at"]) == ("a-1", START + 900)


async def test_nothing_is_receipted_while_influxdb_is_away(town: Town) -> None:
    async with _sink(town.settings):
        for n in range(10):
            town.rows.append(Lane.LIVE, Kind.POSITIONS, _second(n))
        await asyncio.sleep(1.0)
        assert town.rows.held == 10
        await town.influxd.start()
        await asyncio.sleep(1.0)
        assert town.rows.held == 10  # the database is missing
        await town.influxd.create_database(DATABASE)
        await town.all_receipted()
    assert await town.points() == _expected(10)
    assert not (town.settings.state_dir / "quarantine.jsonl").exists()


async def test_every_position_survives_the_death_of_each_in_turn(town: Town) -> None:
    await town.influxd.start()
    await town.influxd.create_database(DATABASE)
    n = 0

    async def walk(seconds: int) -> None:
        nonlocal n
        for _ in range(seconds):
            town.rows.append(Lane.LIVE, Kind.POSITIONS, _second(n))
            n += 1
            await asyncio.sleep(0.01)

    async with _sink(town.settings):
        await walk(30)
        await town.influxd.kill()
        await walk(30)
        await town.influxd.start()
        await walk(30)
    await walk(30)
    async with _sink(town.settings):
        await walk(30)
        await asyncio.to_thread(town.mosquitto.kill)
        await walk(30)
        await asyncio.to_thread(town.mosquitto.start)
        await walk(30)
        await town.all_receipted()
    await town.influxd.kill()
    await town.influxd.start()
    assert await town.points() == _expected(n)
