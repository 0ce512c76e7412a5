import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gateway.cli import run_command_line
from gateway.cli.locate import FIRST_LEARNED_AFTER, Mode, run
from gateway.cli.recording import Recording, read_recording
from gateway.model import Position
from gateway.tags.propagation import Radio
from gateway.tags.surroundings import STREET
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
from tests.unit.cli.surveys import survey, write_survey

GAINS_DB = {"r0": -12.0, "r1": -6.0, "r2": 0.0, "r3": 6.0, "r4": 12.0}
WALK_S = 120
WALKERS = "abcdefghijklmnopqrstuvwxyz"
WALKS = 2 * FIRST_LEARNED_AFTER // WALK_S + 1
LEARNED_AT = START + FIRST_LEARNED_AFTER


def walks() -> list[Row]:
    """Walk after walk along a road of receivers of quite different gains, each by another tag."""
    return [
        (at, receiver, tag, dbm + GAINS_DB[receiver])
        for n, name in enumerate(WALKERS[:WALKS])
        for at, receiver, tag, dbm in walk(
            tag=name, start=START + n * WALK_S, seconds=WALK_S, seed=n
        )
    ]


def shadow_db(x: float, receiver: str) -> float:
    """What stays at its place, and no law of distance knows."""
    return 12.0 * float(np.sin(x / 8 + 2 * int(receiver[1:])))


def quiet(done: int, total: int) -> None:
    assert done <= total


def read(folder: Path, rows: list[Row]) -> Recording:
    return read_recording(write_recording(folder, rows), progress=quiet)


def live(recording: Recording, *, radios: dict[str, Radio] | None = None) -> list[Position]:
    return run(recording, [Mode.LIVE], progress=quiet, radios=radios).positions[Mode.LIVE]


def locate(
    folder: Path, *options: str, mode: str = "live", events: bool = False
) -> list[dict[str, str]]:
    out = folder / f"{mode}.csv"
    more = [*options, *(["--events", str(folder / "events.csv")] if events else [])]
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
    inside = [float(rows[20]["p_end"]), float(rows[85]["p_end"])]
    assert inside == pytest.approx([0.0, 1.0], abs=0.1)
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


def test_a_survey_in_the_folder_is_used_unless_it_is_declined(tmp_path: Path) -> None:
    rows: list[Row] = [
        (at, receiver, tag, dbm + shadow_db(min((at - START) * 1.3, LENGTH_M), receiver))
        for at, receiver, tag, dbm in walk(seconds=92)
    ]
    places = [
        (lon, lat, r, dbm + shadow_db((lon - ORIGIN[0]) * METRES_PER_DEGREE[0], r), day)
        for lon, lat, r, dbm, day in survey()
    ]
    plain = locate(write_recording(tmp_path / "plain", rows))
    folder = write_recording(tmp_path / "surveyed", rows)
    write_survey(folder / "survey.csv.gz", places)
    assert locate(folder, "--no-survey") == plain
    mapped = locate(folder)
    assert locate(folder, "--survey") == mapped
    assert np.mean(errors(mapped[5:90])) < 0.3 * np.mean(errors(plain[5:90]))


def test_what_of_a_survey_is_left_out_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_recording(tmp_path, walk(seconds=5))
    (lon, lat, _, dbm, day), *_ = places = survey()
    write_survey(folder / "survey.csv.gz", [*places, (lon, lat, "elsewhere", dbm, day)])
    locate(folder)
    told = capsys.readouterr()
    assert f"{folder / 'survey.csv.gz'}: elsewhere is not on the site: 1 packets" in told.err
    assert told.out == ""


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> list[Position]:
    """The positions of all walks, by receivers that were calibrated on the way."""
    return live(read(tmp_path_factory.mktemp("walks"), walks()))


