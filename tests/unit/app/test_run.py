"""A process's life: when systemd hears what, how it ends, and that one role's end is all's."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.app.pulse import LONGEST_S, Pulse
from gateway.app.run import run, serve
from gateway.clock import Clock
from gateway.model import Role
from gateway.settings import BrokerSettings, Settings, SettingsError
from gateway.store.errors import StoreError
from tests.ports import free_ports
from tests.unit.app.town import until
from tests.unit.test_clock import NOW, FakeMachine


class Systemd:
    """What a service told it, in order."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))
        self._heard: list[str] = []

    def heard(self) -> list[str]:
        while True:
            try:
                self._heard.append(self._socket.recv(1_000).decode())
            except BlockingIOError:
                return self._heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    """NOTIFY_SOCKET is set, and a watchdog that wants to be fed every 2 ms."""
    manager = Systemd(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "4000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    yield manager
    manager.close()


@dataclass
class Part:
    """A role that starts when `may_start` is set; `ends` by itself, or raises `fault`, if told."""

    may_start: asyncio.Event = field(default_factory=asyncio.Event)
    fault: Exception | None = None
    ends: bool = False
    life: list[str] = field(default_factory=list)

    async def run(self, stop: asyncio.Event, started: Callable[[], None]) -> None:
        try:
            await self.may_start.wait()
            if self.fault is not None:
                raise self.fault
            started()
            self.life.append("started")
            if not self.ends:
                await stop.wait()
            self.life.append("stopped")
        finally:
            self.life.append("closed")


async def test_it_is_ready_when_every_role_is(systemd: Systemd) -> None:
    stop, hub, edge = asyncio.Event(), Part(), Part()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        services = {Role.HUB: hub, Role.EDGE: edge}
        tasks.create_task(serve(services, clock=Clock(), stop=stop, pulse=Pulse()), name="all")
        edge.may_start.set()
        await until(lambda: edge.life == ["started"])
        assert "READY=1" not in systemd.heard()
        hub.may_start.set()
        await until(lambda: "READY=1" in systemd.heard())
        stop.set()
    told = [word for word in systemd.heard() if word != "WATCHDOG=1"]
    assert told == ["READY=1", "STOPPING=1"]
    assert hub.life == edge.life == ["started", "stopped", "closed"]


async def test_a_role_that_fails_ends_the_others_and_is_named(systemd: Systemd) -> None:
    stop, hub, edge = asyncio.Event(), Part(fault=StoreError("the disk")), Part()
    for part in (hub, edge):
        part.may_start.set()
    async with asyncio.timeout(5):
        with pytest.raises(ExceptionGroup) as raised:
            await serve({Role.EDGE: edge, Role.HUB: hub}, clock=Clock(), stop=stop, pulse=Pulse())
    assert [str(error) for error in raised.value.exceptions] == ["the disk"]
    assert edge.life[-1] == "closed"
    assert "READY=1" not in systemd.heard()


async def test_a_role_that_ends_by_itself_ends_the_others(systemd: Systemd) -> None:
    hub, edge = Part(ends=True), Part()
    for part in (hub, edge):
        part.may_start.set()
    async with asyncio.timeout(5):
        await serve(
            {Role.EDGE: edge, Role.HUB: hub}, clock=Clock(), stop=asyncio.Event(), pulse=Pulse()
        )
    assert edge.life == ["started", "stopped", "closed"]
    assert systemd.heard()[-1] == "STOPPING=1"


async def test_the_watchdog_is_fed_while_the_loops_go_on_and_not_when_one_stands_still(
    systemd: Systemd,
) -> None:
    now = [0.0]
    stop, part, pulse = asyncio.Event(), Part(), Pulse(lambda: now[0])
    part.may_start.set()
    pulse.beat("steps")
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(
            serve({Role.HUB: part}, clock=Clock(), stop=stop, pulse=pulse), name="all"
        )
        await until(lambda: systemd.heard().count("WATCHDOG=1") > 3)
        now[0] += LONGEST_S + 1  # the event loop still runs, the steps do not
        await asyncio.sleep(0.01)
        fed = systemd.heard().count("WATCHDOG=1")
        await asyncio.sleep(0.02)
        assert systemd.heard().count("WATCHDOG=1") == fed
        pulse.beat("steps")
        await until(lambda: systemd.heard().count("WATCHDOG=1") > fed)
        stop.set()


async def test_a_state_dir_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = Settings(state_dir=tmp_path / "file" / "state")
    with pytest.raises(SettingsError, match=r"state_dir: .* cannot be made"):
        await run(settings, (Role.EDGE,))


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it(systemd: Systemd, tmp_path: Path, name: signal.Signals) -> None:
    (port,) = free_ports(1)
    settings = Settings(state_dir=tmp_path / "new", broker=BrokerSettings(port=port))
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run(settings, (Role.EDGE,)), name="process")
        await until(lambda: "READY=1" in systemd.heard())
        os.kill(os.getpid(), name)
        await running
    assert systemd.heard()[-1] == "STOPPING=1"


async def test_the_clock_looks_at_the_machines_while_the_roles_run() -> None:
    machine = FakeMachine(wall_s=0.0)
    clock, stop, part = Clock(machine=machine), asyncio.Event(), Part()
    part.may_start.set()
    machine.wall_s = NOW
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        all_of_it = serve({Role.EDGE: part}, clock=clock, stop=stop, pulse=Pulse())
        tasks.create_task(all_of_it, name="all")
        await until(clock.synced)
        stop.set()
