"""An edge with lamp nodes on a pseudo-terminal, and nobody else: no hub, no broker."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from firmware_sim.lamps.luminaire import LUMINAIRES
from firmware_sim.lamps.node import LampNode
from firmware_sim.lamps.weather import Surroundings
from firmware_sim.lamps.wire import SerialSlaves

from gateway.app.edge import Edge
from gateway.app.pulse import Pulse
from gateway.clock import Clock
from gateway.lamps import LampEvent, LampEventKind, LampReading
from gateway.lights.orders import Overrides
from gateway.link.outbox import Outbox
from gateway.link.packing import unpack
from gateway.settings import BrokerSettings, BusSettings, EdgeSettings, Settings, config_dir
from tests.ports import free_ports
from tests.unit.app.lit_street import FALLBACK_LEVEL, PROGRAM_LEVEL, lamp_order, light_orders
from tests.unit.lights.deciding import override

PROFILES = {"l-1": "generic", "l-2": "arc254", "l-3": "miri"}
WATCHDOG_S = 2.0
WITHIN_S = 20.0
AT_ONCE = {"failure_for_s": 0.0, "clear_for_s": 0.0, "settle_s": 1.0, "warm_up_s": 0.0}


class Gateway:
    """An edge's settings and outbox, and the nodes of its line."""

    def __init__(self, folder: Path, line: SerialSlaves) -> None:
        (port,) = free_ports(1)  # where no broker is
        bus = BusSettings(device=str(line.link))
        edge = EdgeSettings(outbox_max_mb=8, buses={"bus-1": bus}, lamp_watchdog_s=WATCHDOG_S)
        self.line = line
        self.settings = Settings(
            site_id="test",
            state_dir=folder,
            lamps=config_dir() / "lamps",
            broker=BrokerSettings(port=port),
            edge=edge,
        )
        self.outbox = self.settings.state_path(edge.outbox)

    async def was_told(self, documents: Mapping[str, object]) -> None:
        """What the hub said to the process before."""
        bodies = {name: msgspec.json.encode(one) for name, one in documents.items()}
        async with Outbox(self.outbox, max_bytes=8_000_000) as outbox:
            await outbox.commit_received({}, documents=bodies)

    @asynccontextmanager
    async def running(self, clock: Clock | None = None) -> AsyncIterator[None]:
        """The edge, until it is stopped."""
        stop, started = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            edge = Edge(self.settings, clock or Clock(), Pulse())
            tasks.create_task(edge.run(stop, started.set), name="edge")
            await started.wait()
            yield
            stop.set()

    def node(self, lamp: str) -> LampNode:
        """The node as it is now."""
        node = self.line.node(int(lamp[2:]))
        self.line.do(lambda: self.line.line.live(node))
        return node

    def levels(self) -> list[float]:
        """What the lamps give, rounded."""
        return [round(self.node(lamp).given_level) for lamp in PROFILES]

    def told(self, kind: str, item: type) -> list[object]:
        """The items of every row of `kind` that waits in the outbox."""
        with closing(sqlite3.connect(f"file:{self.outbox}?mode=ro", uri=True)) as file:
            rows = file.execute("SELECT items FROM row WHERE kind = ?", (kind,)).fetchall()
        return [
            one
            for (items,) in rows
            for one in msgspec.json.decode(unpack(items, longest=10_000_000), type=list[item])  # type: ignore[valid-type] # given
        ]

    def events(self) -> list[LampEvent]:
        """The faults that were told."""
        return [one for one in self.told("lamp_events", LampEvent) if isinstance(one, LampEvent)]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """Three nodes of three makes, in the dark; their edge was told to light them."""
    nodes = [
        LampNode(unit=int(lamp[2:]), firmware=make, lamp=LUMINAIRES["led-40"], seed=1)
        for lamp, make in PROFILES.items()
    ]
    dark = Surroundings(lux=0.0)
    with SerialSlaves(nodes, link=tmp_path / "bus-1", surroundings=lambda _utc: dark) as line:
        yield Gateway(tmp_path, line)


def orders(**limits: float) -> dict[str, object]:
    """Light orders for the nodes, with limits of their own."""
    lamps = (
        lamp_order(lamp, bus="bus-1", profile=make, limits=limits)
        for lamp, make in PROFILES.items()
    )
    return {"light_orders": light_orders(*lamps)}


async def until(condition: Callable[[], object]) -> None:
    """Wait for `condition`; `WITHIN_S` at most."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            if condition():
                return
            await asyncio.sleep(0.1)


async def test_stored_orders_lead_nodes_of_every_make_and_when_the_edge_ends_they_fall_back(
    gateway: Gateway,
) -> None:
    await gateway.was_told(orders())
    async with gateway.running():
        await until(lambda: gateway.levels() == [PROGRAM_LEVEL] * 3)
        node = gateway.node("l-1")
        assert (node.fallback_level, node.watchdog_s) == (FALLBACK_LEVEL, WATCHDOG_S)
        await asyncio.sleep(2 * WATCHDOG_S)  # being asked is enough for a node
        assert gateway.levels() == [PROGRAM_LEVEL] * 3
        await until(lambda: len(gateway.told("lamp_readings", LampReading)) >= 3)
    await until(lambda: gateway.levels()[::2] == [FALLBACK_LEVEL] * 2)
    assert gateway.node("l-1").autonomous


async def test_with_a_clock_that_is_not_set_lamps_have_their_fallback(gateway: Gateway) -> None:
    off = replace(override("o", 0.0), lamps=tuple(PROFILES))
    await gateway.was_told({**orders(), "overrides": Overrides((off,))})
    async with gateway.running(Clock(start=100.0, anchor=0.0, rate=1e-6)):
        await until(lambda: gateway.levels() == [FALLBACK_LEVEL] * 3)
    assert gateway.told("lamp_readings", LampReading) == []


async def test_a_fault_outlives_the_edge_that_saw_it_begin(gateway: Gateway) -> None:
    await gateway.was_told(orders(**AT_ONCE))
    async with gateway.running():
        await until(lambda: gateway.levels() == [PROGRAM_LEVEL] * 3)
        gateway.line.do(lambda: gateway.line.node(1).set_fault("lamp_out"))
        await until(gateway.events)
    (begun,) = gateway.events()
    assert (begun.lamp, begun.kind) == ("l-1", LampEventKind.LAMP_FAILURE)
    gateway.line.do(lambda: gateway.line.node(1).clear_fault("lamp_out"))
    async with gateway.running():
        await until(lambda: len(gateway.events()) == 2)
    _, ended = gateway.events()
    assert (ended.kind, ended.start) == (begun.kind, begun.start)
    assert ended.end is not None


async def test_a_plug_that_is_pulled_is_found_again(gateway: Gateway) -> None:
    await gateway.was_told(orders())
    async with gateway.running():
        await until(lambda: gateway.levels() == [PROGRAM_LEVEL] * 3)
        gateway.line.unplug()
        await until(lambda: gateway.levels()[0] == FALLBACK_LEVEL)
        gateway.line.plug()
        await until(lambda: gateway.levels() == [PROGRAM_LEVEL] * 3)
