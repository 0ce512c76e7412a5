from pathlib import Path

import pytest

from gateway.cli import run_command_line
from tests.unit.cli.recordings import START, Row, walk, write_recording
from tests.unit.report.pieces import write_truth


def plot(folder: Path, rows: list[Row], name: str) -> Path:
    picture = folder / name
    write_recording(folder, rows)
    arguments = ["locate", str(folder), "--out", str(folder / "out.csv"), "--plot", str(picture)]
    assert run_command_line(arguments) == 0
    return picture


def test_a_png_of_the_ways_is_drawn(tmp_path: Path) -> None:
    picture = plot(tmp_path, walk(seconds=40), "out.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


def test_truth_is_drawn_where_there_is_one(tmp_path: Path) -> None:
    without = plot(tmp_path / "without", walk(seconds=40), "out.svg").read_text(encoding="utf-8")
    (tmp_path / "with").mkdir()
    write_truth(tmp_path / "with", seconds=40)
    drawn = plot(tmp_path / "with", walk(seconds=40), "out.svg").read_text(encoding="utf-8")
    assert ("truth" in without, "truth" in drawn) == (False, True)


def test_a_second_outing_has_a_panel_of_its_own(tmp_path: Path) -> None:
    rows = [*walk(seconds=30), *walk(start=START + 3_000, seconds=30, seed=1)]
    drawn = plot(tmp_path, rows, "out.svg").read_text(encoding="utf-8")
    assert drawn.count("seconds since the beginning") == 2


@pytest.mark.parametrize("name", ["out.jpg", "out", "out.html"])
def test_an_unfit_name_is_refused_before_the_work(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_recording(tmp_path, walk(seconds=5))
    out = tmp_path / "out.csv"
    arguments = ["locate", str(folder), "--out", str(out), "--plot", str(tmp_path / name)]
    assert run_command_line(arguments) == 2
    assert ".png or .svg" in capsys.readouterr().err
    assert not out.exists()


def test_a_picture_that_cannot_be_written_is_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_recording(tmp_path, walk(seconds=5))
    picture = tmp_path / "absent" / "out.png"
    out = tmp_path / "out.csv"
    arguments = ["locate", str(folder), "--out", str(out), "--plot", str(picture)]
    assert run_command_line(arguments) == 2
    assert "cannot be written" in capsys.readouterr().err
