import numpy as np
import pytest
from firmware_sim.people import Errand
from firmware_sim.world import Press, World

from tests.unit.firmware_sim.conftest import SCHOOL_IS_OUT, SEED


def world(site, **settings):
    usual = {"seed": SEED, "start": SCHOOL_IS_OUT, "people": 20, "most_outdoors": 10}
    return World(site, **(usual | settings))


def heard_in(town, seconds):
    found = []
    for second in range(1, seconds + 1):
        step = town.step(SCHOOL_IS_OUT + second)
        tag = step.sent.tag[step.heard.packet]
        found.append(np.stack([tag, step.heard.receiver, step.heard.rssi_dbm], axis=1))
    return np.vstack(found)


def test_the_same_seed_is_the_same_town(site):
    assert np.array_equal(heard_in(world(site), 20), heard_in(world(site), 20))
    assert not np.array_equal(heard_in(world(site), 5), heard_in(world(site, seed=SEED + 1), 5))


def test_who_is_outdoors_is_heard_by_several_poles_and_who_is_indoors_hardly(site):
    town = world(site)
    out, inside = [], []
    for second in range(1, 61):
        step = town.step(SCHOOL_IS_OUT + second)
        sent = np.bincount(step.sent.tag, minlength=20)
        got = np.bincount(step.sent.tag[step.heard.packet], minlength=20)
        here = ~step.scene.away & (sent > 0)
        out += list(got[here & step.scene.outdoors])
        inside += list(got[here & ~step.scene.outdoors])

    assert 4 < np.mean(out) < 20
    assert np.mean(inside) < 1.5


def test_who_is_away_sends_nothing(site):
    town = world(site)

    step = town.step(SCHOOL_IS_OUT + 1.0)

    assert step.scene.away.any()
    assert not step.scene.away[step.sent.tag].any()


def test_a_press_is_heard_as_a_button(site):
    town = world(
        site,
        people=1,
        most_outdoors=1,
        errands=(Errand("child-001", "school", "home"),),
        presses=(Press("child-001", 10.0),),
    )

    steps = [town.step(SCHOOL_IS_OUT + second) for second in range(1, 16)]

    before = sum(step.sent.button.sum() for step in steps[:10])
    pressed = sum(step.sent.button[step.heard.packet].sum() for step in steps[10:])
    assert before == 0
    assert pressed > 50


def test_a_press_by_nobody_is_refused(site):
    with pytest.raises(ValueError, match="nobody is called elder-777"):
        world(site, presses=(Press("elder-777", 1.0),))


def test_the_tag_looks_where_it_is_worn(site):
    town = world(site, people=1, most_outdoors=1, errands=(Errand("child-001", "school", "home"),))
    town.step(SCHOOL_IS_OUT + 30.0)

    step = town.step(SCHOOL_IS_OUT + 60.0)

    heading, facing = step.scene.heading[0], step.sent.heading[-1]
    turn = np.arctan2(*facing[::-1]) - np.arctan2(*heading[::-1])
    assert np.isclose(np.cos(turn), np.cos(town.tags[0].worn_rad), atol=1e-9)
    assert np.isclose(np.hypot(*facing), 1.0)