def test_receivers_are_calibrated_on_the_way(tmp_path: Path, learned: list[Position]) -> None:
    """At first they are as if never; then the tags are found better."""
    recording = read(tmp_path, walks())
    even = {receiver.id: STREET.radio for receiver in recording.site.receivers}
    never = live(recording, radios=even)
    parts = [[one for one in part if one.at <= LEARNED_AT] for part in (learned, never)]
    assert parts[0] == parts[1]
    assert len(parts[0]) >= FIRST_LEARNED_AFTER

    def off_m(positions: list[Position]) -> float:
        away = []
        for one in positions:
            walked_s = one.at - START - WALK_S * WALKERS.index(one.tag)
            x = (one.lon - ORIGIN[0]) * METRES_PER_DEGREE[0]
            if one.at > LEARNED_AT + 1 and walked_s < WALK_S:
                away.append(abs(x - min(walked_s * 1.3, LENGTH_M)))
        return float(np.mean(away))

    assert off_m(learned) < 0.7 * off_m(never)


def of_one_tag(gains_db: Callable[[int, str], float]) -> list[Row]:
    """The same walks, all by one tag; receivers have the gains of the walk's number."""
    return [
        (at, receiver, tag, dbm + gains_db(n, receiver))
        for n in range(WALKS)
        for at, receiver, tag, dbm in walk(start=START + n * WALK_S, seconds=WALK_S, seed=n)
    ]


@pytest.mark.parametrize("tag", ["a", "t"])
def test_one_tag_is_enough_to_calibrate_by_whatever_it_is_called(tmp_path: Path, tag: str) -> None:
    rows = [(at, r, tag, dbm) for at, r, _, dbm in of_one_tag(lambda _, r: GAINS_DB[r])]
    found = run(read(tmp_path, rows), [], progress=quiet).calibration
    assert found.accepted
    power_dbm = {name: radio.power_dbm for name, radio in found.radios.items()}
    assert sorted(power_dbm, key=lambda name: power_dbm[name]) == sorted(GAINS_DB)


def test_a_calibration_that_changes_nothing_leaves_the_tracker_as_it_was(tmp_path: Path) -> None:
    """The second of every four walks is held back; the others mislead."""
    rows = of_one_tag(lambda n, r: 0.0 if n % 4 == 1 else GAINS_DB[r])
    recording = read(tmp_path, rows)
    even = {receiver.id: STREET.radio for receiver in recording.site.receivers}
    found = run(recording, [Mode.LIVE], progress=quiet)
    assert found.calibration.after < found.calibration.before
    assert found.positions[Mode.LIVE] == live(recording, radios=even)


@pytest.mark.parametrize("after_s", [-0.5, 0.5, 100.25, FIRST_LEARNED_AFTER + 0.5])
def test_learning_knows_nothing_of_what_comes_later(
    tmp_path: Path, learned: list[Position], after_s: float
) -> None:
    """Cut about the moments of learning, the second of which comes at twice as many seconds."""
    cut = LEARNED_AT + after_s
    before = live(read(tmp_path, [row for row in walks() if row[0] <= cut]))
    parts = [[one for one in part if one.at <= cut] for part in (learned, before)]
    assert parts[0] == parts[1]
    assert parts[0][-1].at > cut - 1.5


def test_truth_is_never_opened(tmp_path: Path) -> None:
    """Files that cannot be read as anything would fail whoever opens them."""
    truth = ("truth.csv.gz", "zone_truth.csv.gz", "reference_path.geojson")
    plain, folder = (write_recording(tmp_path / name, walk()) for name in ("plain", "truth"))
    for name in truth:
        (folder / name).mkdir()
    assert locate(folder) == locate(plain)
    for one in (plain, folder):
        write_survey(one / "survey.csv.gz", survey())
    assert locate(folder) == locate(plain)


def test_a_survey_that_is_declined_is_not_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_recording(tmp_path, walk(seconds=5))
    plain = locate(folder)
    (folder / "survey.csv.gz").mkdir()
    assert locate(folder, "--no-survey") == plain
    out = str(tmp_path / "out.csv")
    assert run_command_line(["locate", str(folder), "--out", out]) == 2
    assert "survey.csv.gz: cannot be read" in capsys.readouterr().err


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
