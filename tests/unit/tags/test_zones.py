import numpy as np

from gateway.model import Crossing, ZoneEvent
from gateway.tags.zones import ZoneWatch


def events(*probabilities: float) -> list[tuple[float, Crossing]]:
    watch = ZoneWatch("tag", ["school"])
    found: list[ZoneEvent] = []
    for second, probability in enumerate(probabilities):
        found += watch.update(float(second), np.array([probability]))
    return [(event.at, event.event) for event in found]


def test_a_tag_that_comes_and_goes_enters_and_leaves() -> None:
    assert events(0.0, 0.5, 0.9, 1.0, 0.5, 0.1) == [(2.0, Crossing.ENTER), (5.0, Crossing.LEAVE)]


def test_doubt_between_the_thresholds_changes_nothing() -> None:
    assert events(0.0, 0.79, 0.21, 0.79, 0.5) == []
    assert events(0.0, 0.8, 0.21, 0.79, 0.21) == [(1.0, Crossing.ENTER)]


def test_a_tag_that_is_first_seen_inside_did_not_come_in_now() -> None:
    assert events(0.9, 0.95) == []
    assert events(0.5, 0.9, 0.1) == [(2.0, Crossing.LEAVE)]


def test_zones_are_watched_apart_and_the_event_says_how_sure_it_is() -> None:
    watch = ZoneWatch("tag", ["school", "park"])
    watch.update(0.0, np.array([0.0, 1.0]))
    (event,) = watch.update(1.0, np.array([0.9, 0.9]))
    assert event == ZoneEvent(1.0, "tag", "school", Crossing.ENTER, 0.9)
