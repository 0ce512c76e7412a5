import numpy as np
import pytest
from firmware_sim.people import Errand
from firmware_sim.world import BatteryChange, Press, World

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


def test_native_tags_change_nothing_of_who_is_where_or_how_a_bought_tag_is_heard(site):
    bought, mixed = world(site), world(site, native=1 / 3)
    for second in range(1, 6):
        one, other = bought.step(SCHOOL_IS_OUT + second), mixed.step(SCHOOL_IS_OUT + second)
        assert np.array_equal(one.scene.xy, other.scene.xy)

    assert sorted(mixed.natives) == [0, 3, 6, 9, 12, 15, 18]
    assert [tag.offset_db for tag in bought.tags] == [tag.offset_db for tag in mixed.tags]
    assert bought.tags[1].firmware == mixed.tags[1].firmware


def test_only_what_names_its_sender_counts_as_named(site):
    town = world(
        site,
        people=3,
        most_outdoors=3,
        native=1 / 3,
        presses=(Press("child-001", 1.0), Press("child-002", 1.0)),
    )
    town.step(SCHOOL_IS_OUT + 1.0)

    step = town.step(SCHOOL_IS_OUT + 40.0)

    whose, named = town.named(step)
    assert np.array_equal(whose, step.sent.tag)
    for number, says in enumerate(named.tolist()):
        assert says == bool(town.packet(step, number).frame.identifier)
    assert not named[step.sent.button & (step.sent.tag == 0)].any()
    assert named[step.sent.button & (step.sent.tag == 1)].all()


def test_a_battery_change_puts_a_native_tag_into_a_period_of_the_past(site):
    town = world(
        site,
        people=1,
        most_outdoors=1,
        native=1.0,
        battery_changes=(BatteryChange("child-001", 9),),
    )
    firmware = town.natives[0]
    town.step(SCHOOL_IS_OUT + 5.0)
    before = firmware.slot(SCHOOL_IS_OUT + 5.0)

    step = town.step(SCHOOL_IS_OUT + 10.0)

    assert before - 86 <= firmware.slot(SCHOOL_IS_OUT + 10.0) < before
    assert [(deed.what, deed.at) for deed in step.deeds] == [("battery_changed", SCHOOL_IS_OUT + 9)]


def test_a_bought_tag_has_no_clock_to_lose(site):
    with pytest.raises(ValueError, match="is not native"):
        world(site, battery_changes=(BatteryChange("child-001", 9.0),))


def test_a_press_while_the_town_runs_is_sent_from_then_on(site):
    town = world(site, people=1, most_outdoors=1, native=1.0)
    town.step(SCHOOL_IS_OUT + 10.0)

    town.press("child-001")
    step = town.step(SCHOOL_IS_OUT + 12.0)

    assert 18 <= step.sent.button.sum() <= 21
    assert [deed.what for deed in step.deeds] == ["pressed"]
    assert int(step.deeds[0].detail) == town.natives[0].counter


def test_the_tag_looks_where_it_is_worn(site):
    town = world(site, people=1, most_outdoors=1, errands=(Errand("child-001", "school", "home"),))
    town.step(SCHOOL_IS_OUT + 30.0)

    step = town.step(SCHOOL_IS_OUT + 60.0)

    heading, facing = step.scene.heading[0], step.sent.heading[-1]
    turn = np.arctan2(*facing[::-1]) - np.arctan2(*heading[::-1])
    assert np.isclose(np.cos(turn), np.cos(town.tags[0].worn_rad), atol=1e-9)
    assert np.isclose(np.hypot(*facing), 1.0)
