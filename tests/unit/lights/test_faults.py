"""Each row of the table of faults, at one lamp whose readings are made up."""

import pytest

from gateway.lamps import LampEventKind as Kind
from tests.unit.lights.watched import SODIUM, START, Watched


def kinds(events) -> list[Kind]:
    return [event.kind for event in events]


def test_a_sound_lamp_tells_nothing_at_any_level():
    lamp = Watched()
    for level in (100, 50, 20, 0, 100):
        lamp.poll(600, level)
    assert lamp.told == []


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"active_power_w": 0.4}, Kind.LAMP_FAILURE),
        ({"active_power_w": 16.0}, Kind.LAMP_POWER_TOO_LOW),
        ({"active_power_w": 24.5}, Kind.LAMP_POWER_TOO_HIGH),
        ({"feedback_level": 60.0}, Kind.DIMMING_FAILURE),
        ({"supply_voltage_v": 165.0}, Kind.SUPPLY_VOLTAGE_TOO_LOW),
        ({"supply_voltage_v": 235.0}, Kind.SUPPLY_VOLTAGE_TOO_HIGH),
        ({"supply_voltage_v": 20.0}, Kind.SUPPLY_LOSS),
        ({"power_factor": 0.5}, Kind.POWER_FACTOR_TOO_LOW),
        ({"temperature_c": 71.0}, Kind.TEMPERATURE_TOO_HIGH),
        ({"door_open": True}, Kind.CABINET_DOOR_OPEN),
        ({"breaker_tripped": True, "active_power_w": 0.0}, Kind.CIRCUIT_BREAKER_TRIPPED),
        ({"leakage": True}, Kind.LEAKAGE_DETECTED),
    ],
)
def test_a_fault_is_told_with_its_name_and_ends_when_it_is_mended(fields, kind):
    lamp = Watched()
    assert lamp.poll(60, 50) == []
    broken_at = lamp.at
    (event,) = lamp.poll(400, 50, **fields)
    assert (event.kind, event.lamp, event.end) == (kind, "l-1", None)
    assert event.start == broken_at + 1.0
    for name, value in fields.items():
        if name in event.evidence:
            assert event.evidence[name] == pytest.approx(float(value))
    assert lamp.open == {kind}
    mended_at = lamp.at
    (over,) = [event for event in lamp.poll(120, 50) if event.kind is kind]
    assert (over.start, over.end) == (event.start, mended_at + 1.0)
    assert lamp.open == set()


def test_power_that_fits_another_level_for_five_minutes_is_no_dimming():
    lamp = Watched()
    lamp.poll(60, 100)
    events = lamp.poll(400, 50, active_power_w=40.0)
    assert kinds(events) == [Kind.DIMMING_FAILURE]
    assert events[0].evidence["fits_level"] == pytest.approx(100.0)
    assert events[0].evidence["expected_w"] == pytest.approx(20.5)
    assert lamp.at - events[0].start == pytest.approx(400 - 15, abs=2)


def test_a_weak_lamp_is_weak_at_every_level_and_not_called_undimmed():
    lamp = Watched()
    lamp.poll(60, 100)
    assert kinds(lamp.poll(200, 100, active_power_w=28.0)) == [Kind.LAMP_POWER_TOO_LOW]
    lamp.poll(900, 50, active_power_w=14.35)
    assert kinds(lamp.told) == [Kind.LAMP_POWER_TOO_LOW]


def test_of_one_level_alone_low_power_may_be_either():
    lamp = Watched()
    lamp.poll(60)
    lamp.poll(400, active_power_w=28.0)
    assert lamp.open == {Kind.LAMP_POWER_TOO_LOW, Kind.DIMMING_FAILURE}
    lamp.poll(60, 50, active_power_w=14.35)
    assert lamp.open == {Kind.LAMP_POWER_TOO_LOW}


def test_a_lamp_whose_share_of_power_jumps_with_the_level_is_called_undimmed_not_weak():
    lamp = Watched()
    lamp.poll(60, 100)
    lamp.poll(120, 100, active_power_w=20.5)
    assert lamp.open == {Kind.LAMP_POWER_TOO_LOW}
    lamp.poll(400, 40, active_power_w=40.0)
    assert lamp.open == {Kind.DIMMING_FAILURE}


def test_what_was_commanded_off_and_burns_is_a_day_burner_and_by_its_relay_if_the_node_says_off():
    lamp = Watched()
    lamp.poll(60, 0)
    lamp.poll(60, 0, active_power_w=40.0, feedback_level=100.0, actual_level=100.0)
    assert lamp.open == {Kind.LAMP_UNEXPECTED_ON}
    lamp = Watched()
    lamp.poll(60, 0)
    lamp.poll(60, 0, active_power_w=40.0)
    assert lamp.open == {Kind.LAMP_UNEXPECTED_ON, Kind.RELAY_FAILURE}


