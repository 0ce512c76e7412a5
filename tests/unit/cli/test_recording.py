from pathlib import Path

import pytest

from gateway.app.tables import RecordingError
from gateway.cli.recording import MEMORY_S, PATIENCE_S, Attendance, read_recording, windows_of
from gateway.model import Reading
from gateway.site import SiteError
from tests.unit.cli.recordings import START, write_recording, write_sightings, write_site

ROWS = [
    (START + 1.5, "r0", "t", -70),
    (START + 0.25, "r0", "t", -80),
    (START + 1.75, "r0", "t", -75),
    (START + 1.0, "r1", "u", -90.5),
]


def quiet(done: int, total: int) -> None:
    assert done <= total


def failure(folder: Path) -> str:
    with pytest.raises(RecordingError) as caught:
        read_recording(folder, progress=quiet)
    return str(caught.value)


def test_unsorted_rows_become_windows_by_the_second(tmp_path: Path) -> None:
    recording = read_recording(write_recording(tmp_path, ROWS), progress=quiet)
    assert recording.tags == ["t", "u"]
    first, second = windows_of(recording, tail_s=0)
    assert first.second == START
    assert first.readings == (Reading("r0", "t", -80.0, -80, 1),)
    assert set(second.readings) == {
        Reading("r0", "t", -72.5, -70, 2),
        Reading("r1", "u", -90.5, -90, 1),
    }
    assert set(first.alive) == {"r0", "r1", "r2", "r3", "r4"}


def test_a_pause_has_its_silent_seconds_and_hours_are_left_out(tmp_path: Path) -> None:
    rows = [(START, "r0", "t", -70), (START + 3, "r0", "t", -70), (START + 9_000, "r0", "t", -70)]
    recording = read_recording(write_recording(tmp_path, rows), progress=quiet)
    seconds = [window.second - START for window in windows_of(recording, tail_s=4)]
    assert seconds == [0, 1, 2, 3, 4, 5, 6, 7, 9_000, 9_001, 9_002, 9_003, 9_004]


def test_receivers_that_are_not_on_the_site_are_counted_and_left_out(tmp_path: Path) -> None:
    rows = [*ROWS, (START, "elsewhere", "t", -60), (START, "elsewhere", "t", -61)]
    recording = read_recording(write_recording(tmp_path, rows), progress=quiet)
    assert recording.strangers == {"elsewhere": 2}
    assert len(recording.rows) == 4


def test_a_receiver_that_never_speaks_is_given_up_and_one_that_speaks_is_taken_back() -> None:
    attendance = Attendance(["a", "b"])
    alive = [attendance.take(frozenset({"a"})) for _ in range(PATIENCE_S + 1)]
    assert alive[PATIENCE_S - 2] == ("a", "b")
    assert alive[PATIENCE_S - 1] == ("a",)
    assert attendance.take(frozenset({"b"})) == ("a", "b")
    later = [attendance.take(frozenset({"a"})) for _ in range(MEMORY_S)]
    assert later[MEMORY_S - 2] == ("a", "b")
    assert later[MEMORY_S - 1] == ("a",)


def test_a_time_without_any_tag_kills_no_receiver() -> None:
    attendance = Attendance(["a"])
    for _ in range(10 * MEMORY_S):
        assert attendance.take(frozenset()) == ("a",)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "no such folder" in failure(tmp_path / "absent")


def test_a_folder_without_sightings_says_which_file_is_missing(tmp_path: Path) -> None:
    write_site(tmp_path)
    assert "sightings.csv.gz: cannot be read" in failure(tmp_path)


def test_a_folder_without_a_site_says_which_file_is_missing(tmp_path: Path) -> None:
    write_sightings(tmp_path, ROWS)
    with pytest.raises(SiteError, match=r"site\.geojson"):
        read_recording(tmp_path, progress=quiet)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    write_site(tmp_path)
    write_sightings(tmp_path, [(1, "r0", -60)], header=("at", "receiver", "rssi"))
    assert "column tag, rssi_dbm is missing" in failure(tmp_path)


def test_a_file_without_a_sighting_is_refused(tmp_path: Path) -> None:
    assert "holds no sightings" in failure(write_recording(tmp_path, []))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    write_site(tmp_path)
    (tmp_path / "sightings.csv.gz").write_bytes(b"")
    assert "is missing" in failure(tmp_path)


def test_sightings_of_strangers_alone_are_refused(tmp_path: Path) -> None:
    folder = write_recording(tmp_path, [(START, "x", "t", -60), (START, "y", "t", -60)])
    assert "none of its receivers (x, y) is on the site" in failure(folder)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (("soon", "r0", "t", -60), "line 2: could not convert"),
        ((START, "r0", "t", ""), "line 2: could not convert"),
        ((START, "r0", "t"), "line 2: could not convert"),
        ((START, "", "t", -60), "line 2: a value is missing"),
        ((START, "r0", "", -60), "line 2: a value is missing"),
        (("nan", "r0", "t", -60), "line 2: a value is missing"),
        ((START, "r0", "t", "inf"), "line 2: a value is missing"),
    ],
)
def test_a_broken_line_is_named_by_its_number(
    tmp_path: Path, row: tuple[object, ...], what: str
) -> None:
    assert what in failure(write_recording(tmp_path, [row]))


@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_a_file_that_was_cut_off_is_damaged(tmp_path: Path, kept: float) -> None:
    folder = write_recording(tmp_path, ROWS * 500)
    file = folder / "sightings.csv.gz"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * kept)])
    assert "is damaged" in failure(folder)


def test_a_file_that_is_not_packed_is_damaged(tmp_path: Path) -> None:
    write_site(tmp_path)
    (tmp_path / "sightings.csv.gz").write_text("at,receiver,tag,rssi_dbm\n", encoding="utf-8")
    assert "is damaged" in failure(tmp_path)
