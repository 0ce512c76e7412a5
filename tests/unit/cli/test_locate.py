import csv
from pathlib import Path

import numpy as np
import pytest

from gateway.cli import run_command_line
from tests.unit.cli.recordings import (
    LENGTH_M,
    METRES_PER_DEGREE,
    ORIGIN,
    START,
    Row,
    walk,
    write_recording,
    write_sightings,
)


def locate(folder: Path, *, mode: str = "live", events: bool = False) -> list[dict[str, str]]:
    out = folder / f"{mode}.csv"
    more = ["--events", str(folder / "events.csv")] if events else []
    assert run_command_line(["locate", str(folder), "--mode", mode, "--out", str(out), *more]) == 0
    return table(out)


def table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def errors(rows: list[dict[str, str]], *, start: float = START) -> np.ndarray:
    x = [(float(row["lon"]) - ORIGIN[0]) * METRES_PER_DEGREE[0] for row in rows]
    true = [min((float(row["at"]) - start) * 1.3, LENGTH_M) for row in rows]
    return np.abs(np.array(x) - true)


def test_a_recorded_walk_comes_out_as_positions_and_events(tmp_path: Path) -> None:
    rows = locate(write_recording(tmp_path, walk()), events=True)
    assert list(rows[0]) == ["at", "tag", "lon", "lat", "radius68_m", "radius95_m", "p_end"]
    assert [float(row["at"]) for row in rows[:90]] == [START + 1.0 + k for k in range(90)]
    assert np.median(errors(rows[5:90])) < 5
    assert (float(rows[20]["p_end"]), float(rows[85]["p_end"])) == (
        pytest.approx(0, abs=0.1),
        pytest.approx(1, abs=0.1),
    )
    (event,) = table(tmp_path / "events.csv")
    assert (event["tag"], event["zone"], event["event"]) == ("t", "end", "enter")
    assert START + 58 < float(event["at"]) < START + 75


@pytest.mark.parametrize("cut_s", [10.0, 30.5, 47.25, 62.999, 75.0])
def test_cutting_a_recording_changes_no_live_row_before_the_cut(
    tmp_path: Path, cut_s: float
) -> None:
    """Two tags, a pause of two minutes for one of them; the cut falls within seconds too."""
    whole = [
        *walk(seconds=35),
        *walk(start=START + 150, seconds=40, seed=1),
        *walk(tag="u", start=START + 20, seconds=90, seed=2),
    ]
    for cut in (START + cut_s, START + cut_s + 100):
        before = [row for row in whole if row[0] <= cut]
        parts = [
            locate(write_recording(tmp_path / f"{len(rows)}", rows), events=True)
            for rows in (whole, before)
        ]
        kept = [[row for row in part if float(row["at"]) <= cut] for part in parts]
        assert kept[0] == kept[1]
        assert len(kept[0]) > 8
        told = [table(tmp_path / f"{len(rows)}" / "events.csv") for rows in (whole, before)]
        assert [e for e in told[0] if float(e["at"]) <= cut] == [
            e for e in told[1] if float(e["at"]) <= cut
        ]


def test_later_seconds_make_positions_better(tmp_path: Path) -> None:
    folder = write_recording(tmp_path, walk(seconds=92))
    live, confirmed, route = (
        np.mean(errors(locate(folder, mode=mode))) for mode in ("live", "confirmed", "route")
    )
    assert confirmed < live
    assert route < live


def test_a_confirmed_position_knows_eight_seconds_and_no_more(tmp_path: Path) -> None:
    whole = walk()
    cut = START + 50
    parts = [
        locate(write_recording(tmp_path / str(len(rows)), rows), mode="confirmed")
        for rows in (whole, [row for row in whole if row[0] < cut])
    ]
    sure = [[row for row in part if float(row["at"]) <= cut - 8] for part in parts]
    assert sure[0] == sure[1]
    last = [[row for row in part if cut - 4 <= float(row["at"]) <= cut] for part in parts]
    assert last[0] != last[1]


def test_several_tags_are_located_apart(tmp_path: Path) -> None:
    one, other = walk(tag="a", seed=3), walk(tag="b", start=START + 7.5, seed=4)
    together = locate(write_recording(tmp_path / "both", [*one, *other]))
    for tag, rows in (("a", one), ("b", other)):
        alone = locate(write_recording(tmp_path / tag, rows))
        assert [row for row in together if row["tag"] == tag] == alone


def test_a_pause_of_hours_is_a_hole(tmp_path: Path) -> None:
    later = START + 20_000
    rows = locate(write_recording(tmp_path, [*walk(), *walk(start=later, seed=5)]), mode="route")
    at = np.array([float(row["at"]) for row in rows])
    assert ((at > START + 180) & (at < later)).sum() == 0
    assert (at > later).sum() >= 90
    assert np.median(errors(rows[-85:-30], start=later)) < 5


def test_truth_is_never_opened(tmp_path: Path) -> None:
    """Files that cannot be read as anything would fail whoever opens them."""
    plain = locate(write_recording(tmp_path / "plain", walk()))
    folder = write_recording(tmp_path / "truth", walk())
    for name in ("truth.csv.gz", "zone_truth.csv.gz", "survey.csv.gz", "reference_path.geojson"):
        (folder / name).mkdir()
    assert locate(folder) == plain


def test_receivers_that_are_not_on_the_site_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange: list[Row] = [(START + 1.0, "elsewhere", "t", -60.0)] * 3
    locate(write_recording(tmp_path, [*walk(), *strange]))
    told = capsys.readouterr()
    assert "elsewhere is not on the site: 3 sightings left out." in told.err
    assert told.out == ""


def test_a_recording_that_cannot_be_used_is_one_message_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    folder = write_recording(tmp_path / "recording", [])
    write_sightings(folder, [], header=("at",))
    for wrong in (tmp_path / "absent", folder):
        assert run_command_line(["locate", str(wrong), "--out", str(out)]) == 2
        told = capsys.readouterr().err
        assert told.startswith(str(wrong))
        assert told.count("\n") == 1
    assert not out.exists()


def test_an_output_that_cannot_be_written_is_one_message_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_recording(tmp_path, walk(seconds=5))
    out = tmp_path / "absent" / "out.csv"
    assert run_command_line(["locate", str(folder), "--out", str(out)]) == 2
    assert "cannot be written" in capsys.readouterr().err
