"""Where a route is cut."""

from dataclasses import replace

from gateway.api.route import stretches
from gateway.model import Gap, Presence
from tests.unit.api.town import position


def cut(times: list[float], gaps: list[tuple[float, float]] | None = None) -> list[list[float]]:
    """The times of each stretch."""
    told = [Gap(since, until, "restart") for since, until in gaps or []]
    return [[one.at for one in part] for part in stretches(map(position, times), told)]


def test_a_route_without_positions_has_no_stretch() -> None:
    assert cut([]) == []
    assert cut([], [(0.0, 99.0)]) == []


def test_a_heartbeat_a_minute_is_one_stretch() -> None:
    assert cut([0.0, 60.0, 120.0, 210.0]) == [[0.0, 60.0, 120.0, 210.0]]


def test_a_hole_of_more_than_ninety_seconds_cuts() -> None:
    assert cut([0.0, 90.0, 180.5, 200.0]) == [[0.0, 90.0], [180.5, 200.0]]


def test_a_gap_that_was_told_cuts_a_short_hole() -> None:
    times = [0.0, 1.0, 20.0, 21.0]
    assert cut(times) == [times]
    assert cut(times, [(2.0, 19.0)]) == [[0.0, 1.0], [20.0, 21.0]]


def test_a_gap_longer_than_the_hole_cuts_it_too() -> None:
    assert cut([0.0, 20.0], [(-500.0, 500.0)]) == [[0.0], [20.0]]


def test_a_gap_of_one_gateway_cuts_nothing_where_another_heard_the_tag() -> None:
    times = [float(second) for second in range(30)]
    assert cut(times, [(5.0, 25.0)]) == [times]


def test_a_gap_before_after_or_of_a_blink_cuts_nothing() -> None:
    assert cut([100.0, 140.0], [(0.0, 100.0), (140.0, 900.0), (110.0, 112.0)]) == [[100.0, 140.0]]


def test_two_short_gaps_that_touch_are_one() -> None:
    assert cut([0.0, 40.0], [(10.0, 11.5), (11.5, 13.0)]) == [[0.0], [40.0]]


def test_a_gap_that_holds_another_is_not_shortened_by_it() -> None:
    assert cut([0.0, 50.0, 80.0], [(0.0, 70.0), (5.0, 6.0)]) == [[0.0], [50.0], [80.0]]


def test_silence_ends_a_stretch_and_is_no_point_of_it() -> None:
    walked = [position(0.0), position(10.0), position(20.0), position(30.0)]
    walked[2] = replace(walked[2], presence=Presence.SILENT)
    assert [[one.at for one in part] for part in stretches(walked, [])] == [[0.0, 10.0], [30.0]]
    walked[2] = replace(walked[2], presence=Presence.OUT_OF_COVERAGE)
    assert len(list(stretches(walked, []))) == 2
    walked[2] = replace(walked[2], presence=Presence.UNCERTAIN)
    assert len(list(stretches(walked, []))) == 1
