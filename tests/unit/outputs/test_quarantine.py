"""The quarantine file: whole lines, for its owner only, or an error."""

import json
import stat
from pathlib import Path

import pytest

from gateway.outputs.quarantine import Quarantine, older


def _records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_line_is_appended_with_its_reason_and_time(tmp_path: Path) -> None:
    path = tmp_path / "state" / "quarantine.jsonl"
    Quarantine(path).add(['a x="1\n2" 1'], reason="bad", at=12.5)
    Quarantine(path).add(["b x=1 2"], reason="worse", at=13.5)
    assert _records(path) == [
        {"at": 12.5, "reason": "bad", "line": 'a x="1\n2" 1'},
        {"at": 13.5, "reason": "worse", "line": "b x=1 2"},
    ]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    Quarantine(path).add(["a x=1 1"], reason="bad", at=0.0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_after_a_torn_one_is_readable(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    path.write_text('{"at":1.0,"reas')
    Quarantine(path).add(["a x=1 1"], reason="bad", at=2.0)
    assert json.loads(path.read_text().splitlines()[-1])["line"] == "a x=1 1"


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Quarantine(tmp_path / "file" / "quarantine.jsonl").add(["a x=1 1"], reason="bad", at=0.0)


def test_both_files_together_stay_under_the_limit_and_hold_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    quarantine = Quarantine(path, max_bytes=2_000)
    for number in range(100):
        quarantine.add([f"a x={number} 1"], reason="bad", at=float(number))
        both = [one for one in (older(path), path) if one.exists()]
        assert sum(one.stat().st_size for one in both) <= 2_000
    kept = [row["at"] for one in both for row in _records(one)]
    assert kept == [float(number) for number in range(100 - len(kept), 100)]
    assert len(kept) > 20
    assert {stat.S_IMODE(one.stat().st_mode) for one in both} == {0o600}


def test_lines_beyond_their_time_go_where_the_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    quarantine = Quarantine(path, max_bytes=1_000, keep_s=100.0)
    for at in (0.0, 10.0, 150.0, 160.0):
        quarantine.add(["a x=1 1"], reason="r" * 80, at=at)
    path.write_text("{torn\n" + path.read_text())
    quarantine.add(["a x=1 1"], reason="r" * 80, at=200.0)
    assert [row["at"] for row in _records(older(path))] == [150.0, 160.0]
    assert [row["at"] for row in _records(path)] == [200.0]
    assert stat.S_IMODE(older(path).stat().st_mode) == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == [path.name, older(path).name]
