"""Writes lines to InfluxDB 1.x over plain HTTP, or to 2.x through influxdb-client.

Both clients block, so each writer owns one thread. What each answer means was measured against
influxd 1.6.7 and read from the 2.x API's description; an answer that InfluxDB does not give (a
portal's 200, a proxy's 400) counts as unavailable, so that a wrong address never eats a line.

https://docs.influxdata.com/influxdb/v1/tools/api/#write-http-endpoint
https://docs.influxdata.com/influxdb/v2/api/v2/#operation/PostWrite
"""

import asyncio
import base64
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlencode

import msgspec
import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from gateway.outputs.delivery import Accepted, Outcome, Refused, Unavailable
from gateway.outputs.lines import PRECISION
from gateway.settings import InfluxSettings, SettingsError

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 15.0  # above the 10 s after which influxd itself gives up a write
_LONGEST_REASON = 300
_DROPPED = re.compile(r" dropped=(\d{1,9})$")  # behind "partial write: …", in 1.x and 2.x


class InfluxWriter:
    """A LineWriter; `async with` opens its connections and its thread."""

    def __init__(self, client: "_Client") -> None:
        self._client = client
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="influx")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Behind a write that is still under way in the thread: it may take ANSWER_TIMEOUT_S.
        await asyncio.get_running_loop().run_in_executor(self._thread, self._client.close)
        self._thread.shutdown(wait=False)

    async def write(self, lines: Sequence[str]) -> Outcome:
        """Offer lines once; says what the server made of them."""
        body = "\n".join(lines).encode()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._client.write, body)


def influx_writer(
    settings: InfluxSettings, *, secret: str, answer_timeout_s: float = ANSWER_TIMEOUT_S
) -> InfluxWriter:
    """The writer for `settings.version`; `secret` is the password (1) or the token (2)."""
    return InfluxWriter(_client(settings, secret, answer_timeout_s=answer_timeout_s))


def may_write(settings: InfluxSettings, *, secret: str) -> Unavailable | None:
    """None where `secret` may write to what `settings` name; else what is in the way. Blocks.

    Nothing is written: what is offered is no line, and who may not write is told that first.
    """
    client = _client(settings, secret, answer_timeout_s=ANSWER_TIMEOUT_S)
    try:
        outcome = client.write(b"probe")
    finally:
        client.close()
    return outcome if isinstance(outcome, Unavailable) else None


def read_secret(file: Path | None, *, key: str, is_header: bool) -> str:
    """The secret of a file; "" where none is named. Raises SettingsError, which names `key`.

    A header carries it as it is, where a password is encoded.
    """
    if file is None:
        return ""
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{key}: {file} cannot be read ({error}). "
            "Create it, readable for who needs it, or remove the key."
        ) from error
    if not secret.isprintable() or (is_header and not secret.isascii()):
        raise SettingsError(f"{key}: {file} must be one line of plain text. Copy it again.")
    return secret


def secret_of(settings: InfluxSettings) -> str:
    """The sink's own secret. Raises SettingsError."""
    return read_secret(
        settings.secret_file, key="sink.influx.secret_file", is_header=settings.version == 2
    )


class _Client(Protocol):
    def write(self, body: bytes) -> Outcome:
        """Blocks until the server answered, or a time-out."""

    def close(self) -> None:
        """Close every connection."""


def _client(settings: InfluxSettings, secret: str, *, answer_timeout_s: float) -> _Client:
    kind = _ClientV1 if settings.version == 1 else _ClientV2
    return kind(settings, secret, answer_timeout_s=answer_timeout_s)


class _ClientV1:
    def __init__(self, settings: InfluxSettings, password: str, *, answer_timeout_s: float) -> None:
        self._settings = settings
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=answer_timeout_s)
        self._pool = urllib3.PoolManager(1, timeout=timeout, retries=False)
        self._headers = {"Content-Type": "text/plain; charset=utf-8"}
        if settings.username:
            login = f"{settings.username}:{password}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"

    def write(self, body: bytes) -> Outcome:
        query = urlencode({"db": self._settings.database, "precision": PRECISION})
        try:
            answer = self._pool.request(
                "POST",
                f"{self._settings.url.rstrip('/')}/write?{query}",
                body=body,
                headers=self._headers,
            )
        except urllib3.exceptions.HTTPError as error:
            return _unreachable(self._settings, str(error))
        return _outcome(self._settings, answer.status, answer.data, answer.headers)

    def close(self) -> None:
        self._pool.clear()


