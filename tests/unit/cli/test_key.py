"""`machimori key new`."""

from pathlib import Path

import pytest

from gateway.cli import run_command_line
from gateway.sealing import read_sealing_key


def test_a_key_is_made_once_and_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tags.key"
    assert run_command_line(["key", "new", str(file)]) == 0
    told = capsys.readouterr().out
    assert read_sealing_key(file).id.hex() in told
    assert file.read_text().strip() not in told
    assert run_command_line(["key", "new", str(file)]) == 2
    assert "is there already" in capsys.readouterr().err
