"""Asks InfluxDB 1.x in its own language, as an administrator; and what is said where that fails.

https://docs.influxdata.com/influxdb/v1/tools/api/#query-http-endpoint
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec
import urllib3

from gateway.model import UnusableError
from gateway.outputs.influx import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, error_text

TIMEOUT = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=ANSWER_TIMEOUT_S)


class SetupError(UnusableError):
    """InfluxDB is not ready for the sink; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Admin:
    """Who may make databases: a user and its password (1.x), or an operator's token (2.x)."""

    username: str = ""
    secret: str = field(default="", repr=False)


class _Series(msgspec.Struct):
    columns: list[str]
    values: list[list[Any]] = []


class _Result(msgspec.Struct):
    error: str = ""
    series: list[_Series] = []


class _Answer(msgspec.Struct):
    results: list[_Result]


class InfluxQl:
    """Asks a 1.x server; what is asked goes in the body, which no access log keeps."""

    def __init__(self, url: str, admin: Admin) -> None:
        self._url = url.rstrip("/")
        self._pool = urllib3.PoolManager(1, timeout=TIMEOUT, retries=False)
        self._headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if admin.username:
            login = f"{admin.username}:{admin.secret}"
            self._headers |= urllib3.make_headers(basic_auth=login)

    def ask(self, statement: str) -> list[dict[str, Any]]:
        """The rows of one statement. Raises SetupError."""
        try:
            answer = self._pool.request(
                "POST",
                f"{self._url}/query",
                body=urlencode({"q": statement}),
                headers=self._headers,
            )
        except urllib3.exceptions.HTTPError as error:
            raise unreached(self._url, error) from error
        if answer.status != 200:
            raise refused(self._url, answer.status, error_text(answer.data))
        try:
            (result,) = msgspec.json.decode(answer.data, type=_Answer).results
        except ValueError as error:
            raise no_influx(self._url) from error
        if result.error:
            raise SetupError(f"{self._url}: {result.error}")
        return [
            dict(zip(series.columns, values, strict=True))
            for series in result.series
            for values in series.values
        ]

    def close(self) -> None:
        """Close every connection."""
        self._pool.clear()


def quoted_name(value: str) -> str:
    """`value` as the name of something."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def quoted_text(value: str) -> str:
    """`value` as a text."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def unreached(url: str, error: Exception) -> SetupError:
    """Nobody answers at `url`."""
    return SetupError(f"{url} is not reached ({error}). Start InfluxDB, or mend sink.influx.url.")


def no_influx(url: str) -> SetupError:
    """Somebody else answers at `url`."""
    return SetupError(
        f"{url} answers what InfluxDB does not. Mend sink.influx.url and sink.influx.version."
    )


def refused(url: str, status: int, reason: str) -> SetupError:
    """InfluxDB does not do it."""
    if status in {401, 403}:
        advice = "Name an administrator by --admin-secret-file (1.x: and --admin-user)."
    else:
        advice = "Mend sink.influx.url and sink.influx.version, or see InfluxDB's own log."
    return SetupError(f"{url} answers {status}: {reason or 'no reason given'}. {advice}")
