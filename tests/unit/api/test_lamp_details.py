"""Histories that are too long for a page."""

import pytest

from gateway.api.lamp_details import thinned

Point = tuple[float, float | None, float | None, float | None]


def minutes(count: int) -> list[Point]:
    return [(60.0 * number, 50.0, 50.0, 20.0) for number in range(count)]


def test_what_is_short_enough_stays_whole() -> None:
    points = minutes(2_000)
    assert thinned(points, 2_000) == points
    assert thinned([], 2_000) == []


@pytest.mark.parametrize("count", [2_001, 2_999, 10_080, 43_200])
def test_what_is_too_long_is_thinned_to_points_that_were_measured_in_order(count: int) -> None:
    points = [(at, 50.0, 50.0, 20.0 + at % 7) for at, *_ in minutes(count)]
    kept = thinned(points, 2_000)
    assert 1_000 <= len(kept) <= 2_000
    assert kept == sorted(set(kept) & set(points))
    assert (kept[0], kept[-1]) == (points[0], points[-1])


@pytest.mark.parametrize("minute", [1, 777, 5_003, 10_078])
def test_a_minute_of_darkness_and_a_peak_are_still_seen(minute: int) -> None:
    for level, power_w in ((0.0, 0.4), (100.0, 60.0), (0.0, None)):
        points = minutes(10_080)
        points[minute] = (points[minute][0], 50.0, level, power_w)
        assert points[minute] in thinned(points, 2_000)
