"""`machimori scan`: what it says where it cannot listen."""

import json
from pathlib import Path

import pytest

from gateway.cli import run_command_line


def settings(folder: Path, text: str = "") -> Path:
    file = folder / "gateway.toml"
    file.write_text(f'state_dir = "{folder}"\nsite = "{folder}/site.geojson"\n{text}', "utf-8")
    return file


def test_with_nothing_to_listen_with_it_says_what_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["scan", "--config", str(settings(tmp_path))]) == 2
    assert 'hci0 = "pole-1"' in capsys.readouterr().err


def test_without_bluetooth_the_table_says_what_is_missing_and_ends_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'absent.sock'}")
    file = settings(tmp_path, '[edge.adapters]\nhci0 = "pole-1"\n')
    assert run_command_line(["scan", "--seconds", "1.3", "--config", str(file)]) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "pole-1: waiting" in told
    assert "D-Bus is not there" in told
    assert "No remote receivers" in told


def test_the_summary_alone_stands_on_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'absent.sock'}")
    file = settings(tmp_path, '[edge.adapters]\nhci0 = "pole-1"\n')
    assert run_command_line(["scan", "--seconds", "1.3", "--json", "--config", str(file)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["heard"] == []
    assert told["adapters"]["hci0"]["state"] == "waiting"
    assert not (tmp_path / "hub.sqlite").exists(), "no database is made where there is none"
