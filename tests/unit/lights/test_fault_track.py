from gateway.lamps import LampEvent
from gateway.lamps import LampEventKind as Kind
from gateway.lights.fault_track import LONGEST_STEP_S, STALE_S, Track


def judge(track: Track, verdict: bool | None, at: float, *, evidence: float = 0.0):
    return track.judge(
        verdict, at, for_s=10.0, clear_for_s=20.0, evidence={"active_power_w": evidence}
    )


def test_it_begins_where_it_was_first_seen_with_the_evidence_of_then():
    track = Track("l-1", Kind.LAMP_FAILURE)
    assert judge(track, True, 100.0, evidence=1.0) is None
    assert judge(track, True, 109.0, evidence=2.0) is None
    event = judge(track, True, 110.0, evidence=3.0)
    assert event == LampEvent("l-1", Kind.LAMP_FAILURE, 100.0, {"active_power_w": 1.0})
    assert judge(track, True, 111.0) is None


def test_it_ends_where_it_was_first_seen_gone():
    track = Track("l-1", Kind.LAMP_FAILURE, LampEvent("l-1", Kind.LAMP_FAILURE, 5.0, {}))
    assert judge(track, False, 100.0) is None
    event = judge(track, False, 120.0)
    assert (event.start, event.end) == (5.0, 100.0)
    assert track.event is None


def test_one_reading_that_says_otherwise_begins_the_count_anew():
    track = Track("l-1", Kind.LAMP_FAILURE)
    judge(track, True, 100.0)
    judge(track, False, 105.0)
    judge(track, True, 106.0)
    assert judge(track, True, 112.0) is None
    assert judge(track, True, 116.0).start == 106.0


def test_readings_that_cannot_say_are_left_out_of_the_time():
    track = Track("l-1", Kind.LAMP_FAILURE)
    judge(track, True, 100.0)
    judge(track, None, 101.0)
    assert judge(track, True, 120.0) is None
    assert judge(track, True, 129.0) is None
    assert judge(track, True, 130.0).start == 100.0


def test_what_was_half_seen_long_ago_is_forgotten():
    track = Track("l-1", Kind.LAMP_FAILURE)
    judge(track, True, 100.0)
    judge(track, None, 101.0)
    later = 102.0 + STALE_S
    assert judge(track, True, later) is None
    assert judge(track, True, later + 10.0).start == later


def test_a_gap_between_two_readings_counts_as_no_more_than_a_slow_round():
    track = Track("l-1", Kind.LAMP_FAILURE)
    long_s = 2 * LONGEST_STEP_S
    track.judge(True, 100.0, for_s=long_s, clear_for_s=0.0, evidence={})
    assert track.judge(True, 2_000.0, for_s=long_s, clear_for_s=0.0, evidence={}) is None
