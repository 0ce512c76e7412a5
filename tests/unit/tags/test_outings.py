"""When an outing opens, goes on and closes."""

from itertools import permutations

from gateway.model import Outing
from gateway.tags.outings import LONGEST_S, PAUSE_S, closed_at, joined


def spans(*times: tuple[float, float]) -> list[Outing]:
    return [Outing("t-1", since, until) for since, until in times]


def test_what_is_heard_after_a_short_pause_continues_the_outing() -> None:
    assert joined(spans((0, 100), (100 + PAUSE_S, 800))) == spans((0, 800))


def test_what_is_heard_after_a_long_pause_opens_another() -> None:
    apart = spans((0, 100), (100.5 + PAUSE_S, 800))
    assert joined(apart) == apart


def test_the_order_of_coming_does_not_matter() -> None:
    heard = spans((0, 50), (500, 600), (1_150, 1_150), (5_000, 5_010), (5_400, 5_400))
    for order in permutations(heard):
        assert joined(order) == spans((0, 1_150), (5_000, 5_400))


def test_what_is_within_an_outing_changes_nothing() -> None:
    assert joined(spans((0, 900), (30, 40), (0, 0), (900, 900))) == spans((0, 900))


def test_a_tag_that_is_heard_for_days_has_outings_of_half_a_day() -> None:
    outings: list[Outing] = []
    for second in range(0, 40 * 3_600, 300):
        outings = joined([*outings, *spans((second, second))])
    assert len(outings) == 4
    assert all(one.heard_until - one.opened_at <= LONGEST_S for one in outings)
    assert joined(outings) == outings


def test_what_is_told_again_across_the_cut_of_a_long_outing_is_told_once() -> None:
    cut = spans((0, LONGEST_S), (LONGEST_S + 5, LONGEST_S + 500))
    again = spans((LONGEST_S - 20, LONGEST_S - 20), (LONGEST_S + 30, LONGEST_S + 30))
    assert joined([*cut, *again]) == cut


def test_a_time_in_two_outings_too_long_to_be_one_is_left_to_the_earlier() -> None:
    found = joined(spans((0, LONGEST_S), (LONGEST_S - 100, LONGEST_S + 700)))
    assert found == spans((0, LONGEST_S), (LONGEST_S, LONGEST_S + 700))


def test_an_outing_closes_by_itself_at_the_time_when_the_tag_was_last_heard() -> None:
    (outing,) = spans((0, 100))
    assert closed_at(outing, now=100 + PAUSE_S) is None
    assert closed_at(outing, now=100.5 + PAUSE_S) == 100
