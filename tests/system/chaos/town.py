"""Two edges, hub, sink, Mosquitto and influxd, each a process that reaches the others by proxies.

Any pair can be cut, each has a folder (and, as root, a small disk) and a clock of its own. Roles
that end by themselves are started again, as systemd does.
"""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.integration.influx_server import InfluxServer
from tests.needs import need
from tests.ports import free_ports
from tests.system.chaos import ground
from tests.system.chaos.ground import EDGES, NAMES, PAIRS, ROLES
from tests.system.chaos.proxy import Proxy
from tests.system.chaos.surroundings import Disk, FakeClock, faketime_library
from tests.system.processes import Processes

DISK_MB = 256
OUTBOX_MB = 100
RESTART_S = 1.0  # systemd waits 10 s, which is as long as two faults here
LOOK_EVERY_S = 0.1
DATABASE_FILE, OUTBOX_FILE, QUARANTINE_FILE = "hub.sqlite", "outbox.sqlite", "quarantine.jsonl"


@dataclass(frozen=True, slots=True)
class Exit:
    """A role that ended by itself, at `at`."""

    name: str
    code: int
    at: float


class Process:
    """One of the town's, by its name."""

    def __init__(self, town: "Town", name: str) -> None:
        self.name = name
        self._town = town

    @property
    def pid(self) -> int:
        """Of what runs now."""
        influx = self._town.influx
        return influx.pid if self.name == "influxd" else self._town.processes.pid(self.name)

    @property
    def is_up(self) -> bool:
        """Whether it runs; also where it is stopped by a signal."""
        if self.name == "influxd":
            return self._town.is_influx_up
        return self._town.processes.is_up(self.name)

    async def start(self, **environment: str) -> None:
        """Start it as before; `environment` is for this time. Harmless where it runs."""
        if not self.is_up:
            await self._town.start_one(self.name, **environment)

    async def kill(self) -> None:
        """SIGKILL. Harmless where it does not run."""
        if self.name == "influxd":
            self._town.is_influx_up = False
            await self._town.influx.kill()
        elif self._town.processes.has(self.name):
            await self._town.processes.kill(self.name)

    async def stop(self) -> int:
        """SIGTERM; the exit code. One that is not 0 is told to the judge."""
        code = await self._town.processes.stop(self.name)
        if code:
            self._town.exits.append(Exit(self.name, code, self._town.now()))
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal. Harmless where it does not run."""
        if self.is_up:
            os.kill(self.pid, number)

    async def gone(self, within_s: float) -> bool:
        """Wait until it died by its own hand; whether it did."""
        until = self._town.now() + within_s
        while True:
            if not self.is_up or self._town.now() > until:
                return not self.is_up
            await asyncio.sleep(LOOK_EVERY_S)


class Town:
    """`async with` writes the ground and opens the proxies; `start` starts all, `watch` looks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes = Processes(folder)
        self.influx = InfluxServer(folder / "influx")
        self.is_influx_up = False
        self.exits: list[Exit] = []
        self.topics: Mapping[str, tuple[str, ...]] = {}
        self.mqtt_port, self.http_port = free_ports(2)
        self._mosquitto = need("mosquitto")
        self._likes = {role: role for role in ROLES}  # whose settings a process is started with
        self._disks = {role: Disk(self.state(role), size_mb=DISK_MB) for role in ROLES}
        influx_port = int(self.influx.url.rpartition(":")[2])
        targets = {"mosquitto": self.mqtt_port, "influxd": influx_port}
        self._proxies = {
            (a, b): Proxy(target_port=targets[b], mqtt=b == "mosquitto") for a, b in PAIRS
        }
        self._clocks: dict[str, FakeClock] = {}
        self._folders: dict[str, str] = {}  # of those that were spawned, by their names
        self._spawned = 0

    # --- what the nemesis bends -------------------------------------------------------------------

    def process(self, name: str) -> Process:
        """By its name."""
        return Process(self, name)

    def proxy(self, a: str, b: str) -> Proxy:
        """Through which `a` reaches `b`."""
        return self._proxies[a, b]

    def disk(self, name: str) -> Disk | None:
        """A role's disk; None where mounting is not allowed."""
        disk = self._disks[name]
        return disk if disk.is_mounted else None

    def clock(self, name: str) -> FakeClock | None:
        """A role's wall clock, for one that is started with its `environment`.

        None where libfaketime is missing. Nobody else is: it makes every wait dearer, so that a hub
        needs three times as long to come back.
        """
        return self._clocks.get(name)

    def state(self, name: str) -> Path:
        """A process's folder."""
        return self.folder / "state" / name

    def outbox(self, gateway: str) -> Path:
        """An edge's outbox."""
        return self.state(gateway) / OUTBOX_FILE

    @property
    def database(self) -> Path:
        """The hub's."""
        return self.state("hub") / DATABASE_FILE

    @property
    def quarantine(self) -> Path:
        """The sink's."""
        return self.state("sink") / QUARANTINE_FILE

    def arm(self, name: str, point: str) -> None:
        """It kills itself at its next passage of `point`."""
        self._arm_file(name).write_text(point)

    def disarm(self, name: str) -> None:
        """Undo `arm`."""
        self._arm_file(name).unlink(missing_ok=True)

    def now(self) -> float:
        """True time, in Unix seconds."""
        return time.time()

    async def spawn(self, name: str, like: str, **environment: str) -> None:
        """Another process with the settings of the role `like`, until it is killed."""
        self._likes[name] = like
        self._spawned += 1  # each has a folder of its own: it is not the one before
        self._folders[name] = f"{name}-{self._spawned}"
        folder = self.state(self._folders[name])
        folder.mkdir(parents=True, exist_ok=True)
        await self.start_one(name, MACHIMORI__STATE_DIR=str(folder), **environment)

    # --- its life ---------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        library = faketime_library()
        for role in ROLES:
            self._disks[role].mount()
            if library is not None:
                self._clocks[role] = FakeClock(self.folder / f"{role}.time", library)
        for proxy in self._proxies.values():
            await proxy.start()
        self._write_ground()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.processes.kill_all()
        await self.influx.kill()
        for proxy in self._proxies.values():
            await proxy.close()
        for disk in self._disks.values():
            disk.unmount()

    async def start(self) -> None:
        """Everything; not waited for."""
        await self.process("influxd").start()
        await self.influx.create_database(ground.DATABASE)
        for name in NAMES:
            await self.process(name).start()

    async def start_one(self, name: str, **environment: str) -> None:
        """Start what does not run."""
        if name == "influxd":
            await self.influx.start()
            self.is_influx_up = True
        elif name == "mosquitto":
            config = str(self.folder / "mosquitto.conf")
            await self.processes.spawn(name, self._mosquitto, "-c", config)
        else:
            await self._start_role(name, environment)

    async def watch(self) -> None:
        """Start again the roles that end by themselves, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for role in ROLES:
                code = self.processes.exit_code(role)
                if code is not None and code >= 0:
                    self.exits.append(Exit(role, code, self.now()))
                    await self.process(role).kill()  # it is dead: only forgotten
                    await asyncio.sleep(RESTART_S)
                    await self.process(role).start()

    def ledger(self, name: str) -> Path:
        """Where a role says which rows its outbox committed."""
        return self.folder / f"{self._folders.get(name, name)}.ledger"

    def settings(self, name: str) -> Path:
        """A role's settings file."""
        return self.folder / f"{name}.toml"

    def rows(self, sql: str, *values: object, of: Path | None = None) -> list[tuple[object, ...]]:
        """Rows of the hub's database, or of another; each `?` of `sql` is one of `values`."""
        file = of or self.database
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(sql, values).fetchall()

    def _arm_file(self, name: str) -> Path:
        return self.folder / f"{name}.arm"

    async def _start_role(self, name: str, environment: Mapping[str, str]) -> None:
        like = self._likes[name]
        role = "edge" if like in EDGES else like
        await self.processes.python(
            name,
            *("-m", "tests.system.chaos.role", role),
            *("--config", str(self.settings(like))),
            *("--ledger", str(self.ledger(name))),
            *("--arm", str(self._arm_file(name))),
            **environment,
        )

    def _write_ground(self) -> None:
        site = self.folder / "site.geojson"
        self.topics = ground.write_site(site)
        mosquitto = self.folder / "mosquitto.conf"
        ground.write_mosquitto(mosquitto, state=self.state("mosquitto"), port=self.mqtt_port)
        for role in ROLES:
            self.state(role).mkdir(parents=True, exist_ok=True)
            ground.write_settings(
                self.settings(role),
                state=self.state(role),
                site=site,
                ports={
                    "mqtt": self.proxy(role, "mosquitto").port,
                    "http": self.http_port,
                    "influx": self.proxy("sink", "influxd").port,
                },
                edge=role if role in EDGES else EDGES[0],
                outbox_mb=OUTBOX_MB,
            )
