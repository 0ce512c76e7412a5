import math
from itertools import pairwise

import pytest
from firmware_sim.lamps.firmwares import Firmware
from firmware_sim.lamps.luminaire import LUMINAIRES
from firmware_sim.lamps.node import BOOT_S, Counters, Fault, LampNode
from firmware_sim.lamps.registers import Refused
from firmware_sim.lamps.weather import Surroundings

DUSK = 1_793_090_000.0
NIGHT = Surroundings()
DAY = Surroundings(lux=30_000.0)
LED = LUMINAIRES["led-40"]


class Scene:
    """One node that is polled once a minute, as by an edge."""

    def __init__(self, *, firmware="generic", lamp=LED, **keywords):
        self.node = LampNode(unit=5, firmware=firmware, lamp=lamp, seed=7, **keywords)
        self.at = DUSK
        self.node.advance(self.at, surroundings=NIGHT)

    def after(self, seconds, *, surroundings=NIGHT):
        """What the node tells `seconds` later, polled each minute until then."""
        end = self.at + seconds
        while self.at < end:
            self.at = min(end, self.at + 60.0)
            self.node.advance(self.at, surroundings=surroundings)
            told = self.node.poll()
        return told


@pytest.fixture
def scene():
    return Scene()


def lit(level=100.0, **keywords):
    scene = Scene(**keywords)
    scene.node.command(level)
    scene.after(600)
    return scene


def test_a_ramp_is_a_straight_line_and_its_end_is_told_from_the_first_moment(scene):
    scene.node.command(0.0)
    scene.node.command(80.0, ramp_s=40.0)

    told = scene.after(10)

    assert told["feedback_level"] == 80.0
    assert told["actual_level"] == pytest.approx(20.0)
    assert scene.after(31)["actual_level"] == 80.0


def test_power_follows_the_curve_within_the_make_and_the_meter():
    for level, watts in LED.power_curve[1:]:
        assert lit(level).after(60)["active_power_w"] == pytest.approx(watts, rel=0.05)


def test_energy_is_power_over_time_also_through_a_ramp():
    scene = lit(0.0)
    before_kwh = scene.node.counters.energy_kwh
    scene.node.command(100.0, ramp_s=600.0)
    scene.after(600)
    full_w = scene.node.power_w

    gained_kwh = scene.node.counters.energy_kwh - before_kwh

    curve = [watts / LED.power_curve[-1][1] for _, watts in LED.power_curve]
    share = sum((a + b) / 2 for a, b in pairwise(curve)) / 4
    assert gained_kwh == pytest.approx(full_w * share * 600 / 3.6e6, rel=0.02)


def test_how_often_one_looks_changes_neither_energy_nor_hours():
    often, seldom = lit(100.0), lit(100.0)
    for scene in (often, seldom):
        scene.node.watchdog_s = 0.0
        scene.node.command(30.0, ramp_s=90.0)
    for _ in range(3600):
        often.at += 1.0
        often.node.advance(often.at, surroundings=NIGHT)
    seldom.node.advance(often.at, surroundings=NIGHT)

    assert often.node.counters.energy_kwh == pytest.approx(
        seldom.node.counters.energy_kwh, rel=1e-3
    )
    assert often.node.counters.operating_h == pytest.approx(seldom.node.counters.operating_h)


def test_a_sodium_lamp_does_not_dim_below_half_and_takes_minutes_to_warm_up():
    scene = Scene(lamp=LUMINAIRES["sodium-110"])
    scene.node.command(0.0)
    scene.after(60)
    scene.node.command(20.0)

    cold_w = scene.after(10)["active_power_w"]

    assert scene.node.given_level == 50.0
    assert cold_w < 0.6 * scene.after(400)["active_power_w"]


def test_a_node_without_a_master_gives_full_light_in_the_dark_and_none_by_day(scene):
    scene.node.advance(DUSK + 5, surroundings=NIGHT)
    assert (scene.node.given_level, scene.node.autonomous) == (100.0, True)

    scene.node.advance(DUSK + 60, surroundings=DAY)
    scene.node.advance(DUSK + 120, surroundings=DAY)

    assert (scene.node.given_level, scene.node.autonomous) == (0.0, True)


