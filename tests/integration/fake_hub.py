"""A hub's API in a few lines, for the page's own tests: the routes, and data that the test moves.

`FakeHub` is started as a context manager. A test changes what it serves and pushes events; the page
cannot tell it from a hub.
"""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from gateway.api.headers import POLICY
from tests.integration.fake_lights import FakeLights

Json = dict[str, Any]

LOGIN, PASSWORD = "parent", "correct horse"
COOKIE = "machimori=let-me-in"
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


def position(lon: float, lat: float, at: float, **changes: Any) -> Json:
    """A position as the API gives it."""
    known = {
        "at": at,
        "radius68_m": 6.0,
        "radius95_m": 14.0,
        "n_heard": 4,
        "presence": "tracked",
        "zones": [{"id": "park", "probability": 0.93}],
    }
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": known | changes,
    }


def stretch(points: list[tuple[float, float]], times: list[float]) -> Json:
    """One unbroken stretch of a route."""
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": points},
        "properties": {
            "kind": "stretch",
            "since": times[0],
            "until": times[-1],
            "times": times,
            "qualities": ["route"] * len(times),
        },
    }


@dataclass
class FakeHub:
    """What the hub knows, and the streams that are open."""

    dist: Path
    plan: Json
    now: float
    carriers: list[Json]
    routes: dict[str, list[Json]] = field(default_factory=dict)
    alerts: list[Json] = field(default_factory=list)
    lights: FakeLights = field(default_factory=FakeLights)
    language: str = "ja"
    audience: str = "guardian"
    sessions: bool = True
    answering: bool = True
    locked_out_s: int = 0
    asked: list[str] = field(default_factory=list)
    streams: list[queue.Queue[str | None]] = field(default_factory=list)

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[str]:
        """Serve on loopback; gives the page's address."""
        with ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, self)) as server:
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, name="fake-hub")
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/"
            finally:
                self.break_streams()
                server.shutdown()
                thread.join()

    def tell(self, event: str, body: Json) -> None:
        """Send one event down every open stream."""
        for stream in list(self.streams):
            stream.put(f"event: {event}\ndata: {json.dumps(body)}\n\n")

    def tick(self, seconds: float = 1.0) -> None:
        """Let the hub's clock go on, and tell it."""
        self.now += seconds
        self.tell("time", {"now": self.now})

    def move(self, carrier: str, feature: Json) -> None:
        """A new position: kept for the next fetch, and told at once."""
        next(one for one in self.carriers if one["id"] == carrier)["position"] = feature
        self.now = max(self.now, feature["properties"]["at"])
        self.tell("position", {"carrier": carrier, "feature": feature})

    def raise_alert(self, alert: Json) -> None:
        """A new alert, or the next state of one."""
        self.alerts = [alert, *(one for one in self.alerts if one["id"] != alert["id"])]
        self.tell("alert", alert)

    def break_streams(self) -> None:
        """Cut every open stream."""
        while self.streams:
            self.streams.pop().put(None)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, hub: FakeHub, *args: Any) -> None:
        self.hub = hub
        super().__init__(*args)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name
        self.hub.asked.append(format % args)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if not path.startswith("/api/"):
            self._file(path)
        elif not self.hub.answering:
            self.close_connection = True
        elif not (self.hub.sessions and COOKIE in self.headers.get("Cookie", "")):
            self._send(HTTPStatus.UNAUTHORIZED, {"detail": "no session"})
        elif path == "/api/v1/stream":
            self._stream()
        else:
            self._send(*self._answer(path.removeprefix("/api/v1/").split("/")))

    def do_POST(self) -> None:
        body = self._body()
        if self.headers.get("X-Machimori") != "1":
            self._send(HTTPStatus.FORBIDDEN)
        elif self.path.endswith("/acknowledge"):
            self._acknowledge()
        elif self.path != "/api/v1/session":
            self._send(*self._lights("POST", body))
        elif self.hub.locked_out_s:
            retry = {"Retry-After": str(self.hub.locked_out_s)}
            self._send(HTTPStatus.TOO_MANY_REQUESTS, headers=retry)
        elif body == {"login": LOGIN, "password": PASSWORD}:
            self.hub.sessions = True
            cookie = {"Set-Cookie": f"{COOKIE}; Path=/; HttpOnly; SameSite=Strict"}
            self._send(HTTPStatus.NO_CONTENT, headers=cookie)
        else:
            self._send(HTTPStatus.UNAUTHORIZED)

    def do_PATCH(self) -> None:
        self.hub.language = self._body()["language"]
        self._send(HTTPStatus.NO_CONTENT)

    def do_DELETE(self) -> None:
        if self.path != "/api/v1/session":
            self._send(*self._lights("DELETE"))
            return
        self.hub.sessions = False
        self._send(HTTPStatus.NO_CONTENT)

    def _answer(self, parts: list[str]) -> tuple[HTTPStatus, Any]:
        known = self._known(parts)
        return self._lights("GET") if known is None else (HTTPStatus.OK, known)

    def _lights(self, method: str, body: Any = None) -> tuple[HTTPStatus, Any]:
        asked = urlsplit(self.path)
        path = unquote(asked.path.removeprefix("/api/v1/"))
        self.hub.lights.now = self.hub.now
        return self.hub.lights.answer(method, path, dict(parse_qsl(asked.query)), body)

    def _known(self, parts: list[str]) -> Any:
        hub = self.hub
        match parts:
            case ["me"]:
                return {"login": LOGIN, "audience": hub.audience, "language": hub.language}
            case ["site"]:
                return hub.plan
            case ["time"]:
                return {"now": hub.now}
            case ["carriers"]:
                return hub.carriers
            case ["carriers", carrier, "route"]:
                return {"type": "FeatureCollection", "features": hub.routes.get(carrier, [])}
            case ["alerts"]:
                return hub.alerts
        return None

    def _acknowledge(self) -> None:
        alert = self.path.split("/")[-2]
        known = next(one for one in self.hub.alerts if one["id"] == alert)
        self._send(HTTPStatus.NO_CONTENT)
        self.hub.raise_alert(known | {"state": "acknowledged"})

    def _stream(self) -> None:
        events: queue.Queue[str | None] = queue.Queue()
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.hub.streams.append(events)
        self.hub.tell("time", {"now": self.hub.now})
        try:
            while (event := events.get()) is not None:
                self.wfile.write(event.encode())
        except OSError:
            pass  # the page has closed it

    def _file(self, path: str) -> None:
        file = self.hub.dist / (path.lstrip("/") or "index.html")
        if not file.is_file():
            self._send(HTTPStatus.NOT_FOUND)
            return
        headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        self._send_bytes(HTTPStatus.OK, file.read_bytes(), TYPES[file.suffix], headers)

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or "{}")

    def _send(
        self, status: HTTPStatus, body: Any = None, headers: dict[str, str] | None = None
    ) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self._send_bytes(status, data, "application/json", headers or {})

    def _send_bytes(
        self, status: HTTPStatus, data: bytes, content: str, headers: dict[str, str]
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
