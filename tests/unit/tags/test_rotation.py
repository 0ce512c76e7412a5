"""Whose a rotating identifier is, from the outside: tags whose clocks we know, and their slots."""

from collections.abc import Iterable

import pytest

from gateway.model import Doubt
from gateway.tags import eid
from gateway.tags.rotation import Heard, RotatingKey, Rotation

ZERO = 1_790_000_000.0
NOW = ZERO + 40_000_000.0
SLOT_S = 1024
HOUR_S = 3_600.0


def key(number: int = 0, exponent: int = 10) -> RotatingKey:
    return RotatingKey(f"t-{number}", number.to_bytes(16, "big"), exponent, ZERO)


def sent(tag: RotatingKey, at: float, *, ahead_s: float = 0.0) -> str:
    time = int(at - tag.zero_at + ahead_s)
    return f"eid:{eid.eid(tag.identity_key, exponent=tag.exponent, beacon_time=time).hex()}"


def settled(*keys: RotatingKey, at: float = NOW) -> Rotation:
    """Tags heard for an hour before `at`."""
    rotation = Rotation(keys)
    rotation.prepare(at - HOUR_S)
    for tag in keys:
        for second in range(0, int(HOUR_S) + 1, 10):
            listen(rotation, tag, at - HOUR_S + second)
    return rotation


def listen(
    rotation: Rotation, tag: RotatingKey, at: float, *, ahead_s: float = 0.0
) -> Heard | None:
    """Hear what `tag` sends, and let the worker thread do what is due."""
    if rotation.due(at):
        rotation.prepare(at)
    heard = rotation.hear(sent(tag, at, ahead_s=ahead_s), at)
    work(rotation, at)
    return heard


def work(rotation: Rotation, at: float) -> tuple[tuple[str, float], ...]:
    if rotation.due(at):
        rotation.prepare(at)
    return rotation.search(at) if rotation.wants_search(at) else ()


def doubts(heard: Iterable[Heard | None]) -> set[Doubt | None]:
    return {one.doubt for one in heard if one is not None}


def sure(tag: RotatingKey) -> Heard:
    return Heard(tag.tag, use=True, doubt=None)


def test_tags_are_known_by_what_they_send_now() -> None:
    tags = [key(number) for number in range(20)]
    rotation = settled(*tags)
    for tag in tags:
        assert rotation.hear(sent(tag, NOW + 5), NOW + 5) == sure(tag)


def test_a_strangers_identifier_is_nobodys() -> None:
    rotation = settled(key(1))
    assert rotation.hear("eid:0011223344556677", NOW) is None
    assert rotation.hear("eid:not even hex", NOW) is None
    assert rotation.search(NOW + 60) == ()


def test_a_slot_that_is_over_is_put_aside() -> None:
    tag = key(1)
    rotation = settled(tag)
    for late_s in (SLOT_S + 100, 2 * SLOT_S):
        heard = rotation.hear(sent(tag, NOW - late_s), NOW)
        assert heard == Heard(tag.tag, use=False, doubt=Doubt.CLOSED_SLOT)
    assert listen(rotation, tag, NOW + 1) == sure(tag)


def test_a_replay_from_yesterday_is_put_aside_while_the_tag_is_heard() -> None:
    tag = key(1)
    rotation = settled(tag)
    recorded = sent(tag, NOW - 12 * HOUR_S)
    assert rotation.hear(recorded, NOW) is None
    assert rotation.search(NOW + 31) == ((recorded, NOW),)
    listen(rotation, tag, NOW + 31)
    again = rotation.hear(recorded, NOW + 32)
    assert again == Heard(tag.tag, use=False, doubt=Doubt.CLOSED_SLOT)


def test_a_clock_put_back_is_provisional_until_it_says_what_nobody_can_have_recorded() -> None:
    tag = key(1)
    rotation = settled(tag)
    back_s = 9 * HOUR_S
    since = NOW + 6 * HOUR_S  # where no receiver is; there, it has got a new battery
    heard = [
        (second, listen(rotation, tag, since + second, ahead_s=-back_s))
        for second in range(0, int(6 * HOUR_S), 10)
    ]
    lost = [second for second, one in heard if one is None]
    assert max(lost, default=0) <= 60
    assert all(one.use for _, one in heard if one is not None)
    provisional = [second for second, one in heard if one and one.doubt is Doubt.PROVISIONAL]
    assert since + max(provisional) == pytest.approx(NOW + back_s, abs=2.1 * SLOT_S)
    assert rotation.counts["adopted"] == 1


def test_a_recorded_morning_played_in_the_evening_never_becomes_the_tag() -> None:
    tag = key(1)
    rotation = settled(tag)
    late_s = 12 * HOUR_S
    for second in range(0, 3 * SLOT_S, 10):  # the last hour before the tag went out of reach
        at = NOW - HOUR_S + late_s + second
        heard = listen(rotation, tag, at, ahead_s=-late_s) if second < HOUR_S else None
        assert heard is None or heard.doubt is Doubt.PROVISIONAL
    assert rotation.counts["adopted"] == 0
    assert listen(rotation, tag, NOW + 16 * HOUR_S) == sure(tag)


def test_a_stolen_clock_is_given_back_at_the_first_word_of_the_tag() -> None:
    """Who records the tag where no receiver is can play a way that we do not doubt, until then."""
    tag = key(1)
    rotation = settled(tag)
    late_s = 6 * HOUR_S
    since = NOW + HOUR_S + late_s  # recorded from an hour after the tag was last heard
    for second in range(0, 3 * SLOT_S, 10):
        listen(rotation, tag, since + second, ahead_s=-late_s)
    assert rotation.counts["adopted"] == 1
    at = since + 3 * SLOT_S
    assert listen(rotation, tag, at) == sure(tag)
    ((name, began, ended),) = rotation.taken_back()
    assert (name, ended) == (tag.tag, at)
    assert began == pytest.approx(since, abs=60)
    listen(rotation, tag, at + 31, ahead_s=-late_s)
    played = listen(rotation, tag, at + 32, ahead_s=-late_s)
    assert played == Heard(tag.tag, use=False, doubt=Doubt.CLOSED_SLOT)


