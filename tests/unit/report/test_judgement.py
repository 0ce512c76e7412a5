from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from gateway.model import Crossing, Position, Presence, Reading, Window, ZoneEvent
from gateway.report.judgement import (
    Material,
    availability_of,
    errors_by_mode,
    reception_of,
    zone_scores,
)
from gateway.report.scoring import Tolerance, Truth, ZoneTruth
from gateway.report.truth import Truths
from gateway.tags.propagation import Radio
from tests.unit.tags.places import road

SITE = road()
AT = np.arange(0.0, 60.0)
WAY = np.stack([AT, 0 * AT], axis=1)


def positions(tag: str, *, off_m: float = 0.0, seconds: int = 60) -> list[Position]:
    lonlat = SITE.to_lonlat(WAY[:seconds] + np.array([0.0, off_m])).tolist()
    return [
        Position(float(k), tag, lon, lat, 3.0, 8.0, 3, Presence.TRACKED, (("end", 0.5),))
        for k, (lon, lat) in enumerate(lonlat)
    ]


NOTHING = Truths(tags={}, zones=[], ways=[], tolerance=Tolerance())


def material(
    found: Sequence[Position], truths: Truths, events: Sequence[ZoneEvent] = ()
) -> Material:
    windows = [
        Window(second, ("r0", "r1"), (Reading("r1", "a", -70.0, -68, 2),)) for second in range(60)
    ]
    radios = [Radio()] * len(SITE.receivers)
    both = {"live": found, "route": found}
    return Material("walk", SITE, windows, both, events, radios, truths, ())


def test_without_truth_nothing_is_scored() -> None:
    blind = material(positions("a"), NOTHING)
    assert (errors_by_mode(blind), zone_scores(blind), availability_of(blind)) == ({}, [], None)


def test_errors_of_all_tags_are_pooled_with_their_circles_and_places() -> None:
    known = replace(NOTHING, tags={tag: Truth(AT, WAY) for tag in ("a", "b")})
    found = [*positions("a", off_m=2.0), *positions("b", off_m=6.0), *positions("c", off_m=90.0)]
    live = errors_by_mode(material(found, known))["live"]
    assert live.score.errors == pytest.approx([2.0] * 60 + [6.0] * 60, abs=1e-2)
    assert live.score.coverage68 == 0.5
    assert live.median_radius_m == 3.0
    assert np.allclose(live.places, np.concatenate([WAY, WAY]))


def test_a_way_without_times_is_truth_too() -> None:
    known = replace(NOTHING, ways=[np.array([[0.0, 0.0], [120.0, 0.0]])])
    live = errors_by_mode(material(positions("a", off_m=4.0), known))["live"]
    assert live.score.errors == pytest.approx([4.0] * 60, abs=1e-2)


def test_a_tag_that_was_never_located_was_not_available() -> None:
    known = replace(NOTHING, tags={tag: Truth(AT, WAY) for tag in ("a", "b")})
    assert availability_of(material(positions("a"), known)) == 0.5


def test_a_zone_is_scored_over_all_tags() -> None:
    inside = AT >= 30
    known = replace(NOTHING, zones=[ZoneTruth(tag, "end", AT, inside) for tag in ("a", "b")])
    told = [ZoneEvent(33.0, "a", "end", Crossing.ENTER, 0.9)]
    (end,) = zone_scores(material(positions("a"), known, told))
    assert (end.events.crossings, end.events.missed, end.events.false) == (2, 1, 0)
    assert (end.events.median_delay_s, end.brier) == (3.0, 0.25)


def test_receivers_are_judged_at_the_true_places_where_those_are_known() -> None:
    far = positions("a", off_m=80.0)
    by_truth = reception_of(material(far, replace(NOTHING, tags={"a": Truth(AT, WAY)}))).receivers[
        1
    ]
    by_route = reception_of(material(far, NOTHING)).receivers[1]
    assert by_truth.distance_m.min() < 5
    assert by_route.distance_m.min() > 70


def test_places_that_are_hardly_known_judge_nobody() -> None:
    vague = [
        Position(one.at, one.tag, one.lon, one.lat, 40.0, 90.0, 1, one.presence, ())
        for one in positions("a")
    ]
    (_, fit, *_) = reception_of(material(vague, NOTHING)).receivers
    assert (len(fit.dbm), fit.packets) == (0, 120)
