"""A real influxd 1.x of its own: free ports, own folders, killed and started at will."""

import asyncio
import socket
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import httpx

from tests.needs import need

_READY_WITHIN_S = 30.0
_CONFIG = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
  auth-enabled = {auth}
[ifql]
  enabled = false
"""


class Ports(NamedTuple):
    """Where influxd listens; the same after a restart."""

    http: int
    rpc: int


class InfluxServer:
    """`async with` leaves no process behind; the folder keeps the data between starts."""

    def __init__(self, folder: Path, *, auth: bool = False) -> None:
        self._binary = need("influxd")
        self._folder = folder
        self._auth = auth
        self._ports = Ports(*_free_ports(2))
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The address that clients use, also while the server is down."""
        return f"http://127.0.0.1:{self._ports.http}"

    @property
    def pid(self) -> int:
        """The running server's process id. Raises AssertionError while it is down."""
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start the server and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "influxdb.conf"
        config.write_text(
            _CONFIG.format(
                folder=self._folder,
                rpc=self._ports.rpc,
                http=self._ports.http,
                auth=str(self._auth).lower(),
            )
        )
        with (self._folder / "influxd.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._binary, "run", "-config", str(config), stdout=log, stderr=log
            )
        await self._answers()

    async def kill(self) -> None:
        """SIGKILL, as a power cut would; nothing happens to a server that is down."""
        if self._process is None:
            return
        self._process.kill()
        await self._process.wait()
        self._process = None

    async def create_database(self, name: str) -> None:
        """Make a database; harmless where it is."""
        await self.query(f'CREATE DATABASE "{name}"')

    async def query(
        self, sql: str, *, database: str = "", login: tuple[str, str] | None = None
    ) -> list[dict[str, object]]:
        """The rows of an InfluxQL statement; `time` in ms, GROUP BY tags as columns.

        Raises AssertionError with the server's words where it refuses.
        """
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(
                f"{self.url}/query",
                data={"q": sql, "db": database, "epoch": "ms"},
                auth=login,
                timeout=30.0,
            )
        body = answer.json()
        assert answer.status_code == 200, body
        assert "error" not in body["results"][0], body
        return [
            dict(zip(series["columns"], values, strict=True)) | series.get("tags", {})
            for series in body["results"][0].get("series", [])
            for values in series.get("values", [])
        ]

    async def _answers(self) -> None:
        async with asyncio.timeout(_READY_WITHIN_S), httpx.AsyncClient(trust_env=False) as client:
            while True:
                assert self._process is not None
                assert self._process.returncode is None, (self._folder / "influxd.log").read_text()
                try:
                    if (await client.get(f"{self.url}/ping")).status_code == 204:
                        return
                except httpx.TransportError:
                    pass  # not listening yet
                await asyncio.sleep(0.05)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
