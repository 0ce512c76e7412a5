"""A real Mosquitto on loopback, without persistence, killed and started at will."""

import asyncio
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.needs import need

_READY_WITHIN_S = 15.0


class MosquittoServer:
    """`async with` leaves no process behind; the port stays the same."""

    def __init__(self, folder: Path) -> None:
        self._binary = need("mosquitto")
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

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
        """Start and wait until it takes connections."""
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._binary, "-c", str(config), stdout=log, stderr=log
            )
        async with asyncio.timeout(_READY_WITHIN_S):
            while not await self._is_open():
                assert self._process.returncode is None
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """SIGKILL; nothing happens to a broker that is down."""
        if self._process is None:
            return
        self._process.kill()
        await self._process.wait()
        self._process = None

    async def _is_open(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            return False
        writer.close()
        await writer.wait_closed()
        return True
