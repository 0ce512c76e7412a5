"""Until when an edge has listened, across lost brokers, restarts and clocks that are set."""

from gateway.app.listened import Listened
from gateway.model import Gap

NOW = 1_800_000_000.0
HOUR_S = 3_600.0


def test_windows_without_a_hole_have_no_gap_between_them() -> None:
    listened = Listened(None, known=True)
    assert [listened.window(NOW + n, NOW + n + 1) for n in range(3)] == [None] * 3
    assert listened.gaps() == []


def test_a_hole_between_windows_is_a_gap() -> None:
    listened = Listened(NOW - 60, known=True)
    assert listened.window(NOW, NOW + 1) == Gap(NOW - 60, NOW, "restart")
    assert listened.window(NOW + 4, NOW + 5) == Gap(NOW + 1, NOW + 4, "no_receiver")


def test_a_lost_broker_is_one_gap_and_told_once() -> None:
    listened = Listened(NOW, known=True)
    listened.lost(NOW + 1.2)
    listened.reached(NOW + 5.5, has_remote=True)
    assert listened.gaps() == [Gap(NOW + 1, NOW + 6, "broker_lost")]
    assert listened.gaps() == []
    assert listened.window(NOW + 6, NOW + 7) is None


def test_a_lost_broker_is_no_gap_where_all_receivers_are_local() -> None:
    listened = Listened(NOW, known=True)
    listened.lost(NOW + 1.2)
    listened.reached(NOW + 5.5, has_remote=False)
    assert listened.gaps() == []


def test_whatever_the_clock_is_set_to_there_is_no_gap_where_nothing_was_missed() -> None:
    for by_s in (HOUR_S, -HOUR_S, 0.4, -0.4, 1e9):
        listened = Listened(None, known=True)
        listened.window(NOW, NOW + 1)
        listened.moved(by_s, known=True)
        assert listened.window(float(int(NOW + 1 + by_s)), NOW + 2 + by_s) is None
        assert listened.gaps() == []


def test_a_gap_that_was_not_yet_told_when_the_clock_was_set_is_moved_with_it() -> None:
    listened = Listened(NOW, known=True)
    listened.lost(NOW + 1)
    listened.moved(HOUR_S, known=True)
    listened.reached(NOW + HOUR_S + 5, has_remote=True)
    listened.moved(-HOUR_S, known=True)
    assert listened.gaps() == [Gap(NOW + 1, NOW + 5, "broker_lost")]


def test_the_gap_since_the_process_before_waits_until_both_its_ends_go_by_one_clock() -> None:
    listened = Listened(NOW, known=False)
    listened.reached(30.0, has_remote=True)
    assert listened.window(40.0, 41.0) is None
    listened.moved(5.0, known=False)
    assert listened.gaps() == []
    listened.moved(NOW + 100.0, known=True)
    assert listened.gaps() == [Gap(NOW, NOW + 145, "restart")]


def test_a_time_before_that_was_ahead_of_the_true_one_makes_no_gap_that_ends_before_it_began() -> (
    None
):
    listened = Listened(NOW + HOUR_S, known=False)
    listened.window(40.0, 41.0)
    listened.moved(NOW, known=True)
    assert listened.gaps() == []


def test_a_lost_heartbeat_is_a_gap_from_a_time_that_only_the_hub_can_know() -> None:
    listened = Listened(0.0, known=True)
    listened.moved(HOUR_S, known=True)
    listened.reached(NOW + 0.5, has_remote=True)
    listened.moved(HOUR_S, known=True)
    assert listened.gaps() == [Gap(0.0, NOW + 1 + HOUR_S, "restart")]
    local = Listened(0.0, known=True)
    assert local.window(NOW, NOW + 1) == Gap(0.0, NOW, "restart")
    unset = Listened(0.0, known=False)
    unset.window(40.0, 41.0)
    unset.moved(NOW, known=True)
    assert unset.gaps() == [Gap(0.0, NOW + 40, "restart")]


def test_remote_receivers_are_deaf_until_the_broker_is_first_reached() -> None:
    """Local ones may have been heard meanwhile."""
    listened = Listened(NOW - 60, known=True)
    assert listened.window(NOW, NOW + 1) == Gap(NOW - 60, NOW, "restart")
    assert listened.window(NOW + 1, NOW + 2) is None
    listened.reached(NOW + 1.5, has_remote=True)
    assert listened.gaps() == [Gap(NOW - 60, NOW + 2, "restart")]


def test_a_broker_first_reached_before_the_time_was_known_ends_the_gap() -> None:
    listened = Listened(NOW, known=False)
    listened.window(40.0, 41.0)
    listened.reached(70.0, has_remote=True)
    listened.window(41.0, 42.0)
    listened.moved(NOW + 100, known=True)
    assert listened.gaps() == [Gap(NOW, NOW + 170, "restart")]


def test_a_broker_first_reached_after_the_time_was_known_ends_the_gap_of_its_receivers() -> None:
    listened = Listened(NOW, known=False)
    listened.window(40.0, 41.0)
    listened.moved(NOW + 100, known=True)
    listened.reached(NOW + 200, has_remote=True)
    assert listened.gaps() == [
        Gap(NOW, NOW + 140, "restart"),
        Gap(NOW, NOW + 200, "restart"),
    ]