def test_the_own_photocell_does_not_flicker_between_its_two_limits(scene):
    scene.node.advance(DUSK + 60, surroundings=Surroundings(lux=30.0))
    assert scene.node.given_level == 100.0
    scene.node.advance(DUSK + 120, surroundings=DAY)
    scene.node.advance(DUSK + 180, surroundings=Surroundings(lux=30.0))

    assert scene.node.given_level == 0.0


def test_a_node_without_a_photocell_burns_at_its_fallback_level_by_day_too():
    scene = Scene(firmware="miri")

    scene.node.advance(DUSK + 60, surroundings=DAY)

    assert scene.node.given_level == 100.0


@pytest.mark.parametrize("watchdog_s", [30.0, 600.0])
def test_the_watchdog_acts_so_long_after_the_last_request_and_not_before(watchdog_s):
    scene = Scene()
    scene.node.write_settings({"fallback_level": 70.0, "watchdog_s": watchdog_s})
    scene.node.command(20.0)
    scene.node.advance(scene.at + 20.0, surroundings=NIGHT)
    scene.node.poll()

    scene.node.advance(scene.at + 20.0 + watchdog_s - 0.5, surroundings=NIGHT)
    before = scene.node.given_level
    scene.node.advance(scene.at + 20.0 + watchdog_s + 5.0, surroundings=NIGHT)

    assert (before, scene.node.given_level, scene.node.autonomous) == (20.0, 70.0, True)


def test_polls_alone_do_not_end_the_own_program_but_a_level_does(scene):
    scene.node.command(20.0)
    scene.node.advance(DUSK + 1000.0, surroundings=NIGHT)

    assert scene.node.poll()["autonomous"] is True
    scene.node.command(20.0)

    assert scene.node.poll()["autonomous"] is False


def test_a_watchdog_of_nought_seconds_never_acts(scene):
    scene.node.write_settings({"watchdog_s": 0.0})
    scene.node.command(20.0)

    scene.node.advance(DUSK + 90_000.0, surroundings=NIGHT)

    assert scene.node.given_level == 20.0


def test_a_level_beyond_full_light_is_refused_and_changes_nothing(scene):
    scene.node.command(40.0)

    with pytest.raises(Refused) as refused:
        scene.node.command(101.0)

    assert (refused.value.code, scene.after(60)["feedback_level"]) == (3, 40.0)


def test_power_comes_back_counts_the_loss_boots_and_follows_the_own_program():
    scene = lit(30.0)
    scene.node.set_fault("power_cut")
    scene.after(120)
    assert not scene.node.answers
    assert scene.node.power_w == 0.0

    scene.node.clear_fault("power_cut")
    scene.after(BOOT_S / 2)
    assert not scene.node.answers
    told = scene.after(60)

    assert scene.node.answers
    assert (told["supply_loss_count"], told["autonomous"]) == (1, True)
    assert scene.node.given_level == 100.0


def test_a_dead_mains_of_the_segment_is_the_same_as_a_cut_at_the_node():
    scene = lit(30.0)

    scene.after(60, surroundings=Surroundings(supply_v=0.0))

    assert not scene.node.answers
    assert scene.node.counters.supply_losses == 1


def test_a_node_restart_is_silent_for_a_moment_and_keeps_what_was_set():
    scene = lit(30.0)
    scene.node.write_settings({"fallback_level": 60.0})

    scene.node.set_fault("node_restart")
    silent = not scene.node.answers
    told = scene.after(60)

    assert (silent, scene.node.answers, told["feedback_level"]) == (True, True, 60.0)
    assert scene.node.faults == frozenset()


def test_counters_begin_anew_at_a_reset():
    scene = lit(100.0, counters=Counters(energy_kwh=900.0, operating_h=4000.0, switch_ons=77))

    scene.node.set_fault("counter_reset")
    told = scene.after(60)

    assert told["active_energy_kwh"] == pytest.approx(0.04 / 60, rel=0.05)
    assert told["switch_on_counter"] == 0


def watts(scene):
    return scene.after(60)["active_power_w"]


