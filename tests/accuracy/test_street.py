"""Streets with radio as measured and a tracker that never saw it, with generic constants.

For comparison, measured on a real street with 10 poles: strongest receiver 13.7 m, Kalman filter
11.6 m, filter on the path graph 7.2 m, with 8 s lag 6.3 m, smoothed 5.6 m (medians).
"""

from gateway.cli.locate import Mode
from tests.accuracy.conftest import Found


def test_a_walker_is_located_live(found: Found) -> None:
    live = found("street-13").positions
    assert live.median <= 5.0, live
    assert live.p90 <= 12.0, live
    assert found("street-13").available.share >= 0.98, live


def test_a_whole_walk_is_known_better(found: Found) -> None:
    route = found("street-13", Mode.ROUTE).positions
    assert route.median <= 4.0, route
    assert route.p90 <= 7.5, route


def test_poles_thirty_metres_apart_are_enough(found: Found) -> None:
    live = found("street-30").positions
    assert live.median <= 8.0, live
    assert found("street-30").available.share >= 0.98, live
    route = found("street-30", Mode.ROUTE).positions
    assert route.median <= 5.5, route


def test_a_tag_ten_decibels_weak_is_hardly_worse(found: Found) -> None:
    usual, weak = (found(f"street-30-{tag}").positions for tag in ("usual", "weak"))
    assert usual.median <= 8.0, usual
    assert weak.median <= 1.10 * usual.median, (usual, weak)
    assert found("street-30-weak").available.share >= 0.98, weak


def test_five_receivers_are_enough_for_ten_metres(found: Found) -> None:
    live = found("street-26").positions
    assert live.median <= 8.0, live
    assert live.p90 <= 17.7, live


def test_a_tag_on_a_body_is_located_too(found: Found) -> None:
    live = found("street-30-worn").positions
    assert live.median <= 8.0, live


def test_a_tag_that_sends_every_other_second_is_located_too(found: Found) -> None:
    live = found("street-30-slow").positions
    assert live.median <= 8.0, live
