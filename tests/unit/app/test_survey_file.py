from pathlib import Path

import numpy as np
import pytest

from gateway.app.survey_file import SurveyFile, SurveyLine, load_survey, read_lines, write_lines
from gateway.app.tables import RecordingError
from gateway.site import load_site
from tests.unit.cli.recordings import degrees, write_site
from tests.unit.cli.surveys import survey, write_survey


def quiet(done: int, total: int) -> None:
    assert done <= total


def load(folder: Path, rows: list[tuple[object, ...]], **how: list[str]) -> SurveyFile:
    write_site(folder)
    file = write_survey(folder / "survey.csv.gz", rows, **how)
    return load_survey(file, load_site(folder / "site.geojson"), progress=quiet)


def failure(folder: Path, rows: list[tuple[object, ...]], **how: list[str]) -> str:
    with pytest.raises(RecordingError) as caught:
        load(folder, rows, **how)
    return str(caught.value)


def at(x: float, y: float, *, receiver: str = "r0") -> tuple[object, ...]:
    return (*degrees(x, y), receiver, -70, "2026-04-01")


def test_rows_come_in_metres_of_the_site(tmp_path: Path) -> None:
    known = load(tmp_path, [at(10, 0), at(90, 2, receiver="r3")])
    one, other = known.rows
    assert np.hypot(*(np.array(one.xy) - other.xy)) == pytest.approx(80.02, abs=0.1)
    assert (other.receiver, other.rssi_dbm, other.day) == ("r3", -70.0, "2026-04-01")
    assert (known.strangers, known.astray) == ({}, 0)


def test_rows_of_strangers_and_rows_far_from_any_path_are_counted(tmp_path: Path) -> None:
    known = load(tmp_path, [at(10, 0), at(10, 20), at(10, 80), at(5, 0, receiver="x")])
    assert len(known.rows) == 2
    assert (known.strangers, known.astray) == ({"x": 1}, 1)


def test_what_is_left_out_of_a_file_is_a_sentence_each(tmp_path: Path) -> None:
    file = tmp_path / "survey.csv.gz"
    strangers = [at(5, 0, receiver="y"), *[at(5, 0, receiver="x")] * 2]
    known = load(tmp_path, [at(10, 0), at(10, 80), *strangers])
    assert known.remarks(file) == [
        f"{file}: x is not on the site: 2 packets left out.",
        f"{file}: y is not on the site: 1 packets left out.",
        f"{file}: 1 packets far from any path are left out.",
    ]
    assert load(tmp_path, [at(10, 0)]).remarks(file) == []


def test_a_survey_of_other_receivers_is_refused(tmp_path: Path) -> None:
    told = failure(tmp_path, [at(0, 0, receiver="x"), at(0, 0, receiver="y")])
    assert "none of its receivers (x, y) is on the site" in told


def test_a_survey_of_another_place_is_refused_with_how_far_it_is(tmp_path: Path) -> None:
    assert "(the nearest 2,000 m)" in failure(tmp_path, [at(60, 2_000), at(60, -2_500)])


def test_a_survey_without_a_packet_is_refused(tmp_path: Path) -> None:
    assert "holds no packets" in failure(tmp_path, [])


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    told = failure(tmp_path, [(1, 2, "r0", -60)], header=["lon", "lat", "receiver", "rssi"])
    assert "column rssi_dbm, day is missing" in told


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (("east", 37.0, "r0", -60, "d"), "line 2: could not convert"),
        ((140.9, 37.0, "r0", "", "d"), "line 2: could not convert"),
        ((140.9, 137.0, "r0", -60, "d"), "line 2: lon and lat are no degrees"),
        (("nan", 37.0, "r0", -60, "d"), "line 2: lon and lat are no degrees"),
        ((140.9, 37.0, "", -60, "d"), "line 2: a value is missing"),
        ((140.9, 37.0, "r0", "inf", "d"), "line 2: a value is missing"),
        ((140.9, 37.0, "r0", -60), "line 2: a value is missing"),
    ],
)
def test_a_broken_line_is_named_by_its_number(
    tmp_path: Path, row: tuple[object, ...], what: str
) -> None:
    assert what in failure(tmp_path, [row])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    write_site(tmp_path)
    site = load_site(tmp_path / "site.geojson")
    with pytest.raises(RecordingError, match="absent: no such file"):
        load_survey(tmp_path / "absent", site, progress=quiet)
    with pytest.raises(RecordingError, match="cannot be read"):
        load_survey(tmp_path, site, progress=quiet)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    lines = [SurveyLine(*row) for row in survey()]
    rounded = [line._replace(lon=round(line.lon, 8), lat=round(line.lat, 8)) for line in lines]
    write_lines(tmp_path / "out.csv.gz", lines)
    assert read_lines(tmp_path / "out.csv.gz", progress=quiet) == rounded
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv.gz"]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be written"):
        write_lines(tmp_path / "absent" / "out.csv.gz", [])
