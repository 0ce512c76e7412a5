"""What is best known of a way, and where it is cut."""

from dataclasses import replace

from msgspec import structs

from gateway.api.route import Way, best_known, way
from gateway.model import Gap, Presence, Quality, RoutePoint
from tests.unit.api.town import point, position


def confirmed(at: float) -> RoutePoint:
    return point(at, quality=Quality.CONFIRMED)


def cut(times: list[float], gaps: list[tuple[float, float]] | None = None) -> list[list[float]]:
    """The times of each stretch."""
    found = way_of(times, gaps)
    for before, gap, after in zip(found.stretches, found.gaps, found.stretches[1:], strict=False):
        assert (before[-1].at, after[0].at) == (gap.since, gap.until)
    assert len(found.gaps) == max(0, len(found.stretches) - 1)
    return [[one.at for one in part] for part in found.stretches]


def way_of(times: list[float], gaps: list[tuple[float, float]] | None = None) -> Way:
    return way(map(point, times), [Gap(since, until, "restart") for since, until in gaps or []])


def test_a_route_without_points_has_no_stretch() -> None:
    assert cut([]) == []
    assert cut([], [(0.0, 99.0)]) == []


def test_a_carrier_at_rest_has_one_stretch() -> None:
    assert cut([0.0, 20.0, 45.0, 75.0]) == [[0.0, 20.0, 45.0, 75.0]]


def test_a_hole_of_more_than_thirty_seconds_cuts() -> None:
    assert cut([0.0, 30.0, 60.5, 65.0]) == [[0.0, 30.0], [60.5, 65.0]]


def test_a_gap_that_was_told_cuts_a_short_hole() -> None:
    times = [0.0, 5.0, 20.0, 25.0]
    assert cut(times) == [times]
    assert cut(times, [(6.0, 19.0)]) == [[0.0, 5.0], [20.0, 25.0]]


def test_a_gap_longer_than_the_hole_cuts_it_too() -> None:
    assert cut([0.0, 20.0], [(-500.0, 500.0)]) == [[0.0], [20.0]]


def test_a_gap_of_one_gateway_cuts_nothing_where_another_heard_the_tag() -> None:
    times = [5.0 * n for n in range(30)]
    assert cut(times, [(7.0, 123.0)]) == [times]


def test_a_gap_before_after_or_of_a_blink_cuts_nothing() -> None:
    assert cut([100.0, 125.0], [(0.0, 100.0), (125.0, 900.0), (110.0, 115.0)]) == [[100.0, 125.0]]


def test_two_short_gaps_that_touch_are_one() -> None:
    assert cut([0.0, 20.0], [(10.0, 13.0), (13.0, 16.0)]) == [[0.0], [20.0]]


def test_a_gap_that_holds_another_is_not_shortened_by_it() -> None:
    assert cut([0.0, 30.0, 60.0], [(0.0, 70.0), (5.0, 6.0)]) == [[0.0], [30.0], [60.0]]


def test_a_gap_tells_what_hid_most_of_it() -> None:
    told = [Gap(10.0, 20.0, "broker_lost"), Gap(25.0, 80.0, "restart"), Gap(0.0, 900.0, "far away")]
    (gap,) = way([point(0.0), point(100.0)], told[:2]).gaps
    assert (gap.since, gap.until, gap.reason) == (0.0, 100.0, "restart")


def test_a_hole_of_which_nobody_told_is_unheard() -> None:
    (gap,) = way([point(0.0), point(100.0)], [Gap(50.0, 54.0, "restart")]).gaps
    assert gap.reason == "unheard"


def test_stops_and_lengths_are_those_of_the_stretches() -> None:
    rest = [point(float(at)) for at in (0, 20, 40, 60, 80)]
    far = [replace(point(at), lat=37.06) for at in (300.0, 305.0)]
    found = way([*rest, *far], [])
    assert [(stop.arrived_at, stop.left_at) for stop in found.stops] == [(0.0, 80.0)]
    assert found.length_m == 0.0  # nobody knows how it came from there to here


def test_final_points_are_continued_by_confirmed_and_by_live_ones() -> None:
    final = [point(0.0), point(5.0)]
    recent = [confirmed(5.0), confirmed(10.0)]
    live = [position(at) for at in (4.0, 9.0, 11.0, 12.0)]
    found = best_known(final, recent, live)
    assert [(one.at, one.quality.value) for one in found] == [
        (0.0, "route"),
        (5.0, "route"),
        (10.0, "confirmed"),
        (11.0, "live"),
        (12.0, "live"),
    ]


def test_what_was_heard_live_fills_a_hole_of_the_rest() -> None:
    live = [position(at) for at in (4.0, 40.0, 60.0)]
    found = best_known([point(0.0), point(30.0), point(100.0)], [], live)
    assert [one.at for one in found] == [0.0, 30.0, 40.0, 60.0, 100.0]


def test_a_time_that_is_known_better_is_there_once() -> None:
    live = [position(at) for at in (0.0, 100.0, 101.0)]
    found = best_known([point(0.0), point(100.0)], [], live)
    assert [one.at for one in found] == [0.0, 100.0, 101.0]


def test_what_was_not_heard_is_no_point() -> None:
    unheard = position(10.0, n_heard=0)
    away = structs.replace(position(20.0), presence=Presence.OUT_OF_COVERAGE)
    assert best_known([], [], [unheard, away]) == []


def test_a_live_point_names_the_zone_that_is_as_likely_as_not() -> None:
    sure, unsure = position(1.0), structs.replace(position(2.0), zones=(("school", 0.4),))
    assert [one.zone for one in best_known([], [], [sure, unsure])] == ["school", ""]
