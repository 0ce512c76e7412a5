"""Makes ready what the sink writes to: database or bucket, its retention, and who may write.

Each step looks first, so that all can be done again, and gives a line that says what it did or
found. Blocks: it is done from the command line, before the first start.

https://docs.influxdata.com/influxdb/v1/query_language/manage-database/
https://docs.influxdata.com/influxdb/v2/api/v2/#operation/PostBuckets
"""

import re
import shlex
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import msgspec
import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.rest import ApiException

from gateway.outputs.influx import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, error_text, may_write
from gateway.outputs.influx_ql import (
    TIMEOUT,
    Admin,
    InfluxQl,
    SetupError,
    no_influx,
    quoted_name,
    quoted_text,
    refused,
    unreached,
)
from gateway.settings import InfluxSettings

_RULES: Any = BucketRetentionRules  # untyped
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def set_up(settings: InfluxSettings, *, secret: str, admin: Admin, shorten: bool) -> Iterator[str]:
    """Do what is missing; a line a step. `secret` is the sink's own.

    Raises SetupError: also where a retention would become shorter, which deletes points, unless
    `shorten`.
    """
    steps = _steps_v1 if settings.version == 1 else _steps_v2
    yield from steps(settings, secret=secret, admin=admin, shorten=shorten)
    problem = may_write(settings, secret=secret)
    if problem is not None:
        raise SetupError(f"the sink may not write: {problem.advice}")
    yield "the sink may write"


def by_hand(settings: InfluxSettings) -> str:
    """What makes it ready, for a person who has InfluxDB's own tool and an administrator's rights.

    The last of them is all that the sink needs: to write to this one database or bucket.
    """
    if settings.version == 1:
        statements = [_create_database(settings)]
        if settings.username:
            user = quoted_name(settings.username)
            statements.append(f"CREATE USER {user} WITH PASSWORD '(of sink.influx.secret_file)'")
            statements.append(f"GRANT WRITE ON {quoted_name(settings.database)} TO {user}")
        return "\n".join(statements)
    org, bucket = shlex.quote(settings.org), shlex.quote(settings.bucket)
    wanted = f"--org {org} --name {bucket}"
    return "\n".join(
        [
            f"influx org create --name {org}",
            f"influx bucket create {wanted} --retention {24 * settings.retention_days}h",
            f"influx auth create --org {org} --description machimori-sink --write-bucket "
            f'"$(influx bucket list {wanted} --hide-headers | cut -f 1)"',
        ]
    )


# --- 1.x ------------------------------------------------------------------------------------------


def _steps_v1(
    settings: InfluxSettings, *, secret: str, admin: Admin, shorten: bool
) -> Iterator[str]:
    name = settings.database
    with closing(InfluxQl(settings.url, admin)) as influx:
        if not any(row["name"] == name for row in influx.ask("SHOW DATABASES")):
            influx.ask(_create_database(settings))
            yield f"database {name}: made; points are kept for {settings.retention_days} days"
        else:
            yield _keep_v1(settings, influx, shorten=shorten)
        if settings.username:
            yield _user(settings, influx, secret)


def _create_database(settings: InfluxSettings) -> str:
    return f"CREATE DATABASE {quoted_name(settings.database)} WITH {_durations(settings)}"


def _durations(settings: InfluxSettings) -> str:
    hours = 24 * settings.retention_days
    return f"DURATION {hours}h SHARD DURATION {_shard_s(settings) // 3600}h"


def _keep_v1(settings: InfluxSettings, influx: InfluxQl, *, shorten: bool) -> str:
    database = quoted_name(settings.database)
    policies = influx.ask(f"SHOW RETENTION POLICIES ON {database}")
    standing = [policy for policy in policies if policy["default"] is True]
    if not standing:
        raise SetupError(
            f"database {settings.database} has no default retention policy. "
            f"Make one: CREATE RETENTION POLICY … ON {database} {_durations(settings)} "
            "REPLICATION 1 DEFAULT."
        )
    policy, kept_s = str(standing[0]["name"]), _seconds(str(standing[0]["duration"]))
    what = f"database {settings.database}"
    said = _retention_said(settings, what, kept_s, shorten=shorten)
    if kept_s != _wanted_s(settings):
        influx.ask(
            f"ALTER RETENTION POLICY {quoted_name(policy)} ON {database} {_durations(settings)}"
        )
    return said