LIT = {
    "lamp_out": lambda s, w: w < 1.0,
    "stuck_relay_off": lambda s, w: w < 1.0,
    "breaker": lambda s, w: w == 0.0,
    "weak_lamp": lambda s, w: 0.65 * 40 < w < 0.75 * 40,
    "power_high": lambda s, w: 1.25 * 40 < w < 1.35 * 40,
    "wrong_dimming": lambda s, w: 19 < w < 22,
    "brown_out": lambda s, w: 155 < s.after(60)["supply_voltage_v"] < 165,
    "over_voltage": lambda s, w: 235 < s.after(60)["supply_voltage_v"] < 245,
    "power_factor": lambda s, w: s.after(60)["power_factor"] < 0.65,
    "hot": lambda s, w: s.after(1800)["temperature_c"] > 65,
    "tilted": lambda s, w: s.after(300)["tilt_deg"] > 7,
    "impact": lambda s, w: s.after(60)["tilt_deg"] > 12,
    "door": lambda s, w: s.after(60)["door_open"],
    "leakage": lambda s, w: s.after(60)["leakage"],
    "meter_lost": lambda s, w: w is None and s.after(60)["active_energy_kwh"] is None,
    "photocell_lost": lambda s, w: s.after(60)["illuminance_lx"] is None,
    "silence": lambda s, w: not s.node.answers,
}


@pytest.mark.parametrize("fault", LIT)
def test_a_fault_shows_in_the_readings_of_a_lit_lamp_and_goes_when_mended(fault):
    shows = LIT[fault]
    scene = lit(100.0)
    assert not shows(scene, watts(scene))

    scene.node.set_fault(fault)
    assert shows(scene, watts(scene))
    scene.node.clear_fault(fault)
    scene.after(7200)

    assert not shows(scene, watts(scene))


def test_a_stuck_relay_burns_at_full_light_where_none_was_asked_for():
    scene = lit(0.0)
    scene.node.set_fault("stuck_relay_on")

    assert watts(scene) == pytest.approx(40, rel=0.05)
    assert scene.node.poll()["actual_level"] == 0.0


def test_a_deaf_node_acknowledges_and_goes_on_as_before():
    scene = lit(80.0)
    scene.node.set_fault("deaf")

    scene.node.write(16, 100, [300, 0])

    assert scene.after(60)["feedback_level"] == 80.0
    assert scene.node.read(3, 100, 1) == [300]


def test_a_cycling_lamp_goes_out_three_times_within_an_hour_and_its_level_does_not_say_so():
    scene = lit(100.0)
    scene.node.set_fault("cycling")
    dark = []
    for _ in range(60):
        told = scene.after(60)
        dark.append(told["active_power_w"] < 1.0)
        assert told["actual_level"] == 100.0

    outs = sum(now and not before for before, now in pairwise(dark))
    assert outs >= 3


def test_an_unknown_fault_is_named_in_the_error(scene):
    with pytest.raises(ValueError, match="burnt_toast"):
        scene.node.set_fault("burnt_toast")


def test_two_nodes_of_one_seed_differ_and_the_same_node_lives_the_same_life_twice():
    def life(unit):
        node = LampNode(unit=unit, firmware=Firmware.GENERIC, lamp=LED, seed=7)
        node.advance(DUSK, surroundings=NIGHT)
        node.advance(DUSK + 600, surroundings=NIGHT)
        return node.poll()

    assert life(1) == life(1)
    assert life(1) != life(2)


@pytest.mark.parametrize("fault", ["cycling", "tilted", "power_cut"])
def test_a_node_may_be_broken_before_its_life_begins(fault):
    node = LampNode(unit=5, firmware="generic", lamp=LED, seed=7)
    node.set_fault(fault)
    node.advance(DUSK, surroundings=NIGHT)
    node.advance(DUSK + 400, surroundings=NIGHT)

    assert node.faults == {Fault(fault)}
    assert node.answers is (fault != "power_cut")
    assert node.poll()["tilt_deg"] < 12.0


def test_a_fault_shows_at_the_moment_it_is_set():
    scene = lit(100.0)

    scene.node.set_fault("lamp_out")

    assert scene.node.given_level == 0.0
    assert scene.node.power_w < 1.0


@pytest.mark.parametrize("fault", Fault)
def test_no_fault_and_no_odd_moment_makes_a_node_stand_still(fault):
    scene = lit(50.0)
    scene.node.set_fault(fault)
    moments = [math.pi * 100.0 * (k + 1) for k in range(200)]

    for moment in moments:
        scene.node.advance(scene.at + moment, surroundings=NIGHT)

    assert scene.node.at == scene.at + moments[-1]