def test_a_lamp_that_goes_out_by_itself_three_times_an_hour_cycles():
    lamp = Watched(every_s=5.0)
    lamp.poll(60)

    def cycle(at: float) -> dict[str, float]:
        return {"active_power_w": 0.4 if (at - START) % 400 > 370 else 40.0}

    lamp.poll(1_500, change=cycle)
    assert lamp.open == {Kind.CYCLING_FAILURE}
    assert kinds(lamp.told) == [Kind.CYCLING_FAILURE]
    assert lamp.told[0].evidence["cycles"] == 3


def test_cycles_between_two_polls_are_seen_by_the_counter():
    lamp = Watched(every_s=60.0)
    lamp.poll(600, switch_on_counter=7)
    lamp.poll(60, switch_on_counter=8)
    lamp.poll(600, switch_on_counter=8)
    lamp.poll(60, switch_on_counter=10)
    assert lamp.open == {Kind.CYCLING_FAILURE}


def test_what_was_commanded_or_a_loss_of_supply_is_no_cycle():
    lamp = Watched(every_s=20.0)
    for turn in range(8):
        lamp.poll(200, 100, switch_on_counter=turn, supply_loss_count=0)
        lamp.poll(200, 0, switch_on_counter=turn, supply_loss_count=0)
    lamp.poll(60, 100, switch_on_counter=8, supply_loss_count=0)
    for turn in range(8):
        lamp.poll(40, active_power_w=0.0)
        lamp.poll(200, switch_on_counter=9 + turn, supply_loss_count=1 + turn)
    assert lamp.told == []


def test_a_node_without_a_count_of_losses_that_starts_anew_lost_its_supply():
    lamp = Watched(every_s=5.0)
    lamp.poll(300, switch_on_counter=1, autonomous=False)
    for turn in range(6):
        lamp.poll(5, switch_on_counter=1 + turn, autonomous=True)
        lamp.poll(300, switch_on_counter=2 + turn, autonomous=False)
    assert lamp.told == []


def test_a_counter_that_is_repeated_from_its_last_reading_makes_no_command_a_cycle():
    lamp = Watched(every_s=1.0)
    for count in range(8):
        lamp.poll(100, 0, switch_on_counter=count)
        lamp.poll(45, 100, switch_on_counter=count)
        lamp.poll(100, 100, switch_on_counter=count + 1)
    assert lamp.told == []


def test_a_pole_that_leans_slowly_changed_its_orientation():
    lamp = Watched()
    lamp.poll(60)
    begun = lamp.at
    lamp.poll(300, change=lambda at: {"tilt_deg": 1.0 + min(9.0, (at - begun) / 20.0)})
    assert kinds(lamp.told) == [Kind.ORIENTATION_CHANGED]


def test_a_pole_that_is_hit_tells_the_blow_at_once():
    lamp = Watched()
    lamp.poll(60)
    assert kinds(lamp.poll(1, tilt_deg=15.0)) == [Kind.IMPACT_DETECTED]
    assert kinds(lamp.poll(70, tilt_deg=15.0)) == [Kind.ORIENTATION_CHANGED]
    assert kinds(lamp.poll(90)) == [Kind.ORIENTATION_CHANGED, Kind.IMPACT_DETECTED]
    assert lamp.open == set()


def test_a_pole_put_up_at_an_angle_is_judged_from_there():
    lamp = Watched(limits={"installed_tilt_deg": 9.0})
    lamp.poll(300, tilt_deg=10.0)
    assert lamp.told == []


def test_three_missed_polls_are_a_communication_failure_until_an_answer():
    lamp = Watched(every_s=5.0)
    lamp.poll(60)
    assert lamp.miss(10) == []
    (event,) = lamp.miss(5)
    assert event.kind is Kind.COMMUNICATION_FAILURE
    assert event.evidence == {"missed_polls": 3}
    assert lamp.miss(600) == []
    (over,) = lamp.poll(5)
    assert (over.start, over.end) == (event.start, lamp.at)


def test_a_poll_lost_now_and_then_is_no_failure():
    lamp = Watched()
    for _ in range(50):
        lamp.miss(2)
        lamp.poll(1)
    assert lamp.told == []


def test_a_silent_lamp_of_a_segment_without_power_lost_its_supply():
    lamp = Watched(every_s=5.0)
    lamp.poll(60)
    assert kinds(lamp.miss(600, segment_powered=False)) == [Kind.SUPPLY_LOSS]
    assert lamp.miss(10) == []
    back = lamp.miss(30)
    assert kinds(back) == [Kind.SUPPLY_LOSS, Kind.COMMUNICATION_FAILURE]
    assert back[0].end == back[1].start
    assert [event.end for event in lamp.poll(5)] == [lamp.at]