def _user(settings: InfluxSettings, influx: InfluxQl, secret: str) -> str:
    user, database = quoted_name(settings.username), quoted_name(settings.database)
    rows = {row["user"]: row for row in influx.ask("SHOW USERS")}
    said = f"user {settings.username}: there"
    if settings.username not in rows:
        if not secret:
            raise SetupError(
                f"user {settings.username} is not there, and has no password to be made with. "
                "Put one into a file, and name it by sink.influx.secret_file."
            )
        influx.ask(f"CREATE USER {user} WITH PASSWORD {quoted_text(secret)}")
        said = f"user {settings.username}: made, with the password of sink.influx.secret_file"
    elif rows[settings.username]["admin"] is True:
        return f"{said}; it is an administrator, and needs to be none"
    granted = influx.ask(f"SHOW GRANTS FOR {user}")
    if not any(
        row["database"] == settings.database and row["privilege"] in {"WRITE", "ALL PRIVILEGES"}
        for row in granted
    ):
        influx.ask(f"GRANT WRITE ON {database} TO {user}")
        said += "; it was given the right to write"
    return said


def _seconds(duration: str) -> int:
    """Of "720h0m0s"; 0 is for ever."""
    found = _DURATION.fullmatch(duration)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return 3600 * hours + 60 * minutes + seconds


# --- 2.x ------------------------------------------------------------------------------------------


def _steps_v2(
    settings: InfluxSettings, *, secret: str, admin: Admin, shorten: bool
) -> Iterator[str]:
    _see_that_it_is_set_up(settings.url)
    # Any: the client's annotations contradict its own constants.
    influx: Any = InfluxDBClient(
        settings.url,
        token=admin.secret or secret,
        timeout=(round(1000 * CONNECT_TIMEOUT_S), round(1000 * ANSWER_TIMEOUT_S)),
    )
    with closing(influx), _asking(settings.url):
        org_id = _org_id(influx, settings.org)
        if org_id is None:
            org_id = influx.organizations_api().create_organization(name=settings.org).id
            yield f"organization {settings.org}: made"
        yield _bucket(settings, influx, org_id, shorten=shorten)


class _Setup(msgspec.Struct):
    allowed: bool  # whether it still has neither user nor token


def _see_that_it_is_set_up(url: str) -> None:
    with urllib3.PoolManager(1, timeout=TIMEOUT, retries=False) as pool, _asking(url):
        answer = pool.request("GET", f"{url.rstrip('/')}/api/v2/setup")
    try:
        is_new = msgspec.json.decode(answer.data, type=_Setup).allowed
    except ValueError as error:
        raise no_influx(url) from error
    if is_new:
        raise SetupError(
            f"{url} was never set up: open that address in a browser, or use InfluxDB's own "
            "`influx setup`. Then do this again with its token."
        )


def _org_id(influx: Any, name: str) -> str | None:
    try:
        found = influx.organizations_api().find_organizations(org=name)
    except ApiException as error:
        if error.status == 404:
            return None
        raise
    return next((str(org.id) for org in found if org.name == name), None)


def _bucket(settings: InfluxSettings, influx: Any, org_id: str, *, shorten: bool) -> str:
    buckets = influx.buckets_api()
    rules = [
        _RULES(every_seconds=_wanted_s(settings), shard_group_duration_seconds=_shard_s(settings))
    ]
    found = buckets.find_buckets(org_id=org_id, name=settings.bucket).buckets
    if not found:
        buckets.create_bucket(bucket_name=settings.bucket, org=org_id, retention_rules=rules)
        days = settings.retention_days
        return f"bucket {settings.bucket}: made; points are kept for {days} days"
    (bucket,) = found
    kept_s = next((int(rule.every_seconds) for rule in bucket.retention_rules), 0)
    said = _retention_said(settings, f"bucket {settings.bucket}", kept_s, shorten=shorten)
    if kept_s != _wanted_s(settings):
        bucket.retention_rules = rules
        buckets.update_bucket(bucket)
    return said


@contextmanager
def _asking(url: str) -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        if not error.status:  # the client's wrapping of a failed TLS handshake
            raise unreached(url, error) from error
        raise refused(url, error.status, error_text(str(error.body).encode())) from error
    except urllib3.exceptions.HTTPError as error:
        raise unreached(url, error) from error


# --- both -----------------------------------------------------------------------------------------


def _wanted_s(settings: InfluxSettings) -> int:
    return 86_400 * settings.retention_days


def _shard_s(settings: InfluxSettings) -> int:
    """How much lies in one file; what InfluxDB itself takes for such a retention."""
    days = settings.retention_days
    return 3_600 if days < 2 else 86_400 if days <= 180 else 7 * 86_400


def _retention_said(settings: InfluxSettings, what: str, kept_s: int, *, shorten: bool) -> str:
    """What is said of a retention, and is about to be done. Raises SetupError."""
    wanted_s, days = _wanted_s(settings), settings.retention_days
    if kept_s == wanted_s:
        return f"{what}: there; points are kept for {days} days"
    before = f"{kept_s / 86_400:g} days" if kept_s else "ever"
    if (kept_s == 0 or kept_s > wanted_s) and not shorten:
        raise SetupError(
            f"{what} keeps points for {before}; with {days} days (sink.influx.retention_days) "
            "those that are older would be deleted. Give --shorten, or raise the setting."
        )
    return f"{what}: points are kept for {days} days now, before for {before}"
