"""The part of InfluxDB 2.x that `influx setup` asks: organizations, buckets, and who may write."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

OPERATOR = "operators"


class FakeInfluxAdmin:
    """Listens on loopback while inside; `writers` are tokens that may write to every bucket.

    `changes` are the requests that changed something, as (method, path without id).
    """

    def __init__(self, *, is_new: bool = False) -> None:
        self.orgs: dict[str, str] = {}
        self.buckets: dict[str, dict[str, Any]] = {}
        self.writers = {"sinks"}
        self.changes: list[tuple[str, str]] = []
        self.is_new = is_new

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._do()

            def do_POST(self) -> None:
                self._do()

            def do_PATCH(self) -> None:
                self._do()

            def log_message(self, *_: object) -> None:
                """Silent."""

            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                token = (self.headers.get("Authorization") or "").removeprefix("Token ")
                status, answer = fake.answer(self.command, self.path, body, token)
                encoded = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("X-Influxdb-Version", "v2.7.1")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(encoded)))
                self.end_headers()
                self.wfile.write(encoded)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def has(self, org: str, bucket: str) -> None:
        """There is such a bucket, which keeps for ever."""
        org_id = self._org(org)["id"]
        self.buckets[bucket] = {"id": bucket, "orgID": org_id, "name": bucket, "retentionRules": []}

    def answer(self, method: str, target: str, body: bytes, token: str) -> tuple[int, Any]:
        """Status and document."""
        address = urlsplit(target)
        asked = {key: values[0] for key, values in parse_qs(address.query).items()}
        if address.path == "/ping":
            return 204, None
        parts = address.path.removeprefix("/api/v2/").split("/")
        if parts == ["setup"]:
            return 200, {"allowed": self.is_new}
        if parts == ["write"]:
            return self._write(asked, token)
        if parts[0] not in ("orgs", "buckets"):
            return 404, {"code": "not found", "message": "path not found"}
        if token != OPERATOR:
            return 401, {"code": "unauthorized", "message": "unauthorized access"}
        if method != "GET":
            self.changes.append((method, parts[0]))
        return self._of_operators(method, parts, asked, body)

    def _of_operators(
        self, method: str, parts: list[str], asked: dict[str, str], body: bytes
    ) -> tuple[int, Any]:
        match method, parts:
            case "GET", ["orgs"]:
                return self._find_org(asked["org"])
            case "POST", ["orgs"]:
                return 201, self._org(json.loads(body)["name"])
            case "GET", ["buckets"]:
                return 200, {"buckets": self._find_buckets(asked)}
            case "POST", ["buckets"]:
                bucket = json.loads(body)
                assert bucket["orgID"] in self.orgs.values()
                bucket["id"] = f"{len(self.buckets) + 1:016x}"
                self.buckets[bucket["id"]] = bucket
                return 201, bucket
            case "PATCH", ["buckets", bucket_id]:
                self.buckets[bucket_id] |= json.loads(body)
                return 200, self.buckets[bucket_id]
        return 405, {"code": "method not allowed", "message": "method not allowed"}

    def _find_org(self, name: str) -> tuple[int, Any]:
        if name not in self.orgs:
            return 404, {"code": "not found", "message": f'organization name "{name}" not found'}
        return 200, {"orgs": [self._org(name)]}

    def _org(self, name: str) -> dict[str, str]:
        org_id = self.orgs.setdefault(name, f"{0xA0 + len(self.orgs):016x}")
        return {"id": org_id, "name": name}

    def _find_buckets(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        return [
            bucket
            for bucket in self.buckets.values()
            if (bucket["orgID"], bucket["name"]) == (asked["orgID"], asked["name"])
        ]

    def _write(self, asked: dict[str, str], token: str) -> tuple[int, Any]:
        if token not in self.writers:
            return 401, {"code": "unauthorized", "message": "unauthorized access"}
        names = {bucket["name"] for bucket in self.buckets.values()}
        if asked["bucket"] not in names or asked["org"] not in self.orgs:
            return 404, {"code": "not found", "message": "bucket not found"}
        return 400, {"code": "invalid", "message": "unable to parse 'probe': missing fields"}
