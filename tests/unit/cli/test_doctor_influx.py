"""What the doctor says of InfluxDB: reached, and whether the sink may write."""

from pathlib import Path

from gateway.cli.doctor_influx import influx_verdicts
from gateway.cli.doctor_words import Mark
from gateway.settings import InfluxSettings
from tests.ports import free_ports
from tests.unit.outputs.fake_influx_admin import FakeInfluxAdmin


def _said(settings: InfluxSettings) -> list[tuple[Mark, str]]:
    return [(verdict.mark, verdict.what) for verdict in influx_verdicts(settings)]


def test_influxdb_is_well_where_it_answers_and_takes_the_sinks_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("sinks")
    with FakeInfluxAdmin() as influx:
        influx.has("machimori", "machimori")
        settings = InfluxSettings(url=influx.url, secret_file=token)
        (reached, what), writes = _said(settings)
        assert reached is Mark.WELL
        assert "v2.7.1" in what
        assert writes == (Mark.WELL, "the sink may write")
        token.write_text("of another")
        _, (mark, what) = _said(settings)
        assert mark is Mark.ILL
        assert "unauthorized access" in what
        assert "of another" not in what


def test_a_token_that_cannot_be_read_is_told_with_its_file(tmp_path: Path) -> None:
    with FakeInfluxAdmin() as influx:
        _, (mark, what) = _said(InfluxSettings(url=influx.url, secret_file=tmp_path / "none"))
    assert mark is Mark.ILL
    assert str(tmp_path / "none") in what


def test_something_else_in_influxdbs_place_is_ill() -> None:
    with FakeInfluxAdmin() as influx:
        ((mark, what),) = _said(InfluxSettings(url=f"{influx.url}/proxy"))
    assert mark is Mark.ILL
    assert "404" in what


def test_an_influxdb_that_is_not_there_is_ill() -> None:
    (port,) = free_ports(1)
    ((mark, _),) = _said(InfluxSettings(url=f"http://127.0.0.1:{port}"))
    assert mark is Mark.ILL
