"""`machimori influx setup`: what it says without a server, and that secrets come from files."""

from pathlib import Path

import pytest

from gateway.cli import run_command_line
from tests.unit.outputs.fake_influx_admin import OPERATOR, FakeInfluxAdmin


def _config(folder: Path, text: str = "") -> list[str]:
    file = folder / "gateway.toml"
    file.write_text(f"[sink.influx]\n{text}\n", encoding="utf-8")
    return ["influx", "setup", "--config", str(file)]


def test_what_it_takes_is_printed_without_asking_anybody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'url = "http://127.0.0.1:1"\nbucket = "town"\nsecret_file = "/none"\nretention_days = 7'
    assert run_command_line([*_config(tmp_path, text), "--print"]) == 0
    said = capsys.readouterr().out
    assert "influx bucket create --org machimori --name town --retention 168h" in said
    assert "--write-bucket" in said


def test_all_is_made_with_the_secrets_of_two_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sink").write_text("sinks\n", encoding="utf-8")
    (tmp_path / "admin").write_text(f"{OPERATOR}\n", encoding="utf-8")
    with FakeInfluxAdmin() as influx:
        text = f'url = "{influx.url}"\nsecret_file = "{tmp_path / "sink"}"'
        words = [*_config(tmp_path, text), "--admin-secret-file", str(tmp_path / "admin")]
        assert run_command_line(words) == 0
        assert len(influx.buckets) == 1
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "the sink may write"
    assert OPERATOR not in said


@pytest.mark.parametrize("option", ["secret_file", "--admin-secret-file"])
def test_a_secret_that_cannot_be_read_is_told_by_its_name_and_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    missing = str(tmp_path / "none")
    if option == "secret_file":
        words = _config(tmp_path, f'secret_file = "{missing}"')
    else:
        words = [*_config(tmp_path), option, missing]
    assert run_command_line(words) == 2
    said = capsys.readouterr().err
    assert option in said
    assert missing in said
