"""The command line's skeleton: quick, complete, and plain about what cannot be used."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import __version__
from gateway.cli import COMMANDS, Command, run_command_line

HEAVY = {"numpy", "shapely", "pydantic", "sqlalchemy", "fastapi", "bleak", "aiomqtt"}


def test_help_names_every_command_and_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in COMMANDS:
        assert command.path.split(" ")[0] in shown


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import json, sys; from gateway.cli import run_command_line; run_command_line(['--help']); "
        "print(json.dumps(list(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(ran.stdout.splitlines()[-1])}
    assert "typer" in loaded
    assert not HEAVY & loaded


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.path)
def test_every_command_is_there_and_shows_its_help(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(command.load())
    assert run_command_line([*command.path.split(" "), "--help"]) == 0
    assert "Usage:" in capsys.readouterr().out


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["--version"]) == 0
    assert capsys.readouterr().out == f"machimori {__version__}\n"


def test_a_misspelt_command_is_refused_with_the_one_that_is_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_command_line(["chekc"]) == 2
    assert "check" in capsys.readouterr().err


def test_settings_that_cannot_be_used_end_with_code_2_and_no_traceback(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("[hub.api]\nprot = 1")
    command = [sys.executable, "-m", "gateway", "run", "--config", str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert f"{file}: hub.api.prot: no such key" in ran.stderr
    assert "Traceback" not in ran.stderr
