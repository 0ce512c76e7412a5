import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gateway.cli.locate import Mode, run, write_events, write_positions
from gateway.model import Crossing, Position, Presence, ZoneEvent
from tests.accuracy.score import EventScore, Truth, pooled, pooled_events, score, score_events
from tests.accuracy.trials import recorded
from tests.unit.tags.places import road

TRUTH = Truth(
    np.array([0.0, 2.0, 4.0, 20.0, 22.0]), np.array([[x, 0.0] for x in (0, 2, 4, 90, 92)])
)


def position(at: float, x: float, radius68_m: float = 2.0) -> Position:
    ((lon, lat),) = road().to_lonlat(np.array([[x, 0.0]])).tolist()
    return Position(at, "t", lon, lat, radius68_m, 5.0, 3, Presence.TRACKED, ())


def test_errors_are_distances_to_the_interpolated_truth() -> None:
    found = score([position(1.0, 1.0), position(3.0, 6.0), position(4.0, 10.0)], TRUTH, road())
    assert found.errors == pytest.approx([0, 3, 6], abs=1e-3)
    assert found.in68.tolist() == [True, False, False]
    assert found.in95.tolist() == [True, True, False]
    assert pooled([found, found]).coverage95 == pytest.approx(2 / 3)


def test_positions_without_a_truth_do_not_count() -> None:
    found = score([position(at, 0.0) for at in (-1.0, 10.0, 23.0, 21.0)], TRUTH, road())
    assert len(found.errors) == 1


def test_a_position_serves_for_three_seconds() -> None:
    truth = Truth(np.arange(10.0), np.zeros((10, 2)))
    found = score([position(1.0, 0.0), position(2.5, 0.0)], truth, road())
    assert (found.fresh, found.seconds) == (5, 10)
    assert score([], truth, road()).availability == 0


def visit(*, since: float = 50, until: float = 120) -> Truth:
    """200 s on the road, of which some in the zone at its end."""
    at = np.arange(0.0, 200.0)
    inside = (at >= since) & (at < until)
    return Truth(at, np.stack([np.where(inside, 100.0, 20.0), 0 * at], axis=1))


def event(when: float, crossing: Crossing) -> ZoneEvent:
    return ZoneEvent(when, "t", "end", crossing, 1.0)


def judged(events: list[ZoneEvent], truth: Truth) -> EventScore:
    return pooled_events(score_events(events, truth, road()))


def test_events_are_matched_with_crossings_of_their_kind() -> None:
    told = [
        event(57.0, Crossing.ENTER),
        event(60.0, Crossing.ENTER),
        event(119.0, Crossing.LEAVE),
        event(199.0, Crossing.LEAVE),
    ]
    found = judged(told, visit())
    assert (found.crossings, found.false) == (2, 2)
    assert found.delays_s == (7.0, -1.0)
    assert found.missed_percent == 0
    assert found.hours == pytest.approx(200 / 3600)
    assert judged([], visit()).missed_percent == 100


def test_an_event_counts_from_five_seconds_before_to_thirty_after() -> None:
    for when, fits in ((44.9, False), (45.0, True), (80.0, True), (80.1, False)):
        assert bool(judged([event(when, Crossing.ENTER)], visit()).delays_s) is fits


def test_what_is_told_of_where_a_session_starts_is_neither_right_nor_wrong() -> None:
    found = judged(
        [event(3.0, Crossing.ENTER), event(52.0, Crossing.LEAVE)], visit(since=0, until=50)
    )
    assert (found.crossings, found.false, found.delays_s) == (1, 0, (2.0,))


def test_events_while_nobody_knows_the_truth_do_not_count() -> None:
    truth = visit()
    kept = (truth.at < 60) | (truth.at > 110)
    holed = Truth(truth.at[kept], truth.xy[kept])
    found = judged([event(80.0, Crossing.LEAVE), event(300.0, Crossing.LEAVE)], holed)
    assert (found.crossings, found.false) == (2, 0)
    assert found.hours == pytest.approx(149 / 3600, abs=1e-3)


def test_the_recordings_own_scorer_says_the_same(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "recordings" / "danis-dev"
    trial = recorded(folder)
    site, ((tag, truth),) = trial.recording.site, trial.truths.items()
    positions, events = run(trial.recording, Mode.LIVE, progress=lambda _done, _total: None)
    write_positions(tmp_path / "positions.csv", positions, site)
    write_events(tmp_path / "events.csv", events)
    files = [tmp_path / "positions.csv", folder, "--events", tmp_path / "events.csv"]
    command = [sys.executable, shared / "tools" / "score.py", *files]
    options = ["--early", "5", "--late", "30", "--json"]
    ran = subprocess.run([*map(str, command), *options], capture_output=True, check=True)
    told = json.loads(ran.stdout)
    own = score([one for one in positions if one.tag == tag], truth, site)
    crossed = pooled_events(score_events(events, truth, site))
    assert told["position"]["median"] == pytest.approx(own.median, abs=0.02)
    assert told["position"]["p90"] == pytest.approx(own.p90, abs=0.03)
    assert told["position"]["coverage68"] == pytest.approx(own.coverage68, abs=0.01)
    assert told["position"]["availability"] == pytest.approx(own.availability, abs=0.01)
    assert told["events"]["crossings"] == crossed.crossings
    assert told["events"]["false"] == crossed.false
    assert told["events"]["missed_percent"] == pytest.approx(crossed.missed_percent)
