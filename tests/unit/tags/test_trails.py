"""From estimates to a route's points: what is told when, and what a hole leaves."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import dist

import numpy as np
import pytest

from gateway.model import Quality, RoutePoint, TagIdentifier
from gateway.tags.identity import Directory
from gateway.tags.pipeline import Pipeline
from gateway.tags.tracker import Estimate
from gateway.tags.trails import AFTERWARDS, HELD_S, REST_S, SLOT_S, SOON, Told, Trails
from tests.unit.tags.places import levels_at, road, window

BEGAN = 1_800_000_000
ROAD = road()
PACE_MPS = 1.2

Walk = Callable[[int], float | None]
"""Metres along the road at a second, or None where the tag is not heard."""


def walk(second: int) -> float:
    return 5.0 + PACE_MPS * second


def to_and_fro(second: int) -> float:
    return abs((walk(second) - 5.0) % 220.0 - 110.0) + 5.0


def rest(_: int) -> float:
    """Below a lamp: there the belief does not wander."""
    return 60.0


def follow(seconds: int, *walks: Walk, skipped: range = range(0)) -> list[Told]:
    """What each of `seconds` told of the tags t-0, t-1, …; nobody listens in `skipped`."""
    directory = Directory(
        TagIdentifier(f"t-{n}", f"t-{n}", button=False) for n in range(len(walks))
    )
    pipeline, trails = Pipeline(ROAD, directory), Trails(ROAD)
    told = []
    for second in range(seconds):
        if second in skipped:
            continue
        spots = {f"t-{n}": spot for n, one in enumerate(walks) if (spot := one(second)) is not None}
        heard = {tag: levels_at(ROAD, (spot, 0.0)) for tag, spot in spots.items()}
        step = pipeline.step(BEGAN + second, [window(ROAD, BEGAN + second, heard)])
        told.append(trails.update(step.estimates))
    return [*told, trails.end()]


def route(told: list[Told], tag: str = "t-0") -> list[RoutePoint]:
    return [point for one in told for point in one.route if point.tag == tag]


def at(points: list[RoutePoint]) -> list[float]:
    return [point.at - BEGAN for point in points]


def away_m(point: RoutePoint) -> float:
    """How far it is from where the walk was."""
    ((east, north),) = ROAD.to_metres(np.array([[point.lon, point.lat]]))
    return dist((east, north), (walk(int(point.at) - BEGAN - 1), 0.0))


def test_a_walk_has_a_point_every_five_seconds() -> None:
    points = route(follow(80, walk))
    assert at(points) == [1.0 + SLOT_S * n for n in range(16)]
    assert {point.quality for point in points} == {Quality.ROUTE}
    assert max(away_m(point) for point in points) < 6.0


def test_a_point_is_confirmed_in_seconds_and_final_within_a_minute() -> None:
    told = follow(90, walk)
    waits = {Quality.CONFIRMED: SOON, Quality.ROUTE: AFTERWARDS}
    for second, one in enumerate(told[:-1]):
        for point in one.confirmed + one.route:
            lag = waits[point.quality]
            age_s = second + 1 - (point.at - BEGAN)
            assert lag.lag_s <= age_s < lag.lag_s + lag.block_s
    confirmed = [point for one in told for point in one.confirmed]
    assert at(confirmed) == [1.0 + SLOT_S * n for n in range(16)]
    assert {point.quality for point in confirmed} == {Quality.CONFIRMED}


def test_what_is_final_is_said_through_its_last_second() -> None:
    told = follow(200, to_and_fro)
    throughs = [BEGAN + 0.0, *(through for one in told for _, through in one.final)]
    finals = [one for one in told if one.final]
    assert len(finals) >= 5
    for one, before, through in zip(finals, throughs, throughs[1:], strict=False):
        assert one.route
        assert all(before < point.at <= through for point in one.route)
    assert throughs[-1] == BEGAN + 200.0


def test_tags_that_began_together_are_not_all_due_in_one_second() -> None:
    told = follow(HELD_S + 1, *[rest] * 12)[:-1]
    due = [len(one.final) for one in told]
    assert sum(due) == 12
    assert max(due) <= 4


def test_a_carrier_at_rest_has_a_point_every_twenty_seconds() -> None:
    times = at(route(follow(300, rest)))
    steps = [after - before for before, after in pairwise(times)]
    assert set(steps[3:-1]) == {REST_S}
    assert times[-1] == 296.0


def test_a_hole_has_no_points_and_both_its_ends() -> None:
    times = at(route(follow(300, lambda second: None if 108 <= second < 170 else rest(second))))
    assert [time for time in times if 105 < time < 180] == [106.0, 171.0]


def test_a_tag_that_falls_silent_leaves_its_last_point_at_once() -> None:
    told = follow(200, lambda second: rest(second) if second < 108 else None, walk)
    assert at(route(told))[-1] == 106.0
    ended = next(n for n, one in enumerate(told) if ("t-0", 106.0) in _ends(one))
    assert ended < 200


def _ends(told: Told) -> list[tuple[str, float]]:
    return [(point.tag, point.at - BEGAN) for point in told.route]


def test_seconds_without_a_step_are_a_hole_and_what_came_before_is_told() -> None:
    told = follow(120, walk, skipped=range(50, 70))
    assert at(route(told)) == [*range(1, 50, 5), *range(71, 120, 5)]
    first_after = told[50]
    assert at(list(first_after.route))[-1] == 46.0


class Asked(list[tuple[str, Estimate]]):
    """A step's estimates, and how often they were asked for."""

    times = 0

    def __iter__(self) -> Iterator[tuple[str, Estimate]]:
        self.times += 1
        return super().__iter__()


def test_each_estimate_is_made_once() -> None:
    step = Pipeline(ROAD, Directory([TagIdentifier("t-0", "t-0", button=False)])).step(
        BEGAN, [window(ROAD, BEGAN, {"t-0": levels_at(ROAD, (5.0, 0.0))})]
    )
    estimates = Asked(step.estimates)
    Trails(ROAD).update(estimates)
    assert estimates.times == 1


def test_each_tag_has_a_way_of_its_own() -> None:
    told = follow(80, walk, rest)
    alone = route(follow(80, walk))
    assert route(told) == alone
    assert len(route(told, "t-1")) < len(alone)


def test_a_point_names_the_zone_that_is_as_likely_as_not() -> None:
    zones = {point.at - BEGAN: point.zone for point in route(follow(100, walk))}
    assert zones[1.0] == ""
    assert zones[96.0] == "end"


@pytest.mark.parametrize("seconds", [1, 4])
def test_a_tag_that_is_heard_for_a_blink_has_one_point(seconds: int) -> None:
    told = follow(100, lambda second: walk(second) if second < seconds else None)
    assert at(route(told)) == [1.0]
