import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from gateway.cli.locate import Mode, run, write_events, write_positions
from gateway.cli.recording import read_recording
from gateway.model import Crossing, Position, Presence, ZoneEvent
from gateway.report.scoring import (
    Tolerance,
    Truth,
    ZoneTruth,
    availability,
    brier,
    path_errors,
    pooled,
    pooled_availability,
    pooled_events,
    score,
    score_events,
    score_zone,
)
from gateway.report.truth import read_truths
from tests.unit.tags.places import road

TRUTH = Truth(
    np.array([0.0, 2.0, 4.0, 20.0, 22.0]), np.array([[x, 0.0] for x in (0, 2, 4, 90, 92)])
)


def position(
    at: float, x: float, radius68_m: float = 2.0, zones: tuple[tuple[str, float], ...] = ()
) -> Position:
    ((lon, lat),) = road().to_lonlat(np.array([[x, 0.0]])).tolist()
    return Position(at, "t", lon, lat, radius68_m, 5.0, 3, Presence.TRACKED, zones)


def event(when: float, crossing: Crossing) -> ZoneEvent:
    return ZoneEvent(when, "t", "end", crossing, 1.0)


def zone(*parts: tuple[float, float, bool]) -> ZoneTruth:
    """From, until, inside: a row a second."""
    at = np.concatenate([np.arange(since, until) for since, until, _ in parts])
    inside = np.concatenate([[within] * int(until - since) for since, until, within in parts])
    return ZoneTruth("t", "end", at, inside.astype(bool))


def test_errors_are_distances_to_the_interpolated_truth() -> None:
    found = score([position(1.0, 1.0), position(3.0, 6.0), position(4.0, 10.0)], TRUTH, road())
    assert found.errors == pytest.approx([0, 3, 6], abs=1e-3)
    assert found.in68.tolist() == [True, False, False]
    assert found.in95.tolist() == [True, True, False]
    assert pooled([found, found]).coverage95 == pytest.approx(2 / 3)


def test_positions_without_a_truth_do_not_count() -> None:
    found = score([position(at, 0.0) for at in (-1.0, 10.0, 23.0, 21.0)], TRUTH, road())
    assert len(found.errors) == 1


def test_a_row_of_the_truth_is_known_also_beside_a_gap() -> None:
    assert len(score([position(4.0, 4.0), position(20.0, 90.0)], TRUTH, road()).errors) == 2


def test_a_position_is_available_for_three_seconds() -> None:
    truth = Truth(np.arange(0.0, 10.0), np.zeros((10, 2)))
    found = availability([position(2.5, 0.0), position(1.0, 0.0)], truth)
    assert (found.fresh, found.seconds) == (5, 10)
    never = availability([], truth)
    assert never.share == 0.0
    assert pooled_availability([found, never]).share == 0.25


def test_without_times_the_error_is_the_distance_to_the_way() -> None:
    ways = [np.array([[0.0, 3.0], [50.0, 3.0], [50.0, 90.0]])]
    found = path_errors([position(0.0, 20.0), position(1.0, 54.0)], ways, road())
    assert found == pytest.approx([3.0, 5.0], abs=1e-2)


def test_events_are_matched_with_crossings_of_their_kind() -> None:
    at = np.arange(0.0, 200.0)
    truth = Truth(at, np.stack([np.where((at >= 50) & (at < 120), 100.0, 20.0), 0 * at], axis=1))
    told = [
        event(57.0, Crossing.ENTER),
        event(60.0, Crossing.ENTER),
        event(119.0, Crossing.LEAVE),
        event(199.0, Crossing.LEAVE),
    ]
    (found,) = score_events(told, truth, road())
    assert (found.crossings, found.false, found.missed) == (2, 2, 0)
    assert found.delays_s == (7.0, -1.0)
    assert score_events([], truth, road())[0].missed_percent == 100


