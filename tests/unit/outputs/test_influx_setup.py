"""What is made of an InfluxDB 2.x, what is left alone, and what is said; 1.x has a real one.

See tests/integration/outputs/test_influx_setup.py.
"""

import socket
from collections.abc import Iterator

import pytest

from gateway.outputs.influx_ql import Admin, SetupError
from gateway.outputs.influx_setup import by_hand, set_up
from gateway.settings import InfluxSettings
from tests.unit.outputs.fake_influx_admin import OPERATOR, FakeInfluxAdmin

DAY_S = 86_400


@pytest.fixture
def influx() -> Iterator[FakeInfluxAdmin]:
    """A server that was set up, without our organization."""
    with FakeInfluxAdmin() as fake:
        yield fake


def _set_up(
    influx: FakeInfluxAdmin,
    *,
    sink: str = "sinks",
    admin: str = OPERATOR,
    shorten: bool = False,
    days: int = 30,
) -> list[str]:
    settings = InfluxSettings(url=influx.url, org="いわき", bucket="a town", retention_days=days)
    return list(set_up(settings, secret=sink, admin=Admin(secret=admin), shorten=shorten))


def _kept_s(influx: FakeInfluxAdmin) -> list[int]:
    return [
        rule["everySeconds"]
        for bucket in influx.buckets.values()
        for rule in bucket["retentionRules"]
    ]


def test_organization_and_bucket_are_made_with_the_retention_once(influx: FakeInfluxAdmin) -> None:
    assert _set_up(influx) == [
        "organization いわき: made",
        "bucket a town: made; points are kept for 30 days",
        "the sink may write",
    ]
    assert _kept_s(influx) == [30 * DAY_S]
    influx.changes.clear()
    assert _set_up(influx) == [
        "bucket a town: there; points are kept for 30 days",
        "the sink may write",
    ]
    assert influx.changes == []


def test_a_bucket_that_keeps_for_ever_is_shortened_only_when_it_is_said(
    influx: FakeInfluxAdmin,
) -> None:
    _set_up(influx)
    for bucket in influx.buckets.values():
        bucket["retentionRules"] = []
    with pytest.raises(SetupError, match=r"keeps points for ever.*--shorten"):
        _set_up(influx)
    assert _kept_s(influx) == []
    assert _set_up(influx, shorten=True)[0] == (
        "bucket a town: points are kept for 30 days now, before for ever"
    )
    assert _kept_s(influx) == [30 * DAY_S]
    assert "before for 30 days" in _set_up(influx, days=31)[0]
    with pytest.raises(SetupError, match="--shorten"):
        _set_up(influx, days=30)


def test_a_bucket_of_the_same_name_elsewhere_is_not_ours(influx: FakeInfluxAdmin) -> None:
    influx.orgs["another"] = f"{1:016x}"
    influx.buckets["b"] = {"name": "a town", "orgID": f"{1:016x}", "retentionRules": []}
    assert "made" in _set_up(influx)[1]
    assert influx.buckets["b"]["retentionRules"] == []


def test_a_sink_whose_token_may_not_write_is_told_after_all_is_made(
    influx: FakeInfluxAdmin,
) -> None:
    with pytest.raises(SetupError, match=r"the sink may not write: .*secret_file") as raised:
        _set_up(influx, sink="another")
    assert len(influx.buckets) == 1
    assert "another" not in str(raised.value)


def test_who_may_not_make_buckets_is_asked_for_somebody_who_may(influx: FakeInfluxAdmin) -> None:
    with pytest.raises(SetupError, match=r"401: unauthorized access.*--admin-secret-file"):
        _set_up(influx, admin="sinks")
    assert influx.changes == []


def test_a_server_that_was_never_set_up_is_told_as_such() -> None:
    with FakeInfluxAdmin(is_new=True) as influx, pytest.raises(SetupError, match="never set up"):
        _set_up(influx)


def test_a_server_of_another_kind_or_none_is_told() -> None:
    with FakeInfluxAdmin() as influx:
        settings = InfluxSettings(url=f"{influx.url}/proxy")
        with pytest.raises(SetupError, match=r"sink\.influx\.url"):
            list(set_up(settings, secret="", admin=Admin(), shorten=False))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings = InfluxSettings(url=f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(SetupError, match="Start InfluxDB"):
            list(set_up(settings, secret="", admin=Admin(), shorten=False))


def test_what_it_takes_can_be_done_by_hand_and_ends_with_the_right_to_write() -> None:
    two = by_hand(InfluxSettings(org="a town", bucket="b", retention_days=2)).splitlines()
    assert two[1] == "influx bucket create --org 'a town' --name b --retention 48h"
    assert "--write-bucket" in two[-1]
    one = by_hand(InfluxSettings(version=1, database='a "b', username="sink")).splitlines()
    assert one[0] == 'CREATE DATABASE "a \\"b" WITH DURATION 720h SHARD DURATION 24h'
    assert one[-1] == 'GRANT WRITE ON "a \\"b" TO "sink"'


def test_an_administrators_secret_is_in_no_repr() -> None:
    assert "hush" not in repr(Admin("root", "hush"))
