"""The whole system as processes of its own in one folder, each to be started and killed at will."""

import asyncio
import json
import os
import sqlite3
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.integration.influx_server import InfluxServer
from tests.needs import ROOT, need
from tests.ports import free_ports

ROLES = ("edge", "hub", "sink")
READY_WITHIN_S = 30.0
LOGIN, PASSWORD = "parent", "a-long-password-of-a-test"
DAY_S, JST_S = 86_400, 9 * 3_600
SCHOOL_IS_OUT_S = 15 * 3_600.0

_SETTINGS = """
site = {site}
site_id = "test"
state_dir = {state}
[broker]
port = {mqtt}
[hub.api]
port = {http}
cookie_secure = false
[clock]
start = {start}
anchor = {anchor}
rate = {rate}
[sink.influx]
version = 1
url = {influx}
database = "machimori"
"""
_MOSQUITTO = """
listener {mqtt} 127.0.0.1
allow_anonymous true
persistence false
log_type none
"""


class Rig:
    """`async with` starts nothing and leaves nothing behind."""

    def __init__(self, folder: Path, *, site: Path, rate: float = 1.0) -> None:
        self.folder = folder
        self.truth = folder / "truth.csv"
        self.anchor = time.time()
        midnight = (self.anchor + JST_S) // DAY_S * DAY_S - JST_S
        self.start_at = midnight + SCHOOL_IS_OUT_S
        self.rate = rate
        self.mqtt_port, self.http_port = free_ports(2)
        self.influx = InfluxServer(folder / "influx")
        self.settings = folder / "gateway.toml"
        self._site = site
        self._mosquitto = need("mosquitto")
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    @property
    def url(self) -> str:
        """Where the API and the page are."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def database(self) -> Path:
        """The hub's database."""
        return self.folder / "state" / "hub.sqlite"

    @property
    def outbox(self) -> Path:
        """The edge's outbox."""
        return self.folder / "state" / "outbox.sqlite"

    async def __aenter__(self) -> Self:
        (self.folder / "state").mkdir(parents=True)
        self.settings.write_text(
            _SETTINGS.format(
                site=json.dumps(str(self._site)),
                state=json.dumps(str(self.folder / "state")),
                mqtt=self.mqtt_port,
                http=self.http_port,
                influx=json.dumps(self.influx.url),
                start=self.start_at,
                anchor=self.anchor,
                rate=self.rate,
            )
        )
        (self.folder / "mosquitto.conf").write_text(_MOSQUITTO.format(mqtt=self.mqtt_port))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in list(self._processes):
            await self.kill(name)
        await self.influx.kill()

    async def start_all(self) -> None:
        """Broker, database and the three roles; returns when the API answers."""
        await self.influx.start()
        await self.influx.create_database("machimori")
        for name in ("mosquitto", *ROLES):
            await self.start(name)
        await self.answers()

    async def register_children(self, count: int, *, carriers: int = 40) -> None:
        """One guardian, `LOGIN`, and the first children of the simulated town."""
        roster = self.folder / "tags.json"
        await self._finish("firmware_sim", "tags", *self._world(carriers), "--out", str(roster))
        password = self.folder / "password"
        password.write_text(PASSWORD)
        secret = ("--password-file", str(password))
        await self.machimori("user", "add", LOGIN, "--audience", "guardian", *secret)
        for one in json.loads(roster.read_text())["tags"][:count]:
            sent = ("--identifier", *one["identifiers"], "--button", *one["button"])
            who = ("--kind", one["kind"], "--guardian", LOGIN, "--consent-by", LOGIN)
            await self.machimori("tag", "add", one["name"], *who, *sent)

    async def start_town(self, *more: str, carriers: int = 40) -> None:
        """The simulated town, walking under the rig's clock; its truth is in `truth`."""
        where = ("--mqtt", f"127.0.0.1:{self.mqtt_port}", "--truth", str(self.truth))
        files = ("--tags", str(self.folder / "tags.json"))
        clock = ("--anchor", str(self.anchor), "--rate", str(self.rate))
        await self.python(
            "town",
            "-m",
            "firmware_sim",
            "town",
            *self._world(carriers),
            *where,
            *files,
            *clock,
            *more,
        )

    async def start(self, name: str) -> None:
        """Start mosquitto, influxd or a role."""
        if name == "influxd":
            await self.influx.start()
        elif name == "mosquitto":
            await self._spawn(name, self._mosquitto, "-c", str(self.folder / "mosquitto.conf"))
        else:
            await self.python(name, "-m", "gateway", "run", "--role", name, *self._config())

    async def python(self, name: str, *arguments: str) -> None:
        """Start a Python program under `name`."""
        await self._spawn(name, sys.executable, *arguments)

    async def machimori(self, *arguments: str) -> None:
        """Run a command to its end. Raises AssertionError where it fails."""
        await self._finish("gateway", *arguments, *self._config())

    async def kill(self, name: str) -> None:
        """SIGKILL: no farewell, no flush."""
        if name == "influxd":
            await self.influx.kill()
            return
        process = self._processes.pop(name)
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def stop(self, name: str) -> int:
        """SIGTERM; the exit code."""
        process = self._processes.pop(name)
        process.terminate()
        return await asyncio.wait_for(process.wait(), 20)

    def pid(self, name: str) -> int:
        """The process id of what runs under `name`."""
        return self._processes[name].pid

    def is_up(self, name: str) -> bool:
        """Whether that process runs."""
        return name in self._processes and self._processes[name].returncode is None

    def log(self, name: str) -> str:
        """What a process wrote."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    async def answers(self) -> None:
        """Wait for the API."""
        async with asyncio.timeout(READY_WITHIN_S), httpx.AsyncClient(trust_env=False) as client:
            while True:
                assert self.is_up("hub"), self.log("hub")
                try:
                    if (await client.get(f"{self.url}/api/v1/health")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass  # not listening yet
                await asyncio.sleep(0.1)

    def now(self) -> float:
        """The time of the rig's clock."""
        return self.start_at + (time.time() - self.anchor) * self.rate

    def rows(self, sql: str, *, of: Path | None = None) -> list[tuple[object, ...]]:
        """Rows of the hub's database, or of the outbox."""
        file = of or self.database
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(sql).fetchall()

    async def influx_positions(self) -> set[tuple[str, int]]:
        """(tag, at in ms) of every position in InfluxDB."""
        found = await self.influx.query(
            'SELECT n_heard FROM position GROUP BY "tag"', database="machimori"
        )
        return {(str(row["tag"]), int(str(row["time"]))) for row in found}

    def stored_positions(self) -> set[tuple[str, int]]:
        """(tag, at in ms) of every position in the hub's database."""
        return {
            (str(tag), round(float(str(at)) * 1000))
            for tag, at in self.rows("SELECT tag, at FROM positions")
        }

    async def _spawn(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                *command, stdout=log, stderr=log, cwd=ROOT, env=_environment()
            )

    async def _finish(self, module: str, *arguments: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *arguments), cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == 0, (module, arguments)

    def _world(self, carriers: int) -> tuple[str, ...]:
        start = ("--start", str(self.start_at))
        return ("--site", str(self._site), *start, "--carriers", str(carriers))

    def _config(self) -> tuple[str, str]:
        return ("--config", str(self.settings))


def _environment() -> Mapping[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


async def until(condition: object, *, within_s: float, what: str) -> None:
    """Wait for `condition()`, sync or async. Raises AssertionError naming `what` did not come."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        answer = condition()  # type: ignore[operator] # any callable
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return
        assert asyncio.get_running_loop().time() < deadline, f"{what}: not within {within_s} s"
        await asyncio.sleep(0.2)
