import gzip
from pathlib import Path

import pytest

from gateway.app.survey_file import SurveyLine, read_lines
from gateway.cli import run_command_line
from tests.unit.cli.recordings import START, degrees, walk, write_recording, write_site
from tests.unit.cli.surveys import survey, write_survey


def write_track(file: Path, *, start: float = START, seconds: int = 90) -> Path:
    """The phone's track of `recordings.walk`."""
    rows = [
        f"{start + k},{degrees(min(1.3 * k, 120.0), 0)[0]:.9f},{degrees(0, 0)[1]:.9f}"
        for k in range(seconds)
    ]
    file.write_text("\n".join(["at,lon,lat", *rows]), encoding="utf-8")
    return file


def run(folder: Path, *, tag: str = "t", track: Path | None = None) -> int:
    known = track or write_track(folder / "walk.csv")
    out = str(folder / "survey.csv.gz")
    asked = ["survey", "walk", str(folder), "--tag", tag, "--track", str(known), "--out", out]
    return run_command_line(asked)


def lines(folder: Path) -> list[SurveyLine]:
    return read_lines(folder / "survey.csv.gz", progress=lambda _done, _total: None)


def show(folder: Path) -> int:
    site = str(folder / "site.geojson")
    return run_command_line(["survey", "show", str(folder / "survey.csv.gz"), "--site", site])


def test_a_walk_with_tag_and_phone_becomes_a_survey(tmp_path: Path) -> None:
    rows = walk()
    write_recording(tmp_path, rows)
    assert run(tmp_path) == 0
    found = lines(tmp_path)
    placed = [row for row in rows if row[0] <= START + 89]
    assert len(found) == len(placed)
    for line, (at, receiver, _, dbm) in zip(found, placed, strict=True):
        assert line.lon == pytest.approx(degrees(1.3 * (at - START), 0)[0], abs=2e-6)
        assert (line.receiver, line.rssi_dbm, line.day) == (receiver, dbm, "2026-02-02")


def test_only_the_tag_that_was_carried_counts(tmp_path: Path) -> None:
    write_recording(tmp_path, [*walk(), *walk(tag="other", seed=1)])
    assert run(tmp_path) == 0
    assert 0 < len(lines(tmp_path)) < 0.6 * len([*walk(), *walk(seed=1)])


def test_a_second_walk_is_added_and_the_same_walk_is_not_added_twice(tmp_path: Path) -> None:
    write_recording(tmp_path, [*walk(), *walk(start=START + 90_000, seed=1)])
    assert run(tmp_path) == 0
    first = lines(tmp_path)
    assert run(tmp_path) == 0
    assert sorted(lines(tmp_path)) == sorted(first)
    assert run(tmp_path, track=write_track(tmp_path / "b.csv", start=START + 90_000)) == 0
    both = lines(tmp_path)
    assert {line.day for line in both} == {"2026-02-02", "2026-02-03"}
    assert sorted(line for line in both if line.day == "2026-02-02") == sorted(first)


def test_a_tag_that_was_not_heard_is_told_with_those_that_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_recording(tmp_path, walk())
    assert run(tmp_path, tag="u") == 2
    assert "u was not heard in the recording. It has: t." in capsys.readouterr().err


def test_clocks_that_disagree_are_told_with_both_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_recording(tmp_path, walk())
    assert run(tmp_path, track=write_track(tmp_path / "b.csv", start=START + 32_400)) == 2
    told = capsys.readouterr().err
    assert "no packet has a place" in told
    assert "2026-02-02 11:40:00 UTC" in told
    assert not (tmp_path / "survey.csv.gz").exists()


def test_an_earlier_survey_that_is_damaged_is_not_overwritten(tmp_path: Path) -> None:
    write_recording(tmp_path, walk())
    (tmp_path / "survey.csv.gz").write_bytes(gzip.compress(b"lon,lat\n1,2\n"))
    before = (tmp_path / "survey.csv.gz").read_bytes()
    assert run(tmp_path) == 2
    assert (tmp_path / "survey.csv.gz").read_bytes() == before


def test_show_tells_what_a_survey_is_worth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_site(tmp_path)
    rows = [row for row in survey(until_m=60.0) if row[2] != "r4"]
    write_survey(tmp_path / "survey.csv.gz", rows)
    assert show(tmp_path) == 0
    told = capsys.readouterr().out
    (line,) = [line.split() for line in told.splitlines() if line.startswith(" r1")]
    assert line[:4] == ["r1", "15", "75", "1"]
    assert "51% of the paths" in told
    assert "Walk the rest too" in told
    assert "without a map: r4." in told
    assert "All of one day" in told


def test_show_counts_days_and_is_content_with_a_whole_survey(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_site(tmp_path)
    write_survey(tmp_path / "survey.csv.gz", [*survey(), *survey(day="2026-04-02")])
    assert show(tmp_path) == 0
    told = capsys.readouterr().out
    (line,) = [line.split() for line in told.splitlines() if line.startswith(" r1")]
    assert line[:4] == ["r1", "30", "300", "2"]
    assert "100% of the paths" in told
    assert "Walk the rest too" not in told
    assert "All of one day" not in told


def test_what_is_left_out_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_site(tmp_path)
    lon, lat = degrees(60, 200)
    strange = [(lon, lat, "r0", -70, "d"), (lon, lat, "elsewhere", -70, "d")]
    write_survey(tmp_path / "survey.csv.gz", [*survey(), *strange])
    assert show(tmp_path) == 0
    told = capsys.readouterr().err
    assert "elsewhere is not on the site: 1 packets left out." in told
    assert "1 packets far from any path are left out." in told