def test_an_event_counts_from_five_seconds_before_to_thirty_after() -> None:
    truth = zone((0, 50, False), (50, 100, True))
    for when, fits in ((44.9, False), (45.0, True), (80.0, True), (80.1, False)):
        assert bool(score_zone([event(when, Crossing.ENTER)], truth).delays_s) is fits


def test_who_begins_inside_may_be_announced_or_not() -> None:
    truth = zone((0, 100, True), (100, 200, False))
    left = event(104.0, Crossing.LEAVE)
    for told in ([left], [event(3.0, Crossing.ENTER), left]):
        found = score_zone(told, truth)
        assert (found.crossings, found.false, found.delays_s) == (1, 0, (4.0,))
    assert score_zone([event(70.0, Crossing.ENTER), left], truth).false == 1


def test_what_no_truth_covers_is_neither_right_nor_wrong() -> None:
    truth = zone((0, 100, False), (500, 600, False))
    times = (-50.0, 50.0, 300.0, 550.0)
    found = score_zone([event(at, Crossing.ENTER) for at in times], truth)
    assert found.false == 2
    assert found.hours == pytest.approx(200 / 3600)


def test_the_recording_says_how_late_an_event_may_be() -> None:
    truth = zone((0, 50, False), (50, 100, True))
    told = [event(70.0, Crossing.ENTER)]
    assert score_zone(told, truth).missed == 0
    found = score_zone(told, truth, Tolerance(4.0, 15.0))
    assert (found.missed, found.false) == (1, 1)


def test_pooled_events_are_those_of_all_parts() -> None:
    one = score_zone([event(52.0, Crossing.ENTER)], zone((0, 50, False), (50, 100, True)))
    both = pooled_events([one, one])
    assert (both.crossings, both.delays_s) == (2, (2.0, 2.0))
    assert both.hours == pytest.approx(200 / 3600)


def test_the_brier_score_is_the_square_of_what_was_not_known() -> None:
    truth = zone((0, 50, False), (50, 100, True))
    said = [position(10.0, 0.0, zones=(("end", 0.5),)), position(60.0, 0.0), position(300.0, 0.0)]
    assert brier(said, truth).tolist() == [0.25, 1.0]


@pytest.fixture(scope="module")
def public_score(shared: Path) -> ModuleType:
    """The published scorer, which knows nothing of this code."""
    spec = importlib.util.spec_from_file_location("score", shared / "tools" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_real_recording_scores_as_the_published_scorer_says(
    public_score: ModuleType, shared: Path, tmp_path: Path
) -> None:
    folder = shared / "data" / "recordings" / "danis-dev"
    recording = read_recording(folder, progress=lambda _done, _total: None)
    site = recording.site
    located = run(recording, [Mode.LIVE], progress=lambda _done, _total: None)
    positions, events = located.positions[Mode.LIVE], located.events
    files = tmp_path / "positions.csv", tmp_path / "events.csv"
    write_positions(files[0], positions, site)
    write_events(files[1], events)
    said = public_score.score(str(files[0]), str(folder), str(files[1]))

    truths = read_truths(folder, site)
    ((tag, truth),) = truths.tags.items()
    found = score(positions, truth, site)
    place = said["position"]
    assert tag == "beacon1"
    assert len(found.errors) == place["rows"]
    assert (found.median, found.p90) == pytest.approx((place["median"], place["p90"]), abs=0.01)
    assert found.coverage68 == pytest.approx(place["coverage68"], abs=0.01)
    assert found.coverage95 == pytest.approx(place["coverage95"], abs=0.01)
    assert availability(positions, truth).share == pytest.approx(place["availability"])
    for one in truths.zones:
        own = score_zone([e for e in events if e.zone == one.zone], one, truths.tolerance)
        told = said["events"]["by_zone"][one.zone]
        assert (own.crossings, own.missed, own.false) == (
            told["crossings"],
            told["missed"],
            told["false"],
        )
        assert own.hours == pytest.approx(told["zone_hours"])
        assert brier(positions, one).mean() == pytest.approx(said["zone_brier"][one.zone], abs=2e-3)
