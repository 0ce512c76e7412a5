"""A small, strict InfluxDB: keeps points by measurement, tags and time; answers as told, or as 2.x.

Left to itself it says 401 for a wrong token, 404 for what it does not serve, 400
for what is no line protocol, 422 for a field of another type and for a time before its retention.
"""

import asyncio
import gzip
import json
from collections import Counter, deque
from types import TracebackType
from typing import Literal, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from tests.unit.outputs.line_protocol import Point, read_line, type_of

_KEYS = {"/write": {"db", "precision"}, "/api/v2/write": {"org", "bucket", "precision"}}


class Answer(NamedTuple):
    """What to say to one request; a `hang` is never answered.

    `keeps`: the server took the good lines before it said so. `cut`: the connection ends within
    the request, before the answer, or in the middle of the answer.
    """

    status: int
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    hang: bool = False
    keeps: bool = False
    cut: Literal["", "request", "before", "answer"] = ""


class Request(NamedTuple):
    """One request as it came; header names in lower case."""

    target: str
    headers: dict[str, str]
    lines: list[str]


def error(status: int, text: str, *, keeps: bool = False) -> Answer:
    """An answer with InfluxDB's own body; `error` is 1.x's key, `message` 2.x's."""
    body = json.dumps({"error": text, "message": text, "code": "fake"})
    return Answer(status, body, keeps=keeps)


class FakeInflux:
    """Listens on loopback. `script` answers come first; then it judges the lines.

    `refusal` is the status for what is no line; `keeps_good_lines` says whether the rest of such a
    batch is stored, as 1.x does and 2.x does not. `max_lines` beyond which a batch is answered with
    413. `token`: the only one that may write, where given. `oldest_at`: its retention, in ms.
    `points` are the fields by (series, time), and `writes` how often each was written.
    """

    def __init__(
        self,
        *,
        refusal: int = 400,
        keeps_good_lines: bool = False,
        max_lines: int = 1_000_000,
        token: str = "",
        oldest_at: int = 0,
    ) -> None:
        self.script: deque[Answer] = deque()
        self.requests: list[Request] = []
        self.points: dict[tuple[str, int], dict[str, str]] = {}
        self.writes: Counter[tuple[str, int]] = Counter()
        self._types: dict[tuple[str, str], str] = {}
        self._refusal = refusal
        self._keeps_good_lines = keeps_good_lines
        self._max_lines = max_lines
        self._token = token
        self._oldest_at = oldest_at
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
        scripted = self.script.popleft() if self.script else None
        if scripted is not None and scripted.cut == "request":
            return False
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        method, target, _ = head[0].split(" ")
        request = Request(target, headers, body.decode().split("\n"))
        self.requests.append(request)
        answer = self._scripted(scripted, request) if scripted else self._judge(method, request)
        if answer.hang:
            await reader.read()
            return False
        await asyncio.sleep(answer.delay_s)
        return await self._send(writer, answer)

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer) -> bool:
        body = answer.body.encode()
        extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
        head = (
            f"HTTP/1.1 {answer.status} Fake\r\nContent-Type: application/json\r\n{extra}"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        if answer.cut == "answer":
            # What is promised does not come: half the body, or a status of which a digit is there.
            writer.write(head + body[: len(body) // 2] if body else head[: len("HTTP/1.1 2")])
        elif not answer.cut:
            writer.write(head + body)
        await writer.drain()
        if answer.cut:
            writer.close()  # what was written still arrives
            return False
        return True

    def _scripted(self, answer: Answer, request: Request) -> Answer:
        if answer.keeps:
            self._store([point for line in request.lines if (point := read_line(line))])
        return answer

    def _judge(self, method: str, request: Request) -> Answer:
        address = urlsplit(request.target)
        asked = parse_qs(address.query)
        if _KEYS.get(address.path) != asked.keys() or method != "POST":
            return error(404, "path not found")
        if asked["precision"] != ["ms"]:
            return error(400, "invalid precision")
        if self._token and request.headers.get("authorization") != f"Token {self._token}":
            return error(401, "unauthorized access")
        return self._write(request.lines)

    def _write(self, lines: list[str]) -> Answer:
        if len(lines) > self._max_lines:
            return error(413, "request too large")
        points = [point for line in lines if (point := read_line(line))]
        unread = len(lines) - len(points)
        if unread and not self._keeps_good_lines:
            return error(self._refusal, f"unable to parse: {unread} lines")
        why, dropped = self._store(points)
        if unread:
            return error(self._refusal, f"partial write: unable to parse: {unread} lines")
        if dropped:
            return error(422, f"failure writing points: partial write: {why} dropped={dropped}")
        return Answer(204)

    def _store(self, points: list[Point]) -> tuple[str, int]:
        """Take what fits; why the others do not, and how many those are."""
        why, dropped = "", 0
        for point in points:
            types = {(point.measurement, name): type_of(v) for name, v in point.fields.items()}
            if any(self._types.get(key, kind) != kind for key, kind in types.items()):
                why, dropped = "field type conflict", dropped + 1
            elif point.at < self._oldest_at:
                why, dropped = "points beyond retention policy", dropped + 1
            else:
                self._types |= types
                self.points.setdefault((point.series, point.at), {}).update(point.fields)
                self.writes[point.series, point.at] += 1
        return why, dropped
