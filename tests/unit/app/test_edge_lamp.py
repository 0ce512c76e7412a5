import pytest

from gateway.app.edge_lamp import EdgeLamp
from gateway.lamps import Authority, Decision
from gateway.lights.bus_words import Polled
from gateway.lights.following import Proof
from gateway.lights.profiles import load_profiles
from gateway.settings import config_dir
from tests.unit.app.lit_street import LED, NOW, lamp_order

PROFILES = load_profiles(config_dir() / "lamps")
DECIDED = Decision(NOW, 60.0, Authority.PROGRAM, "evening", "p-1", ramp_s=5.0)


@pytest.fixture
def lamp() -> EdgeLamp:
    made = EdgeLamp(lamp_order("l-1"), LED, PROFILES["generic"])
    made.decide(DECIDED)
    return made


def test_a_reading_says_what_was_wanted_beside_what_the_lamp_says(lamp: EdgeLamp) -> None:
    reading = lamp.answered(Polled("l-1", NOW, {"feedback_level": 50.0, "actual_level": 48.0}))
    assert reading is not None
    assert (reading.target_level, reading.feedback_level, reading.actual_level) == (60, 50, 48)
    assert (reading.authority, reading.reason, reading.meter_class) == ("program", "evening", 1.0)


def test_blocks_that_are_asked_at_different_times_make_one_reading(lamp: EdgeLamp) -> None:
    lamp.answered(Polled("l-1", NOW, {"switch_on_counter": 7.0, "active_energy_kwh": 1.5}))
    reading = lamp.answered(Polled("l-1", NOW + 1, {"feedback_level": 60.0, "motion": True}))
    assert reading is not None
    assert (reading.at, reading.switch_on_counter, reading.motion) == (NOW + 1, 7, True)
    assert isinstance(reading.switch_on_counter, int)


def test_a_value_that_was_masked_is_none_until_it_is_read_again(lamp: EdgeLamp) -> None:
    lamp.answered(Polled("l-1", NOW, {"illuminance_lx": 9.0}))
    masked = lamp.answered(
        Polled("l-1", NOW + 1, {"illuminance_lx": None}, {"illuminance_lx": "m"})
    )
    assert masked is not None
    assert (masked.illuminance_lx, masked.masked) == (None, {"illuminance_lx": "m"})
    again = lamp.answered(Polled("l-1", NOW + 2, {"illuminance_lx": 8.0}))
    assert again is not None
    assert (again.illuminance_lx, again.masked) == (8.0, {})


def test_a_block_without_the_level_proves_nothing(lamp: EdgeLamp) -> None:
    lamp.following.sent(0.0)
    lamp.following.commanded(60.0, None, 0.0, settings=True)
    lamp.answered(Polled("l-1", NOW, {"active_energy_kwh": 1.0}))
    assert lamp.following.proof is Proof.WRITTEN
    lamp.answered(Polled("l-1", NOW, {"feedback_level": 60.0}))
    assert lamp.following.proof is Proof.FOLLOWED


def test_before_the_first_decision_there_is_no_reading_and_no_command() -> None:
    lamp = EdgeLamp(lamp_order("l-1"), LED, PROFILES["generic"])
    assert lamp.answered(Polled("l-1", NOW, {"feedback_level": 60.0})) is None
    assert lamp.command(0.0, watchdog_s=9.0) is None


def test_a_command_has_the_settings_only_where_they_are_due(lamp: EdgeLamp) -> None:
    first = lamp.command(0.0, watchdog_s=9.0)
    assert first is not None
    assert (first.level, first.ramp_s, first.ref) == (60.0, 5.0, "p-1")
    assert (first.fallback_level, first.watchdog_s) == (80.0, 9.0)
    lamp.following.settings_due = False
    second = lamp.command(0.0, watchdog_s=9.0)
    assert second is not None
    assert (second.level, second.fallback_level, second.watchdog_s) == (60.0, None, None)


def test_limits_that_cannot_be_used_leave_those_of_the_type(lamp: EdgeLamp) -> None:
    order = lamp_order("l-1", limits={"hotness": 3.0})
    before = lamp.watch
    lamp.follow(order, LED)
    assert lamp.watch is not before
    assert lamp.watch.open == ()


def test_another_unit_or_bus_or_profile_is_another_node(lamp: EdgeLamp) -> None:
    assert lamp.is_node_of(lamp_order("l-1", fallback_level=5.0, calendar="other"))
    for change in ({"unit": 9}, {"bus": "bus-2"}, {"profile": "miri"}):
        assert not lamp.is_node_of(lamp_order("l-1", **change))
