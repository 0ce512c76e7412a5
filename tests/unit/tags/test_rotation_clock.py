"""The interval of a tag's clock: always around the truth, whatever was heard, in any order."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import Doubt
from gateway.tags.rotation_clock import (
    DRIFT,
    MOST_OTHERS,
    QUIET_S,
    REGISTERED_S,
    SLACK_S,
    Ahead,
    Change,
    TagClock,
)

ZERO = 1_790_000_000.0
SLOT_S = 1024
DAY_S = 86_400.0
EDGES_OFF_S = 30.0


class Truth:
    """A clock whose drift changes from day to day, never beyond 150 ppm."""

    def __init__(self, ppm: list[float], *, registered_off_s: float) -> None:
        self._ppm, self._off_s = ppm, registered_off_s

    def ahead_s(self, at: float) -> float:
        ahead_s, left_s = self._off_s, at - ZERO
        for ppm in self._ppm:
            ahead_s += min(left_s, DAY_S) * ppm * 1e-6
            left_s -= min(left_s, DAY_S)
        return ahead_s

    def slot(self, at: float) -> int:
        return int(at - ZERO + self.ahead_s(at)) // SLOT_S * SLOT_S


def known(at: float = ZERO, *, half_s: float = REGISTERED_S, reached: int = -1) -> TagClock:
    return TagClock(ZERO, SLOT_S, Ahead(-half_s, half_s, at), reached)


def heard_for(clock: TagClock, since: float, duration_s: float, *, ahead_s: float = 0.0) -> None:
    for second in range(0, int(duration_s), 5):
        hear(clock, since + second, ahead_s=ahead_s)


def hear(clock: TagClock, at: float, *, ahead_s: float = 0.0) -> tuple[Doubt | None, Change | None]:
    return clock.hear(int(at - ZERO + ahead_s) // SLOT_S * SLOT_S, at)


@settings(max_examples=60, deadline=None)
@given(
    ppm=st.lists(st.floats(-150, 150), min_size=40, max_size=40),
    registered_off_s=st.floats(-REGISTERED_S, REGISTERED_S),
    bursts=st.lists(st.integers(0, 39 * 24), min_size=1, max_size=12),
    seed=st.integers(0, 2**32),
)
def test_the_truth_is_inside_whatever_was_heard_in_whatever_order(
    ppm: list[float], registered_off_s: float, bursts: list[int], seed: int
) -> None:
    truth, rng = Truth(ppm, registered_off_s=registered_off_s), random.Random(seed)
    clock = known()
    for hour in bursts:  # not sorted: much comes late
        for _ in range(10):
            at = ZERO + hour * 3600.0 + rng.uniform(0, 1800)
            stamped = at + rng.choice((-EDGES_OFF_S, EDGES_OFF_S, rng.uniform(-30, 30)))
            assert clock.hear(truth.slot(at), stamped)[0] is None
            for when in (ZERO, at, stamped, clock.ahead.at, ZERO + 40 * DAY_S):
                inside = clock.ahead.by(when)
                assert inside.lo_s - 1e-6 <= truth.ahead_s(when) <= inside.hi_s + 1e-6


def test_a_clock_heard_at_the_edges_of_slots_is_known_to_the_slack() -> None:
    clock = known(half_s=2_000.0)
    heard_for(clock, ZERO + 1e6, 2 * SLOT_S)
    assert clock.ahead.hi_s - clock.ahead.lo_s < 2 * SLACK_S + 10.0


def test_between_hearings_the_interval_widens_by_the_drift() -> None:
    later = Ahead(-1.0, 1.0, ZERO).by(ZERO + DAY_S)
    assert later.hi_s == 1.0 + DAY_S * DRIFT
    assert 12.9 < later.hi_s - 1.0 < 13.0
    assert Ahead(-1.0, 1.0, ZERO).by(ZERO - DAY_S).hi_s == later.hi_s


def test_the_same_hearing_again_changes_nothing() -> None:
    clock = known()
    heard_for(clock, ZERO + DAY_S, 3_000)
    at = ZERO + DAY_S + 3_600
    first = hear(clock, at, ahead_s=-5_000.0), clock.ahead, clock.reached, len(clock.others)
    again = hear(clock, at, ahead_s=-5_000.0), clock.ahead, clock.reached, len(clock.others)
    assert first[1:] == again[1:]
    assert first[0][0] == again[0][0] == Doubt.PROVISIONAL
    assert again[0][1] is None


def test_a_replay_is_taken_for_a_minute_after_its_slot_and_no_longer() -> None:
    clock = known()
    heard_for(clock, ZERO + DAY_S, 2 * SLOT_S)
    slot = clock.reached
    ends_at = ZERO + slot + SLOT_S
    heard_for(clock, ends_at - 200.0, 200)
    assert clock.hear(slot, ends_at + 2 * SLACK_S + 10.0)[0] is Doubt.CLOSED_SLOT
    assert clock.hear(slot, ends_at + SLACK_S - 1.0)[0] is None


def test_a_slot_before_its_time_is_doubted_too() -> None:
    clock = known()
    heard_for(clock, ZERO + DAY_S, 2 * SLOT_S)
    at = ZERO + DAY_S + 2 * SLOT_S
    assert hear(clock, at, ahead_s=3 * SLOT_S) == (Doubt.PROVISIONAL, Change.PROVISIONAL)
    assert hear(clock, at + 1)[0] is None
    heard_for(clock, at, 4 * SLOT_S)  # the slot comes in its time: so the other clock never was
    assert clock.others == []
    assert clock.formers == []


def test_a_clock_that_drifts_twice_as_fast_as_it_may_is_followed_all_the_same() -> None:
    clock, doubted = known(), 0
    for second in range(0, 20 * 86_400, 20):
        at = ZERO + DAY_S + second
        doubt, _ = hear(clock, at, ahead_s=-300e-6 * second)
        doubted += doubt is not None
    assert doubted * 20 < 20 * 60  # less than a minute a day
    assert clock.ahead.by(at).lo_s <= -300e-6 * second + SLACK_S


def test_a_clock_put_back_by_less_than_a_slot_is_followed_within_a_slot() -> None:
    clock = known()
    heard_for(clock, ZERO + DAY_S, 2 * SLOT_S)
    back_at = ZERO + DAY_S + 2 * SLOT_S + 60
    doubts = [
        (second, hear(clock, back_at + second, ahead_s=-500.0)[0])
        for second in range(0, 8 * SLOT_S, 5)
    ]
    aside = [second for second, doubt in doubts if doubt is Doubt.CLOSED_SLOT]
    assert len(aside) * 5 <= QUIET_S + 10
    assert doubts[-1][1] is None


def test_a_clock_that_was_set_forward_is_used_at_once_and_believed_after_two_slots() -> None:
    clock = known()
    heard_for(clock, ZERO + DAY_S, 2 * SLOT_S)
    since = ZERO + DAY_S + 2 * SLOT_S + 30
    thoughts = [hear(clock, since + second, ahead_s=7_200.0) for second in range(0, 3 * SLOT_S, 5)]
    assert {doubt for doubt, _ in thoughts} == {Doubt.PROVISIONAL, None}
    assert sum(change is Change.ADOPTED for _, change in thoughts) == 1
    assert thoughts[-1][0] is None


def test_a_recording_that_ends_in_the_slot_after_we_lost_the_tag_is_not_believed() -> None:
    """Who walks behind the tag gets one slot more than the last receiver of a street."""
    clock = known()
    heard_for(clock, ZERO + DAY_S, 2 * SLOT_S)
    late_s, one_more = 20_000.0, clock.reached + SLOT_S
    for second in range(0, 4 * SLOT_S, 5):
        at = ZERO + DAY_S + second + late_s
        slot = int(at - ZERO - late_s) // SLOT_S * SLOT_S
        if slot <= one_more:
            assert clock.hear(slot, at)[0] is Doubt.PROVISIONAL
    assert clock.formers == []
    assert clock.hear(one_more + SLOT_S, ZERO + one_more + SLOT_S + late_s + 1)[1] is Change.ADOPTED


def test_one_edge_whose_clock_is_hours_behind_moves_no_clock() -> None:
    clock = known()
    heard_for(clock, ZERO + DAY_S, 2 * SLOT_S)
    before = clock.ahead
    for second in range(2 * SLOT_S, 12 * SLOT_S, 5):
        at = ZERO + DAY_S + second
        slot = int(at - ZERO) // SLOT_S * SLOT_S
        clock.hear(slot, at - 7_200.0)
        assert clock.hear(slot, at)[0] is None
    assert clock.formers == []
    assert abs(clock.ahead.hi_s - before.hi_s) < 5.0


def test_an_attackers_many_shifts_are_bounded() -> None:
    clock = known()
    heard_for(clock, ZERO + 5 * DAY_S, 2 * SLOT_S)
    at = ZERO + 5 * DAY_S + 40_000
    for shift in range(1, 60):
        doubt, _ = hear(clock, at + shift, ahead_s=-1_500.0 * shift)
        assert doubt is Doubt.PROVISIONAL
    assert len(clock.others) == MOST_OTHERS
    assert hear(clock, at + 100)[0] is None
    assert clock.others == []


def test_a_backlog_takes_back_what_was_adopted_before_it_came() -> None:
    """Recordings of a day that we have not got yet look like a changed battery, until we have."""
    clock = known()
    heard_for(clock, ZERO + DAY_S, 2 * SLOT_S)
    day, late_s = ZERO + 2 * DAY_S, 40_000.0
    heard_for(clock, day + late_s, 4 * SLOT_S, ahead_s=-late_s)
    assert len(clock.formers) == 1
    thoughts = [hear(clock, day + second) for second in range(0, 4 * SLOT_S, 30)]
    assert {doubt for doubt, _ in thoughts} == {None}
    assert [change for _, change in thoughts if change] == [Change.TAKEN_BACK] + [
        Change.NEW_SLOT
    ] * sum(change is Change.NEW_SLOT for _, change in thoughts)
    assert clock.taken_back_since == day + late_s
    assert hear(clock, day + late_s + 5 * SLOT_S, ahead_s=-late_s)[0] is Doubt.PROVISIONAL
    assert hear(clock, day + late_s + 5 * SLOT_S)[0] is None


def test_the_tags_own_word_between_recordings_takes_them_back_however_late_it_comes() -> None:
    clock = known()
    heard_for(clock, ZERO + DAY_S, 2 * SLOT_S)
    since, late_s = ZERO + 2 * DAY_S, 40_000.0
    heard_for(clock, since, 8 * SLOT_S, ahead_s=-late_s)
    assert len(clock.formers) == 1
    assert hear(clock, since + 3 * SLOT_S) == (None, Change.TAKEN_BACK)
    assert hear(clock, since + 8 * SLOT_S + 5)[0] is None


def test_a_late_hearing_that_no_recording_of_its_time_can_be_is_used_and_flagged() -> None:
    clock = known(ZERO + 5 * DAY_S, half_s=SLACK_S)
    heard_for(clock, ZERO + 5 * DAY_S, 2 * SLOT_S, ahead_s=0.0)
    ahead_of_it = hear(clock, ZERO + 4 * DAY_S, ahead_s=20_000.0)
    behind_it = hear(clock, ZERO + 4 * DAY_S, ahead_s=-20_000.0)
    assert ahead_of_it == (Doubt.PROVISIONAL, None)
    assert behind_it == (Doubt.CLOSED_SLOT, None)


def test_a_former_clock_is_forgotten_before_it_fits_everything() -> None:
    clock = known()
    heard_for(clock, ZERO + DAY_S, 2 * SLOT_S)
    heard_for(clock, ZERO + 2 * DAY_S, 4 * SLOT_S, ahead_s=-3_000.0)
    later = ZERO + 80 * DAY_S
    heard_for(clock, later, 4 * SLOT_S, ahead_s=-3_000.0)
    assert hear(clock, later + 4 * SLOT_S)[0] is Doubt.PROVISIONAL
    assert len(clock.formers) == 1


def test_what_was_heard_before_a_battery_change_and_comes_after_it_is_the_tags() -> None:
    clock = known()
    heard_for(clock, ZERO + DAY_S, 2 * SLOT_S)
    changed_at = ZERO + DAY_S + 10_000
    heard_for(clock, changed_at, 20_000, ahead_s=-6_000.0)
    assert len(clock.formers) == 1
    now = clock.ahead
    assert hear(clock, ZERO + DAY_S + 5_000) == (None, None)
    assert clock.ahead == now
