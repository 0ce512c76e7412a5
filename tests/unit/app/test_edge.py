"""An edge captures, and starts and ends, with no broker in sight."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.app.edge import Edge
from gateway.app.pulse import LONGEST_S, Pulse
from gateway.clock import Clock
from gateway.link.outbox_errors import OutboxError
from gateway.settings import BrokerSettings, EdgeSettings, Settings
from tests.ports import free_ports
from tests.unit.app.town import until


class Bench:
    """An edge without adapters, and what it says of its start."""

    def __init__(self, folder: Path) -> None:
        (port,) = free_ports(1)
        edge = EdgeSettings(gateway="gw-01", outbox_max_mb=8)
        broker = BrokerSettings(port=port)
        self.settings = Settings(site_id="test", state_dir=folder, broker=broker, edge=edge)
        self.outbox = self.settings.state_path(edge.outbox)
        self.now = 0.0
        self.pulse = Pulse(lambda: self.now)
        self.stop = asyncio.Event()
        self.started = asyncio.Event()

    async def run(self, clock: Clock) -> None:
        await Edge(self.settings, clock, self.pulse).run(self.stop, self.started.set)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_it_starts_without_a_broker_and_ends_when_it_is_told(bench: Bench) -> None:
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.run(Clock()), name="edge")
        await bench.started.wait()
        bench.stop.set()
    with closing(sqlite3.connect(bench.outbox)) as file:
        assert file.execute("SELECT count(*) FROM row").fetchone() == (0,)


async def test_its_windows_beat_and_their_silence_is_seen(bench: Bench) -> None:
    fast = Clock(start=1_800_000_000.0, anchor=1_800_000_000.0, rate=200.0)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.run(fast), name="edge")
        await bench.started.wait()
        bench.now = 1.0
        bench.pulse.beat("windows")
        bench.now += LONGEST_S + 1
        assert bench.pulse.standing() == ("windows",)
        await until(lambda: bench.pulse.standing() == ())
        bench.stop.set()


async def test_an_outbox_that_cannot_be_opened_is_told_with_its_file(bench: Bench) -> None:
    bench.outbox.mkdir(parents=True)
    with pytest.raises(OutboxError, match=str(bench.outbox)):
        await bench.run(Clock())
    assert not bench.started.is_set()
