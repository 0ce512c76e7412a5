from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from firmware_sim.people import Errand, People, populate

from tests.unit.firmware_sim.conftest import SCHOOL_IS_OUT, SEED

HOUR = 3600.0


def living(site, *, start=SCHOOL_IS_OUT, people=80, most=40, errands=(), seed=SEED):
    return People(
        site,
        populate(site, people=people, seed=seed),
        start=start,
        seed=seed,
        most_outdoors=most,
        errands=errands,
    )


def zones_of(site, point):
    mask = site.zone_masks(np.array([point]))[:, 0]
    return {zone.id for zone, holds in zip(site.zones, mask, strict=True) if holds}


def test_most_are_children_and_everybody_has_a_pseudonym_of_their_own(site):
    people = populate(site, people=80, seed=SEED)

    assert Counter(p.kind for p in people) == {"child": 48, "elder": 24, "stranger": 8}
    assert len({p.id for p in people}) == 80
    assert people[0].id == "child-001"
    assert people[0].name == "こども 1"


def test_children_are_on_their_way_home_within_a_minute_of_three_oclock(site):
    town = living(site)
    school = next(zone for zone in site.zones if zone.id == "school")
    kids = np.array([person.kind == "child" for person in town.people])

    town.scene(SCHOOL_IS_OUT)
    scene = town.scene(SCHOOL_IS_OUT + 60.0)

    walking = np.nonzero(scene.outdoors & kids)[0]
    assert len(walking) > 10
    from_gate = np.hypot(*(scene.xy[walking] - school.ring.mean(axis=0)).T)
    town.scene(SCHOOL_IS_OUT + 90.0)
    assert from_gate.max() > 100.0  # some left minutes ago
    assert from_gate.min() < 100.0  # some leave just now


def test_never_more_are_out_than_allowed_and_the_limit_is_reached(site):
    town = living(site, people=60, most=15)

    out = [town.scene(SCHOOL_IS_OUT + 10.0 * k).outdoors.sum() for k in range(360)]

    assert max(out) == 15


def test_nobody_jumps(site):
    town = living(site)
    before = town.scene(SCHOOL_IS_OUT)
    for second in range(1, 900):
        scene = town.scene(SCHOOL_IS_OUT + second)
        both = before.outdoors & scene.outdoors
        assert np.hypot(*(scene.xy - before.xy)[both].T).max(initial=0.0) < 1.7
        before = scene


def test_children_walk_home_along_the_paths_as_far_as_their_own_door(site):
    town = living(site)
    kids = np.array([person.kind == "child" for person in town.people])
    homes = np.array([person.home for person in town.people])
    points = np.vstack([way.points for way in site.paths])
    seen = 0
    for minute in range(1, 12):
        scene = town.scene(SCHOOL_IS_OUT + 60.0 * minute)
        far = np.hypot(*(scene.xy - homes).T) > 16.0
        for here in scene.xy[kids & scene.outdoors & far]:
            if "school" not in zones_of(site, here):
                seen += 1
                assert np.hypot(*(points - here).T).min() < 8.0  # half a drawn step, and a swerve
    assert seen > 50


def test_school_mornings_and_nights_look_like_it(site):
    morning, night = SCHOOL_IS_OUT - 7.2 * HOUR, SCHOOL_IS_OUT + 10 * HOUR
    town = living(site, start=morning - HOUR)
    kids = np.array([person.kind == "child" for person in town.people])

    towards = town.scene(morning)
    at_noon = town.scene(SCHOOL_IS_OUT - 3 * HOUR)
    asleep = town.scene(night)

    assert towards.outdoors[kids].sum() > 5
    assert all("school" in zones_of(site, xy) for xy in at_noon.xy[kids])
    assert not at_noon.outdoors[kids].any()
    assert not asleep.outdoors.any()
    homes = np.array([person.home for person in town.people])
    assert np.allclose(asleep.xy[kids], homes[kids])


def test_a_day_is_planned_the_same_whenever_one_looks(site):
    often, once = living(site), living(site)
    for second in range(0, 300, 7):
        often.scene(SCHOOL_IS_OUT + second)

    one, other = often.scene(SCHOOL_IS_OUT + 300), once.scene(SCHOOL_IS_OUT + 300)

    assert np.array_equal(one.xy, other.xy)
    assert np.array_equal(one.outdoors, other.outdoors)


def test_an_errand_sends_a_child_from_home_to_school_at_once(site):
    noon = SCHOOL_IS_OUT - 3 * HOUR
    errand = Errand("child-001", "home", "school")
    town = living(site, start=noon, people=1, most=1, errands=(errand,))

    home = town.scene(noon).xy[0]
    under_way = town.scene(noon + 30.0)
    arrived = town.scene(noon + 1500.0)

    assert np.allclose(home, town.people[0].home)
    assert under_way.outdoors[0]
    assert np.hypot(*(under_way.xy[0] - home)) > 5.0
    assert not arrived.outdoors[0]
    assert "school" in zones_of(site, arrived.xy[0])


@pytest.mark.parametrize(
    ("errand", "what"),
    [
        (Errand("child-999", "home", "school"), "nobody is called child-999"),
        (Errand("child-001", "home", "moon"), "moon is no place"),
    ],
)
def test_an_errand_of_nobody_or_to_nowhere_is_refused(site, errand, what):
    with pytest.raises(ValueError, match=what):
        living(site, people=1, errands=(errand,)).scene(SCHOOL_IS_OUT)


def test_a_site_without_lots_has_no_people(site):
    with pytest.raises(ValueError, match="no lots"):
        populate(replace(site, lots=()), people=3, seed=1)
