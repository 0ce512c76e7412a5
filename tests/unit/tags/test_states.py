from collections.abc import Mapping

from gateway.model import TagState
from gateway.tags.states import CHANGE_EVERY_S, EVERY_S, MOST_WAITING, PERCENT_STEP, TagStates


def state(
    values: Mapping[str, float], *, identifier: str = "uid:a:b", sealed: str = ""
) -> TagState:
    return TagState(0.0, "r-1", identifier, values, sealed)


def told(states: TagStates, values: Mapping[str, float], now: float) -> list[Mapping[str, float]]:
    """What is told when a known tag says `values`, and the second ends."""
    states.hear(state(values), known=True, now=now)
    return [one.values for one in states.due(now)]


def test_what_does_not_change_is_told_every_ten_minutes() -> None:
    states = TagStates()
    times = [now for now in range(0, 3_600, 10) if told(states, {"battery_v": 3.0}, float(now))]
    assert times == [0, 600, 1200, 1800, 2400, 3000]


def test_a_value_that_drifts_waits_for_its_turn() -> None:
    states = TagStates()
    assert told(states, {"temperature_c": 20.0}, 0.0)
    assert not told(states, {"temperature_c": 29.0}, 300.0)
    assert told(states, {"temperature_c": 21.0}, EVERY_S)


def test_a_flag_that_turns_is_told_at_once() -> None:
    states = TagStates()
    assert told(states, {"opening": 0.0}, 0.0)
    assert told(states, {"opening": 1.0}, 60.0) == [{"opening": 1.0}]
    assert not told(states, {"opening": 1.0}, 120.0)


def test_a_percentage_is_told_when_it_moved_by_a_step() -> None:
    states = TagStates()
    assert told(states, {"battery_percent": 80.0}, 0.0)
    assert not told(states, {"battery_percent": 80.0 - PERCENT_STEP + 1}, 60.0)
    assert told(states, {"battery_percent": 80.0 - PERCENT_STEP}, 70.0)


def test_a_door_that_opens_and_closes_at_once_is_told_closed_in_the_end() -> None:
    states = TagStates()
    told(states, {"opening": 0.0}, 0.0)
    assert told(states, {"opening": 1.0}, 100.0)
    assert not told(states, {"opening": 0.0}, 101.0)
    assert [one.values for one in states.due(100.0 + CHANGE_EVERY_S)] == [{"opening": 0.0}]
    assert states.due(200.0) == []


def test_frames_with_different_values_are_told_each_and_joined_while_they_wait() -> None:
    states = TagStates()
    states.hear(state({"opening": 0.0}), known=True, now=0.0)
    states.hear(state({"battery_percent": 90.0}), known=True, now=0.1)
    assert [one.values for one in states.due(1.0)] == [{"opening": 0.0, "battery_percent": 90.0}]
    assert told(states, {"motion": 1.0}, 2.0) == [{"motion": 1.0}]
    assert not told(states, {"opening": 0.0}, 3.0)


def test_an_encrypted_state_is_told_every_ten_minutes_though_its_bytes_always_change() -> None:
    states = TagStates()
    times = []
    for now in range(0, 1_800, 10):
        states.hear(state({}, sealed=f"2001{now:04x}"), known=True, now=float(now))
        times += [now for one in states.due(float(now)) if one.sealed == f"2001{now:04x}"]
    assert times == [0, 600, 1200]


def test_who_is_not_known_must_come_twice() -> None:
    states = TagStates()
    states.hear(state({"battery_v": 3.0}), known=False, now=0.0)
    assert states.due(0.5) == []
    states.hear(state({"battery_v": 3.0}), known=False, now=10.0)
    assert len(states.due(10.5)) == 1


def test_a_crowd_that_tells_its_state_is_bounded_and_counted() -> None:
    states = TagStates()
    for number in range(MOST_WAITING + 50):
        states.hear(state({"battery_v": 3.0}, identifier=str(number)), known=True, now=0.0)
    assert states.counts == {"states_full": 50}
    assert len(states.due(0.0)) == MOST_WAITING