class _ClientV2:
    def __init__(self, settings: InfluxSettings, token: str, *, answer_timeout_s: float) -> None:
        self._settings = settings
        # Any: the client's annotations contradict its own constants.
        self._influx: Any = InfluxDBClient(
            settings.url,
            token=token,
            org=settings.org,
            timeout=(round(1000 * CONNECT_TIMEOUT_S), round(1000 * answer_timeout_s)),
        )
        self._api = self._influx.api_client
        self._writes: Any = self._influx.write_api(SYNCHRONOUS)

    def write(self, body: bytes) -> Outcome:
        try:
            self._writes.write(self._settings.bucket, record=body, write_precision=PRECISION)
        except ApiException as error:
            if not error.status:  # the client's wrapping of a failed TLS handshake
                return _unreachable(self._settings, str(error.reason))
            text = str(error.body).encode()
            return _outcome(self._settings, error.status, text, error.headers)
        except (urllib3.exceptions.HTTPError, UnicodeDecodeError) as error:
            return _unreachable(self._settings, str(error))
        answer = self._api.last_response
        return _outcome(self._settings, answer.status, b"", answer.getheaders())

    def close(self) -> None:
        self._influx.close()


def _unreachable(settings: InfluxSettings, reason: str) -> Unavailable:
    return Unavailable(
        "unreachable",
        f"{settings.url}: {reason[:_LONGEST_REASON]}. "
        "Start InfluxDB, or mend sink.influx.url; nothing is lost meanwhile.",
    )


def _outcome(
    settings: InfluxSettings, status: int, body: bytes, headers: Mapping[str, str]
) -> Outcome:
    reason = error_text(body)
    match status:
        case 204:
            return Accepted()
        case 413:
            return Refused(reason or "request too large")
        case 400 | 422 if reason:
            dropped = _DROPPED.search(reason)
            return Refused(reason, dropped=int(dropped[1]) if dropped else 0)
        case 401 | 403:
            return Unavailable("not_allowed", _advice_on_account(settings, reason))
        case 404:
            return Unavailable("no_database", _advice_on_database(settings, reason))
        case 429 | 503:
            return Unavailable(
                "busy",
                f"{settings.url} asks for patience: {reason or status}.",
                retry_after_s=_retry_after_s(headers),
            )
        case _ if status >= 500:
            return Unavailable(
                "server_error",
                f"{settings.url} failed with {status}: {reason}. See InfluxDB's own log.",
            )
    return Unavailable(
        "unexpected_answer",
        f"{settings.url} answered {status}, which InfluxDB {settings.version} does not. "
        "Mend sink.influx.url, or the proxy before it.",
    )


def _advice_on_account(settings: InfluxSettings, reason: str) -> str:
    account = (
        f"the password of user {settings.username!r} and that it may write to the database"
        if settings.version == 1
        else "that the token may write to the bucket"
    )
    return f"{settings.url}: {reason or 'not allowed'}. Check {account} (sink.influx.secret_file)."


def _advice_on_database(settings: InfluxSettings, reason: str) -> str:
    what = "database" if settings.version == 1 else "bucket"
    return (
        f"{settings.url}: {reason or 'no such address'}. Make the {what} "
        "(machimori influx setup), or mend sink.influx.url and sink.influx.version."
    )


class _ErrorBody(msgspec.Struct):
    error: str = ""
    message: str = ""


def error_text(body: bytes) -> str:
    """What InfluxDB says in its JSON (`error` in 1.x, `message` in 2.x); empty for any other."""
    try:
        answer = msgspec.json.decode(body, type=_ErrorBody)
    except msgspec.DecodeError:
        return ""
    return (answer.error or answer.message)[:_LONGEST_REASON]


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """The seconds that the server asks for, given as such or as a date; 0 where there is no wish.

    A date counts from the answer's own `Date`: nothing is known of this machine's clock, and both
    are the server's.
    """
    wish = headers.get("Retry-After", "").strip()
    if wish.isdecimal():
        return float(wish)
    until, now = _http_date(wish), _http_date(headers.get("Date", ""))
    return 0.0 if until is None or now is None else max(0.0, (until - now).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).replace(tzinfo=UTC)  # HTTP knows no zone but GMT
    except (ValueError, OverflowError):
        return None
