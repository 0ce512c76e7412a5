"""A real VictoriaMetrics, which speaks the write path of InfluxDB 2.x.

It is no InfluxDB: it takes any bucket and token, answers 204 also to what it cannot read (and
counts it), keeps numbers only, to some 13 digits, and after a kill may miss what it acknowledged.
"""

import asyncio
import json
import re
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import httpx

from tests.needs import need
from tests.ports import free_ports

_READY_WITHIN_S = 30.0
_INVALID = re.compile(r'^vm_rows_invalid_total\{type="influx"\} (\d+)$', re.MULTILINE)


class Sample(NamedTuple):
    """One field of one point: its name is measurement_field, its time in ms."""

    name: str
    labels: tuple[tuple[str, str], ...]
    at: int


class VictoriaServer:
    """`async with` leaves no process behind; the folder keeps the data between starts."""

    def __init__(self, folder: Path) -> None:
        self._binary = need("victoria-metrics")
        self._folder = folder
        (self._port,) = free_ports(1)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The address that clients use, also while the server is down."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the server and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._binary,
                f"-storageDataPath={self._folder / 'data'}",
                f"-httpListenAddr=127.0.0.1:{self._port}",
                "-retentionPeriod=100y",
                "-dedup.minScrapeInterval=1ms",  # a point written twice is one, as in InfluxDB
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(_READY_WITHIN_S):
            while True:
                assert self._process.returncode is None, (self._folder / "log").read_text()
                try:
                    if await self._get("/health") == "OK":
                        return
                except httpx.TransportError:
                    pass  # not listening yet
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """End it in order: what it acknowledged is on its disk. Harmless while it is down."""
        if self._process is None:
            return
        self._process.terminate()
        await self._process.wait()
        self._process = None

    async def samples(self) -> dict[Sample, float]:
        """Every field of every point that it has."""
        await self._get("/internal/force_flush")
        exported = await self._get("/api/v1/export", **{"match[]": '{__name__!=""}'})
        found = {}
        for line in exported.splitlines():
            series = json.loads(line)
            labels = series["metric"]
            name = labels.pop("__name__")
            for at, value in zip(series["timestamps"], series["values"], strict=True):
                found[Sample(name, tuple(sorted(labels.items())), at)] = value
        return found

    async def invalid(self) -> int:
        """How many lines it could not read since its start."""
        found = _INVALID.search(await self._get("/metrics"))
        assert found is not None
        return int(found[1])

    async def _get(self, path: str, **query: str) -> str:
        async with httpx.AsyncClient(trust_env=False, timeout=30.0) as client:
            answer = await client.get(self.url + path, params=query)
        assert answer.is_success, answer.text
        return answer.text
