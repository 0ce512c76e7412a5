"""The whole system as processes of its own in one folder, each to be started and killed at will."""

import asyncio
import json
import math
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.integration.influx_server import InfluxServer
from tests.needs import ROOT, need
from tests.ports import free_ports
from tests.system.processes import Processes

ROLES = ("edge", "hub", "sink")
READY_WITHIN_S = 30.0
TOWN_READY_IN_S = 4.0
LOGIN, PASSWORD = "parent", "a-long-password-of-a-test"
DAY_S, JST_S = 86_400, 9 * 3_600
LATENESS_S = 1.5  # of the simulated clock: a second of the wall is `rate` of it
SCHOOL_IS_OUT_S = 15 * 3_600.0

_SETTINGS = """
site = {site}
site_id = "test"
state_dir = {state}
[broker]
port = {mqtt}
[edge]
outbox = "edge/outbox.sqlite"
[hub]
database = "hub/hub.sqlite"
lateness_s = {lateness}
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


class Rig(Processes):
    """`async with` starts nothing and leaves nothing behind."""

    def __init__(self, folder: Path, *, site: Path, rate: float = 1.0) -> None:
        super().__init__(folder)
        self.state = folder / "state"
        self.truth = folder / "truth.csv"
        self.anchor = time.time()
        midnight = (self.anchor + JST_S) // DAY_S * DAY_S - JST_S
        self.start_at = midnight + SCHOOL_IS_OUT_S
        self.rate = rate
        self.lateness_s = LATENESS_S * rate
        self.town_from = math.inf  # when the town begins, by the rig's clock
        self.mqtt_port, self.http_port = free_ports(2)
        self.influx = InfluxServer(folder / "influx")
        self.settings = folder / "gateway.toml"
        self._site = site
        self._mosquitto = need("mosquitto")

    @property
    def url(self) -> str:
        """Where the API and the page are."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def database(self) -> Path:
        """The hub's database."""
        return self.state / "hub" / "hub.sqlite"

    @property
    def outbox(self) -> Path:
        """The edge's outbox."""
        return self.state / "edge" / "outbox.sqlite"

    async def __aenter__(self) -> Self:
        for file in (self.database, self.outbox):  # each may be a disk that the test has mounted
            file.parent.mkdir(parents=True, exist_ok=True)
        self.settings.write_text(
            _SETTINGS.format(
                site=json.dumps(str(self._site)),
                state=json.dumps(str(self.state)),
                mqtt=self.mqtt_port,
                http=self.http_port,
                influx=json.dumps(self.influx.url),
                start=self.start_at,
                anchor=self.anchor,
                rate=self.rate,
                lateness=self.lateness_s,
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
        await self.kill_all()
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
        await self._finish(
            "firmware_sim",
            "tags",
            *self._world(carriers, start=self.start_at),
            "--out",
            str(roster),
        )
        password = self.folder / "password"
        password.write_text(PASSWORD)
        secret = ("--password-file", str(password))
        await self.machimori("user", "add", LOGIN, "--audience", "guardian", *secret)
        for one in json.loads(roster.read_text())["tags"][:count]:
            sent = ("--identifier", *one["identifiers"], "--button", *one["button"])
            who = ("--kind", one["kind"], "--guardian", LOGIN, "--consent-by", LOGIN)
            await self.machimori("tag", "add", one["name"], *who, *sent)

    async def start_town(self, *more: str, carriers: int = 40) -> None:
        """The simulated town, walking under the rig's clock; its truth is in `truth`.

        It begins when it is ready: it would tell what it missed all at once.
        """
        anchor = time.time() + TOWN_READY_IN_S
        self.town_from = self.start_at + (anchor - self.anchor) * self.rate
        where = ("--mqtt", f"127.0.0.1:{self.mqtt_port}", "--truth", str(self.truth))
        files = ("--tags", str(self.folder / "tags.json"))
        clock = ("--anchor", str(anchor), "--rate", str(self.rate))
        await self.python(
            "town",
            "-m",
            "firmware_sim",
            "town",
            *self._world(carriers, start=self.town_from),
            *where,
            *files,
            *clock,
            *more,
        )

    async def start(self, name: str, *, role: str = "", **environment: str) -> None:
        """Start mosquitto, influxd or a role; `role` where the process has another name.

        `environment` is added to ours: MACHIMORI__… keys win over the settings file.
        """
        if name == "influxd":
            await self.influx.start()
        elif name == "mosquitto":
            await self.spawn(name, self._mosquitto, "-c", str(self.folder / "mosquitto.conf"))
        else:
            run = ("-m", "gateway", "run", "--role", role or name, *self._config())
            await self.python(name, *run, **environment)

    async def machimori(self, *arguments: str) -> None:
        """Run a command to its end. Raises AssertionError where it fails."""
        await self._finish("gateway", *arguments, *self._config())

    async def kill(self, name: str) -> None:
        """SIGKILL: no farewell, no flush."""
        if name == "influxd":
            await self.influx.kill()
        else:
            await super().kill(name)

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

    def rows(self, sql: str, *values: object, of: Path | None = None) -> list[tuple[object, ...]]:
        """Rows of the hub's database, or of the outbox; each `?` of `sql` is one of `values`."""
        file = of or self.database
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(sql, values).fetchall()

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

    async def _finish(self, module: str, *arguments: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *arguments), cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == 0, (module, arguments)

    def _world(self, carriers: int, *, start: float) -> tuple[str, ...]:
        begin = ("--start", str(start))
        return ("--site", str(self._site), *begin, "--carriers", str(carriers))

    def _config(self) -> tuple[str, str]:
        return ("--config", str(self.settings))


async def until(condition: object, *, within_s: float, what: str | Callable[[], object]) -> None:
    """Wait for `condition()`, sync or async. Raises AssertionError naming `what` did not come.

    Where `what` can be called, it says then what is wanting.
    """
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        answer = condition()  # type: ignore[operator] # any callable
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return
        said = what() if callable(what) else what
        assert asyncio.get_running_loop().time() < deadline, f"{said}: not within {within_s} s"
        await asyncio.sleep(0.2)