def test_what_comes_hours_late_is_judged_by_its_own_time() -> None:
    tag = key(1)
    rotation = settled(tag)
    before = rotation.beacon_times(tag.tag, NOW)
    for number, late_s in enumerate((5 * HOUR_S, 30 * HOUR_S, 5 * 24 * HOUR_S), 1):
        late = (sent(tag, NOW - late_s), NOW - late_s)
        assert rotation.hear(*late) is None
        assert rotation.search(NOW + 30 * number) == (late,)
        assert rotation.hear(*late) == sure(tag)
    assert rotation.beacon_times(tag.tag, NOW) == before
    assert listen(rotation, tag, NOW + 1) == sure(tag)


def test_a_backlog_makes_no_tables_and_is_found_by_one_search() -> None:
    tag = key(1)
    rotation = settled(tag)
    made = rotation.counts["tables"]
    late = [(sent(tag, NOW - hour * HOUR_S), NOW - hour * HOUR_S) for hour in range(4, 24)]
    assert [rotation.hear(*one) for one in late] == [None] * len(late)
    assert set(rotation.search(NOW + 30)) == set(late)
    assert [rotation.hear(*one) for one in late] == [sure(tag)] * len(late)
    assert rotation.counts["tables"] == made


def test_a_backlog_with_a_recording_in_it_is_found_by_the_tags_own_time() -> None:
    tag = key(1)
    rotation = settled(tag)
    own_at = NOW - 9 * HOUR_S
    for at in (own_at + 2 * HOUR_S, own_at, own_at + 3 * HOUR_S):
        assert rotation.hear(sent(tag, own_at), at) is None
    assert rotation.search(NOW + 30) == ((sent(tag, own_at), own_at),)


def test_what_is_some_minutes_late_is_known_at_once() -> None:
    tag = key(1)
    rotation = settled(tag)
    rotation.prepare(NOW)
    for late_s in range(0, 3_000, 100):
        assert rotation.hear(sent(tag, NOW - late_s), NOW - late_s) == sure(tag)


def test_clocks_survive_a_restart() -> None:
    tag = key(1)
    drifted_s = 5_000.0  # in a year and more
    rotation = Rotation([tag])
    for second in range(0, 3 * SLOT_S, 10):
        listen(rotation, tag, NOW + second, ahead_s=drifted_s)
    kept = {state.tag: state for state in rotation.changed_clocks()}
    assert rotation.changed_clocks() == ()
    again = Rotation([tag], kept.values())
    at = NOW + 4 * SLOT_S
    again.prepare(at)
    assert again.hear(sent(tag, at, ahead_s=drifted_s), at) == sure(tag)


def test_a_change_of_the_registry_keeps_the_clocks_of_others() -> None:
    tag, other, gone = key(1), key(2), key(3)
    rotation = settled(tag, gone)
    rotation.replace([tag, other])
    work(rotation, NOW)
    assert rotation.hear(sent(tag, NOW - 2 * SLOT_S), NOW) == Heard(
        tag.tag, use=False, doubt=Doubt.CLOSED_SLOT
    )
    assert rotation.hear(sent(other, NOW), NOW) == sure(other)
    assert rotation.hear(sent(gone, NOW), NOW) is None


def test_the_clock_of_a_tag_heard_lately_is_known_to_a_slot() -> None:
    tag = key(1)
    rotation = settled(tag)
    (shown,) = rotation.beacon_times(tag.tag, NOW + 300)
    assert shown == pytest.approx(NOW + 300 - ZERO, abs=40)
    assert rotation.beacon_times("t-9", NOW) == ()


def test_near_the_end_of_a_slot_the_likelier_one_comes_first() -> None:
    tag = key(1)
    rotation = settled(tag)
    ends_s = (int(NOW - ZERO) // SLOT_S + 1) * SLOT_S
    just_before, just_after = (
        [time // SLOT_S for time in rotation.beacon_times(tag.tag, ZERO + ends_s + past_s)]
        for past_s in (-12, 12)
    )
    assert just_before == [ends_s // SLOT_S - 1, ends_s // SLOT_S]
    assert just_after == [ends_s // SLOT_S, ends_s // SLOT_S - 1]


@pytest.mark.parametrize("exponent", [0, 4, 9, 12, 15])
def test_tags_may_rotate_faster_or_slower(exponent: int) -> None:
    tag = key(1, exponent)
    rotation = settled(tag)
    assert rotation.hear(sent(tag, NOW + 40), NOW + 40) == sure(tag)


def test_strangers_do_not_fill_the_memory() -> None:
    rotation = settled(key(1))
    for number in range(40_000):
        rotation.hear(f"eid:{number:016x}", NOW)
    assert rotation.counts["unknown_dropped"] >= 20_000
    assert rotation.search(NOW + 60) == ()


def test_a_search_for_what_was_heard_years_ago_has_bounds() -> None:
    tag = key(1)
    rotation = settled(tag)
    assert rotation.hear("eid:0011223344556677", ZERO - 1e9) is None
    assert rotation.search(NOW + 30) == ()
    assert rotation.hear(sent(tag, NOW), NOW) == sure(tag)


def test_keys_are_not_shown() -> None:
    assert "identity_key" not in repr(key(1))
