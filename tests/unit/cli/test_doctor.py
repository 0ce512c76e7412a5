"""`machimori doctor`: its lines, its exit code, its JSON."""

import json
import os
from pathlib import Path

import pytest

from gateway.cli import run_command_line
from gateway.cli.doctor import with_credentials
from gateway.model import Role
from gateway.settings import InfluxSettings, Settings, SinkSettings
from tests.ports import free_ports
from tests.unit.cli.town_pieces import TOWN
from tests.unit.geojson_pieces import write_site


@pytest.fixture(autouse=True)
def _no_variables_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("MACHIMORI__")]:
        monkeypatch.delenv(name)


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


def test_the_token_that_systemd_hands_over_is_used_where_the_settings_name_none(
    tmp_path: Path,
) -> None:
    (tmp_path / "influx.token").touch()
    settings = with_credentials(Settings(roles=(Role.SINK,)), tmp_path)
    assert settings.sink.influx.secret_file == tmp_path / "influx.token"
    own = Settings(sink=SinkSettings(influx=InfluxSettings(secret_file=tmp_path / "own")))
    assert with_credentials(own, tmp_path).sink.influx.secret_file == tmp_path / "own"
