"""`machimori doctor`: its lines, its exit code, its JSON."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gateway.cli import run_command_line
from gateway.cli.doctor import influx_verdict, with_credentials
from gateway.cli.doctor_words import Mark
from gateway.model import Role
from gateway.settings import Settings
from tests.ports import free_ports
from tests.unit.cli.town_pieces import TOWN
from tests.unit.geojson_pieces import write_site


@pytest.fixture(autouse=True)
def _no_variables_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("MACHIMORI__")]:
        monkeypatch.delenv(name)


class _Answer(BaseHTTPRequestHandler):
    status = 204

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("X-Influxdb-Version", "1.6.7")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Answer) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def _config(folder: Path) -> Path:
    write_site(folder, TOWN, name="Iwaki")
    file = folder / "gateway.toml"
    (port,) = free_ports(1)
    file.write_text(f'state_dir = "{folder}/state"\n[broker]\nport = {port}\n')
    return file


def test_what_is_ill_is_said_with_what_to_do_and_ends_with_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = _config(tmp_path)
    assert run_command_line(["doctor", "--role", "edge", "--config", str(config)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"✔ settings and site: {config}: warnings: 0"
    ill = next(number for number, line in enumerate(lines) if line.startswith("✘ broker"))
    assert lines[ill + 1].startswith("    → nobody listens there")
    assert lines[-1].startswith("ill: 1, ")


def test_as_json_it_says_the_same_for_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = _config(tmp_path)
    assert run_command_line(["doctor", "--json", "--role", "hub", "--config", str(config)]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["well"] is False
    parts = {verdict["part"]: verdict["mark"] for verdict in said["verdicts"]}
    assert parts["database"] == "well"
    assert parts["broker"] == "ill"
    assert "outbox" not in parts


def test_the_certificates_that_systemd_hands_over_are_used(tmp_path: Path) -> None:
    settings = Settings(roles=(Role.EDGE,))
    assert with_credentials(settings, tmp_path) is settings
    for name in ("ca.crt", "edge.crt", "edge.key"):
        (tmp_path / name).touch()
    broker = with_credentials(settings, tmp_path).broker
    assert (broker.ca_file, broker.key_file) == (tmp_path / "ca.crt", tmp_path / "edge.key")


def test_influxdb_is_well_where_its_ping_is_answered(server: HTTPServer) -> None:
    verdict = influx_verdict(f"http://127.0.0.1:{server.server_port}")
    assert verdict.mark is Mark.WELL
    assert "1.6.7" in verdict.what


def test_something_else_in_influxdbs_place_is_ill(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Answer, "status", 404)
    assert influx_verdict(f"http://127.0.0.1:{server.server_port}").mark is Mark.ILL


def test_an_influxdb_that_is_not_there_is_ill() -> None:
    (port,) = free_ports(1)
    assert influx_verdict(f"http://127.0.0.1:{port}").mark is Mark.ILL
