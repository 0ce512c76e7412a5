"""A small InfluxDB: keeps points by measurement, tags and time; answers as told, or as 2.x does."""

import asyncio
import json
from collections import deque
from types import TracebackType
from typing import NamedTuple, Self


class Answer(NamedTuple):
    """What to say to one request; a `hang` is never answered."""

    status: int
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    hang: bool = False


class Request(NamedTuple):
    """One request as it came; header names in lower case."""

    target: str
    headers: dict[str, str]
    lines: list[str]


def error(status: int, text: str) -> Answer:
    """An answer with InfluxDB's own body; `error` is 1.x's key, `message` 2.x's."""
    return Answer(status, json.dumps({"error": text, "message": text, "code": "fake"}))


class FakeInflux:
    """Listens on loopback. `script` answers come first; then lines with " bad" in them are refused.

    `refusal` is the status for those; `keeps_good_lines` says whether the rest of such a batch is
    stored, as 1.x does and 2.x does not. `max_lines` beyond which a batch is answered with 413.
    """

    def __init__(
        self, *, refusal: int = 400, keeps_good_lines: bool = False, max_lines: int = 1_000_000
    ) -> None:
        self.script: deque[Answer] = deque()
        self.requests: list[Request] = []
        self.points: dict[tuple[str, str], str] = {}
        self._refusal = refusal
        self._keeps_good_lines = keeps_good_lines
        self._max_lines = max_lines
        self._port = 0

    @property
    def url(self) -> str:
        """The server's address; the same after it stopped and started."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, on the former port if there was one."""
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more and cut every connection."""
        self._server.close()
        tasks = [task for task in self._open.values() if task is not None]
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = asyncio.current_task()
        try:
            while await self._serve_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away
        finally:
            writer.transport.abort()
            del self._open[writer]

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])
        }
        body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
        request = Request(head[0].split(" ")[1], headers, body.split("\n"))
        self.requests.append(request)
        answer = self.script.popleft() if self.script else self._write(request.lines)
        if answer.hang:
            await reader.read()
            return False
        await asyncio.sleep(answer.delay_s)
        extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
        writer.write(
            f"HTTP/1.1 {answer.status} Fake\r\nContent-Type: application/json\r\n{extra}"
            f"Content-Length: {len(answer.body.encode())}\r\n\r\n{answer.body}".encode()
        )
        await writer.drain()
        return True

    def _write(self, lines: list[str]) -> Answer:
        if len(lines) > self._max_lines:
            return error(413, "request too large")
        good = [line for line in lines if " bad" not in line]
        if len(good) == len(lines) or self._keeps_good_lines:
            for line in good:
                series, fields, at = line.split(" ")
                self.points[series, at] = fields
        if len(good) < len(lines):
            return error(self._refusal, f"partial write: dropped={len(lines) - len(good)}")
        return Answer(204)
