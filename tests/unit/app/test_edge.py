"""An edge captures, and starts and ends, with no broker in sight."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import structlog

from gateway.app.edge import Edge
from gateway.app.lighting import Lighting
from gateway.app.pulse import LONGEST_S, Pulse
from gateway.clock import Clock
from gateway.link.outbox import Outbox
from gateway.link.outbox_errors import OutboxError
from gateway.settings import BrokerSettings, BusSettings, EdgeSettings, Settings, config_dir
from gateway.tags.scan import Scanner
from tests.ports import free_ports
from tests.unit.app.lit_street import lamp_order, light_orders
from tests.unit.app.town import until

LAMPS = config_dir() / "lamps"
FAST = {"start": 1_800_000_000.0, "anchor": 1_800_000_000.0, "rate": 200.0}


class Bench:
    """An edge without adapters, and what it says of its start."""

    def __init__(self, folder: Path, *, buses: Sequence[str] = (), lamps: Path = LAMPS) -> None:
        (port,) = free_ports(1)
        lines = {name: BusSettings(device=str(folder / name)) for name in buses}
        edge = EdgeSettings(gateway="gw-01", outbox_max_mb=8, buses=lines)
        broker = BrokerSettings(port=port)
        self.settings = Settings(
            site_id="test", state_dir=folder, broker=broker, edge=edge, lamps=lamps
        )
        self.outbox = self.settings.state_path(edge.outbox)
        self.now = 0.0
        self.pulse = Pulse(lambda: self.now)
        self.stop = asyncio.Event()
        self.started = asyncio.Event()

    def beaten(self) -> tuple[str, ...]:
        """The loops that have begun to go on."""
        self.now += LONGEST_S + 1
        return self.pulse.standing()

    async def run(self, clock: Clock) -> None:
        await Edge(self.settings, clock, self.pulse).run(self.stop, self.started.set)

    async def keep_orders(self, documents: Mapping[str, bytes]) -> None:
        """As a hub told them to the process before."""
        async with Outbox(self.outbox, max_bytes=8_000_000) as outbox:
            await outbox.commit_received({}, documents=documents)

    async def runs(self, clock: Clock, condition: Callable[[], object]) -> None:
        """Until `condition`, and then it is stopped."""
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(self.run(clock), name="edge")
            await self.started.wait()
            await until(lambda: bool(condition()))
            self.stop.set()


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


# --- lights -------------------------------------------------------------------------------------


async def test_without_a_bus_no_lights_run_and_the_lamps_folder_is_not_even_read(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, lamps=tmp_path / "nowhere")
    with structlog.testing.capture_logs() as logs:
        await bench.runs(Clock(), bench.started.is_set)
    assert not [one for one in logs if "lamps" in str(one)]


async def test_register_maps_that_cannot_be_used_are_told_and_the_tags_are_captured(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, buses=("bus-1",), lamps=tmp_path / "nowhere")
    with structlog.testing.capture_logs() as logs:
        await bench.runs(Clock(**FAST), lambda: "windows" in bench.beaten())
    told = [str(one["reason"]) for one in logs if "left to themselves" in one["event"]]
    assert len(told) == 1
    assert "nowhere" in told[0]


async def test_a_register_map_that_cannot_be_used_leaves_only_its_own_lamps_alone(
    tmp_path: Path,
) -> None:
    lamps = shutil.copytree(LAMPS, tmp_path / "lamps")
    (lamps / "mine.toml").write_text("vendor", "utf-8")
    bench = Bench(tmp_path, buses=("bus-1", "bus-2"), lamps=lamps)
    orders = light_orders(lamp_order("l-1"), lamp_order("l-2", profile="mine"))
    await bench.keep_orders({"light_orders": msgspec.json.encode(orders)})
    with structlog.testing.capture_logs() as logs:
        await bench.runs(Clock(), lambda: [one for one in logs if "version" in one])
    assert [one["lamps"] for one in logs if one["event"] == "light orders taken"] == [1]
    assert [one for one in logs if "mine.toml" in str(one.get("reason"))]


async def test_stored_orders_are_obeyed_without_a_hub(tmp_path: Path) -> None:
    bench = Bench(tmp_path, buses=("bus-1", "bus-2"))
    await bench.keep_orders({"light_orders": msgspec.json.encode(light_orders(version=7))})
    with structlog.testing.capture_logs() as logs:
        await bench.runs(Clock(), lambda: [one for one in logs if one.get("version") == 7])
    taken = [one for one in logs if one["event"] == "light orders taken"]
    assert [one["lamps"] for one in taken] == [3]


def broken(_self: object) -> None:
    raise ZeroDivisionError


async def test_lights_that_break_do_not_stop_the_capture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lighting, "step", broken)
    bench = Bench(tmp_path, buses=("bus-1",))
    with structlog.testing.capture_logs() as logs:
        await bench.runs(Clock(**FAST), lambda: failed(logs, "lights") and bench.beaten())
    assert failed(logs, "lights")


async def test_a_capture_that_breaks_does_not_stop_the_lights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scanner, "run", broken)
    bench = Bench(tmp_path, buses=("bus-1", "bus-2"))
    await bench.keep_orders({"light_orders": msgspec.json.encode(light_orders())})

    def lit() -> bool:
        return any(one["event"] == "light orders taken" for one in logs)

    with structlog.testing.capture_logs() as logs:
        await bench.runs(Clock(), lambda: failed(logs, "scan") and lit())


def failed(logs: Sequence[Mapping[str, object]], part: str) -> bool:
    """Whether that part's failure was told."""
    return any(one.get("part") == part for one in logs)
