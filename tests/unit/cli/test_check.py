"""`machimori check`: each thing that a field visit would otherwise find out."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import run_command_line
from gateway.cli.check import Report, inspect
from gateway.settings import config_dir
from tests.unit.cli.town_pieces import TOWN, receiver
from tests.unit.geojson_pieces import feature, point, write_site


@pytest.fixture(autouse=True)
def _no_variables_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("MACHIMORI__")]:
        monkeypatch.delenv(name)


def _config(folder: Path, text: str = "", features: Sequence[Any] = TOWN) -> Path:
    write_site(folder, features, name="Iwaki")
    file = folder / "gateway.toml"
    file.write_text(f'state_dir = "{folder}/state"\n{text}')
    return file


def _check(folder: Path, text: str = "", features: Sequence[Any] = TOWN) -> Report:
    return inspect(_config(folder, text, features))


def _only(lines: Sequence[str]) -> str:
    assert len(lines) == 1, lines
    return lines[0]


def test_a_town_without_faults_gets_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = _config(tmp_path)
    assert run_command_line(["check", "--strict", "--config", str(config)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path}/site.geojson: site Iwaki in EPSG:6677: 1 paths, 0 zones, "
        "5 receivers (gw-01 5), 0 lamps, 0 lots",
        f"{config}: errors: 0, warnings: 0",
    ]


def test_the_town_that_ships_has_no_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MACHIMORI__STATE_DIR", str(tmp_path))
    report = inspect(config_dir() / "gateway.toml")
    assert (report.errors, report.warnings) == ((), ())


def test_errors_end_with_code_1_and_warnings_only_when_strict(tmp_path: Path) -> None:
    warned = _config(tmp_path, features=[*TOWN, receiver(9, (5, 5), height_m=None)])
    assert run_command_line(["check", "--config", str(warned)]) == 0
    assert run_command_line(["check", "--strict", "--config", str(warned)]) == 1
    wrong = _config(tmp_path, features=[*TOWN, receiver(9, (5, 500))])
    assert run_command_line(["check", "--config", str(wrong)]) == 1


def test_settings_and_site_that_cannot_be_read_are_told_by_check_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [feature("zome", point((0, 0)), id="x"), feature("lamp", None, id="l")]
    report = _check(tmp_path, '[sink.influx]\nsecret_file = "/none"', features=wrong)
    assert [line.split(": ")[1] for line in report.errors] == [
        "sink.influx.secret_file",
        "zome x (features[0])",
        "lamp l (features[1])",
    ]
    config = _config(tmp_path, "typo = 1")
    assert run_command_line(["check", "--config", str(config)]) == 1
    assert f"{config}: typo: no such key." in capsys.readouterr().out


# --- settings and site together -----------------------------------------------------------------


LOCAL = {"format": None, "topic": None}


@pytest.mark.parametrize(
    ("adapters", "extra", "what"),
    [
        ('hci0 = "r-77"', [], "hci0: error: receiver r-77 is not on the site"),
        ('hci0 = "r-3"', [], "hci0: error: receiver r-3 has a topic on the site"),
        (
            'hci0 = "r-9"',
            [receiver(9, (5, 5), gateway="gw-02", **LOCAL)],
            "hci0: error: receiver r-9 belongs to gw-02 on the site, not to gw-01",
        ),
    ],
)
def test_an_adapter_and_its_receiver_must_fit(
    tmp_path: Path, adapters: str, extra: list[Any], what: str
) -> None:
    said = _only(_check(tmp_path, f"[edge.adapters]\n{adapters}", [*TOWN, *extra]).errors)
    assert f"gateway.toml: edge.adapters.{what}" in said


def test_a_receiver_has_one_adapter(tmp_path: Path) -> None:
    text = '[edge.adapters]\nhci0 = "r-9"\nhci1 = "r-9"'
    errors = _check(tmp_path, text, [*TOWN, receiver(9, (5, 5), **LOCAL)]).errors
    assert len(errors) == 2
    assert "receiver r-9 has several adapters" in errors[0]


def test_a_gateway_that_the_site_does_not_know_is_an_error_of_an_edge_only(tmp_path: Path) -> None:
    said = _only(_check(tmp_path, '[edge]\ngateway = "gw-07"').errors)
    assert "edge.gateway: error: no receiver of the site belongs to gw-07" in said
    assert "the site's gateways: gw-01" in said
    assert not _check(tmp_path, 'roles = ["hub"]\n[edge]\ngateway = "gw-07"').errors


# --- this machine -------------------------------------------------------------------------------


def test_a_secret_must_be_there_and_closed_to_others(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    text = f'[sink.influx]\nsecret_file = "{secret}"'
    missing = _only(_check(tmp_path, text).errors)
    assert "sink.influx.secret_file: error:" in missing
    assert "No such file" in missing
    secret.write_text("s3cret")
    secret.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IROTH)
    said = _only(_check(tmp_path, text).errors)
    assert f"chmod 0600 {secret}" in said
    assert "s3cret" not in said
    secret.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP)
    assert not _check(tmp_path, text).errors


def test_a_certificate_may_be_read_by_all_and_its_key_not(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o644)
    files = "\n".join(f'{name}_file = "{tmp_path}/{name}"' for name in ("ca", "cert", "key"))
    assert "broker.key_file" in _only(_check(tmp_path, f"[broker]\n{files}").errors)


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    said = _only(_check(tmp_path, f'[sink.influx]\nsecret_file = "{tmp_path}"').errors)
    assert f"{tmp_path} is no file" in said


def test_a_state_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    _config(tmp_path)
    config = tmp_path / "gateway.toml"
    config.write_text('state_dir = "/proc/machimori"')
    said = _only(inspect(config).errors)
    assert "state_dir: error: /proc cannot be written" in said
    config.write_text(f'state_dir = "{config}/state"')
    assert "state_dir: error:" in _only(inspect(config).errors)


def test_a_state_folder_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    assert not _check(tmp_path).errors
    assert not (tmp_path / "state").exists()


def test_a_broker_elsewhere_without_tls_is_warned_of(tmp_path: Path) -> None:
    said = _only(_check(tmp_path, '[broker]\nhost = "broker.example"').warnings)
    assert "broker.host: warning: broker.example is another machine" in said


def test_simulated_time_is_warned_of(tmp_path: Path) -> None:
    said = _only(_check(tmp_path, "[clock]\nstart = 1770000000.0").warnings)
    assert "clock.start: warning: time is simulated" in said
