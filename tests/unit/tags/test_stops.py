"""Where a carrier stayed, and how far it went."""

from dataclasses import replace
from math import cos, radians

import pytest

from gateway.model import Quality, RoutePoint
from gateway.tags.news import METRES_PER_DEGREE
from gateway.tags.stops import length_m, stops_of

LAT = 37.05
EAST_M = METRES_PER_DEGREE * cos(radians(LAT))


def point(at: float, east_m: float, *, zone: str = "") -> RoutePoint:
    lon = 140.88 + east_m / EAST_M
    return RoutePoint(at, "t-1", lon, LAT, 3.0, zone, Quality.ROUTE)


def walk(since: float, from_m: float, *, seconds: int, pace_mps: float = 1.2) -> list[RoutePoint]:
    return [point(since + at, from_m + pace_mps * at) for at in range(0, seconds, 5)]


def rest(since: float, east_m: float, *, seconds: int) -> list[RoutePoint]:
    return [point(since + at, east_m + (at % 10) / 5) for at in range(0, seconds + 1, 5)]


def test_a_walk_has_no_stop() -> None:
    assert stops_of(walk(0, 0, seconds=600)) == []
    assert stops_of(walk(0, 0, seconds=600, pace_mps=0.5)) == []
    assert stops_of([]) == []


def test_a_stay_of_a_minute_is_a_stop_and_a_shorter_one_is_none() -> None:
    assert len(stops_of(rest(0, 0, seconds=60))) == 1
    assert stops_of(rest(0, 0, seconds=55)) == []


def test_a_stop_between_two_walks_is_where_and_when_it_was() -> None:
    way = walk(0, 0, seconds=100) + rest(100, 120, seconds=300) + walk(405, 126, seconds=100)
    (stop,) = stops_of(way)
    assert stop.arrived_at == pytest.approx(100, abs=10)
    assert stop.left_at == pytest.approx(400, abs=10)
    assert (stop.lon - 140.88) * EAST_M == pytest.approx(121, abs=1)
    assert stop.lat == pytest.approx(LAT)


def test_two_places_are_two_stops() -> None:
    found = stops_of(rest(0, 0, seconds=90) + rest(95, 40, seconds=90))
    assert [(stop.arrived_at, stop.left_at) for stop in found] == [(0, 90), (95, 185)]


def test_one_stray_point_does_not_end_a_stop() -> None:
    stray = [point(105, 25)]
    (stop,) = stops_of(rest(0, 0, seconds=100) + stray + rest(110, 0, seconds=100))
    assert (stop.arrived_at, stop.left_at) == (0, 210)


def test_a_carrier_that_comes_back_after_a_while_has_stopped_twice() -> None:
    away = walk(105, 5, seconds=60) + walk(165, 77, seconds=60, pace_mps=-1.2)
    assert len(stops_of(rest(0, 0, seconds=100) + away + rest(230, 0, seconds=100))) == 2


def test_a_stop_names_the_zone_of_most_of_its_points() -> None:
    points = rest(0, 0, seconds=100)
    (stop,) = stops_of([replace(one, zone="park" if one.at > 20 else "") for one in points])
    assert stop.zone == "park"
    (stop,) = stops_of([replace(one, zone="park" if one.at > 80 else "") for one in points])
    assert stop.zone == ""


def test_a_way_is_as_long_as_it_was_walked() -> None:
    way = walk(0, 0, seconds=100) + walk(100, 120, seconds=105, pace_mps=-1.2)
    assert length_m(way, []) == pytest.approx(240, abs=1)


def test_trembling_at_a_stop_makes_no_way() -> None:
    way = rest(0, 0, seconds=3_600)
    assert length_m(way, []) > 100
    assert length_m(way, stops_of(way)) == 0


def test_a_way_through_two_stops_goes_from_one_to_the_other() -> None:
    way = rest(0, 0, seconds=90) + walk(95, 1, seconds=50) + rest(145, 60, seconds=90)
    stops = stops_of(way)
    assert len(stops) == 2
    assert length_m(way, stops) == pytest.approx(60, abs=3)


def test_a_long_day_is_looked_through_quickly() -> None:
    way = [point(5.0 * n, n % 3) for n in range(50_000)]
    (stop,) = stops_of(way)
    assert stop.left_at == way[-1].at
