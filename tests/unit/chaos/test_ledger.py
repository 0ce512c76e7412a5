"""What the edges' processes said that they committed, read back."""

import json
import time
from pathlib import Path

import pytest

from tests.system.chaos.ledger import committed


def line(state: str, *, since: float, seq: int = 0, **more: object) -> str:
    """As `role.py` writes it."""
    said = {
        **{"state": state, "gateway": "gw-01", "lane": "live", "kind": "sightings"},
        **{"since": since, "until": since + 1, "identifiers": ["a", "b"], "mono": 5.0},
        **({"epoch": "e1", "seq": seq} if state == "done" else {}),
    }
    return json.dumps(said | more)


def write(folder: Path, *lines: str) -> Path:
    """A ledger."""
    file = folder / "gw-01.ledger"
    file.write_text("".join(f"{one}\n" for one in lines))
    return file


def test_a_row_that_was_tried_and_done_is_there_once(tmp_path: Path) -> None:
    file = write(
        tmp_path, line("try", since=10), line("try", since=10), line("done", since=10, seq=3)
    )
    (row,) = committed([file])
    assert row.key == ("gw-01", "e1", "live", 3)
    assert row.process == "gw-01"
    assert row.identifiers == {"a", "b"}
    assert row.at == pytest.approx(5.0 + time.time() - time.monotonic(), abs=0.1)


def test_a_row_that_was_only_tried_has_no_key(tmp_path: Path) -> None:
    file = write(tmp_path, line("done", since=10, seq=3), line("try", since=11))
    assert [row.key is None for row in committed([file])] == [False, True]


def test_a_line_that_a_kill_cut_off_is_passed_over(tmp_path: Path) -> None:
    file = write(tmp_path, line("try", since=10), line("done", since=10, seq=3)[:40])
    assert [row.key for row in committed([file])] == [None]
