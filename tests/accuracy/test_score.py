import numpy as np
import pytest

from gateway.model import Crossing, Position, Presence, ZoneEvent
from tests.accuracy.score import Truth, pooled, score, score_events
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


def test_events_are_matched_with_crossings_of_their_kind() -> None:
    at = np.arange(0.0, 200.0)
    truth = Truth(at, np.stack([np.where((at >= 50) & (at < 120), 100.0, 20.0), 0 * at], axis=1))

    def event(when: float, crossing: Crossing) -> ZoneEvent:
        return ZoneEvent(when, "t", "end", crossing, 1.0)

    told = [
        event(57.0, Crossing.ENTER),
        event(60.0, Crossing.ENTER),
        event(119.0, Crossing.LEAVE),
        event(199.0, Crossing.LEAVE),
    ]
    found = score_events(told, truth, road())
    assert (found.crossings, found.false, found.missed) == (2, 2, 0)
    assert found.delays_s == (7.0, -1.0)
    assert score_events([], truth, road()).missed == 2