def test_a_lamp_is_given_its_time_to_warm_up_after_on_a_step_and_a_loss_of_supply():
    lamp = Watched(SODIUM, every_s=5.0)
    lamp.poll(60, 0)
    begun = lamp.at

    def warm(at: float) -> dict[str, float]:
        return {"active_power_w": 127.0 * min(1.0, 0.4 + 0.6 * (at - begun) / 240.0)}

    lamp.poll(900, change=warm)
    lamp.miss(20, segment_powered=False)
    begun = lamp.at
    lamp.poll(900, change=warm)
    assert kinds(lamp.told) == [Kind.SUPPLY_LOSS, Kind.SUPPLY_LOSS]


def test_a_ballast_in_a_long_sag_is_not_called_weak():
    lamp = Watched(SODIUM, every_s=5.0)
    lamp.poll(900)
    lamp.poll(3_600, supply_voltage_v=176.0, active_power_w=127.0 * (176 / 200) ** 2)
    assert lamp.told == []


@pytest.mark.parametrize("says", [30.0, 50.0])
def test_a_lamp_that_does_not_dim_so_low_stays_at_its_lowest_and_that_is_right(says):
    lamp = Watched(SODIUM, every_s=5.0)
    lamp.poll(900)
    lamp.poll(1_800, 30, active_power_w=68.0, actual_level=says, feedback_level=says)
    assert lamp.told == []
    lamp.poll(1_800, 30, active_power_w=127.0)
    assert Kind.DIMMING_FAILURE in lamp.open


def test_dips_of_less_than_a_minute_explain_all_that_happens_in_them():
    lamp = Watched()
    lamp.poll(120)
    for _ in range(20):
        lamp.poll(40, supply_voltage_v=120.0, active_power_w=2.0)
        lamp.poll(120)
    assert lamp.told == []


def test_a_ramp_is_no_wrong_level():
    lamp = Watched(every_s=2.0)
    lamp.poll(60, 0)
    begun = lamp.at

    def ramp(at: float) -> dict[str, float]:
        level = min(100.0, (at - begun) / 6.0)
        return {"actual_level": level, "active_power_w": 0.4 + level * 0.396}

    lamp.poll(900, change=ramp)
    assert lamp.told == []


def test_a_node_on_its_own_is_judged_by_what_it_follows():
    lamp = Watched()
    lamp.poll(60, 0)
    alone = {"feedback_level": 100.0, "actual_level": 100.0, "autonomous": True}
    lamp.poll(600, 0, active_power_w=40.0, **alone)
    assert lamp.told == []


def test_a_node_that_answers_and_stays_on_its_own_is_judged_by_what_it_was_told():
    lamp = Watched()
    lamp.poll(60, 0)
    alone = {"feedback_level": 0.0, "actual_level": 0.0, "autonomous": True}
    lamp.poll(600, active_power_w=0.4, **alone)
    assert lamp.told == []
    lamp.poll(1_200, active_power_w=0.4, **alone)
    assert lamp.open == {Kind.DIMMING_FAILURE}
    lamp.poll(60, autonomous=False)
    assert lamp.open == set()


def test_masked_readings_say_nothing_and_mend_nothing():
    lamp = Watched()
    lamp.poll(60)
    lamp.poll(120, active_power_w=0.4)
    lamp.poll(600, active_power_w=None, supply_voltage_v=None, power_factor=None)
    assert lamp.open == {Kind.LAMP_FAILURE}


def test_a_fault_of_the_night_is_not_over_because_the_lamp_is_off_by_day():
    lamp = Watched(every_s=30.0)
    lamp.poll(600)
    lamp.poll(600, active_power_w=0.4)
    lamp.poll(12 * 3600, 0)
    assert lamp.open == {Kind.LAMP_FAILURE}
    lamp.poll(600)
    assert lamp.open == set()


def test_open_faults_live_through_a_restart_of_the_watch():
    lamp = Watched()
    lamp.poll(60)
    lamp.poll(120, active_power_w=0.4)
    again = Watched(open_events=lamp.watch.open)
    assert again.poll(300, active_power_w=0.4) == []
    (over,) = again.poll(60)
    assert (over.kind, over.start) == (Kind.LAMP_FAILURE, lamp.told[0].start)


def test_silence_lives_through_a_restart_too():
    lamp = Watched()
    lamp.poll(60)
    lamp.miss(20)
    again = Watched(open_events=lamp.watch.open)
    assert again.miss(60) == []
    assert [event.kind for event in again.poll(1)] == [Kind.COMMUNICATION_FAILURE]


def test_a_limit_of_its_own_moves_where_a_fault_begins():
    assert kinds(Watched(limits={"temperature_c": 40}).poll(120, temperature_c=45.0)) == [
        Kind.TEMPERATURE_TOO_HIGH
    ]


def test_a_clock_that_jumps_ends_no_event_before_it_began():
    lamp = Watched()
    lamp.poll(60)
    lamp.poll(120, active_power_w=0.4)
    lamp.at -= 3_600.0
    over = lamp.poll(120)
    assert over[0].end == over[0].start
