"""How rows of a store that may go back are numbered."""

from gateway.clock import ClockSetting
from gateway.epochs import NO_BASES, Before, CaptureClock, Epochs
from gateway.model import Lane

EARLY, LATE = ClockSetting("boot", 40.0, known=False), ClockSetting("boot", 100.0)
OTHER = ClockSetting("other boot", 7.0)


def bases(live: int, urgent: int = 0) -> dict[Lane, int]:
    return {Lane.URGENT: urgent, Lane.LIVE: live, Lane.BACKLOG: 0}


def epochs(*begun: tuple[int, ClockSetting]) -> Epochs:
    """One epoch after so many live rows, under a setting, and so on."""
    made = Epochs([])
    for live, setting in begun:
        made = made.begun(bases=bases(live), setting=setting)
    return made


def test_a_row_is_of_the_last_epoch_that_began_before_it() -> None:
    two = epochs((0, EARLY), (10, LATE))
    first, second = two.all
    assert [two.of(Lane.LIVE, number) for number in (1, 10, 11)] == [first, first, second]


def test_a_receipt_reaches_to_its_epochs_end_and_no_further() -> None:
    two = epochs((0, EARLY), (10, LATE))
    first, second = (epoch.name for epoch in two.all)
    assert two.reach((first, Lane.LIVE, 4)) == (0, 4)
    assert two.reach((first, Lane.LIVE, 70)) == (0, 10)
    assert two.reach((second, Lane.LIVE, 3)) == (10, 13)
    assert two.reach(("strange", Lane.LIVE, 3)) is None


def test_an_epoch_without_rows_gives_its_place_to_the_next_under_another_name() -> None:
    """Also a file that went back to where it had none: its name is not used again."""
    two = epochs((0, EARLY), (10, LATE))
    again = two.begun(bases=bases(10), setting=OTHER)
    assert [one.name for one in again.all][:-1] == [two.all[0].name]
    assert again.newest.name != two.newest.name
    assert again.newest.before == {Lane.LIVE: Before(two.all[0].name, 10)}


def test_only_a_stores_first_epoch_is_first_also_where_it_counts_on() -> None:
    again = Epochs([]).begun(bases=bases(500), setting=LATE)
    assert again.newest.is_first
    assert not again.begun(bases=bases(501), setting=LATE).newest.is_first


def test_an_epoch_is_first_also_behind_first_ones_that_got_no_row() -> None:
    """The clock was set before anything was heard."""
    one = Epochs([]).begun(bases=bases(500), setting=EARLY)
    assert one.begun(bases=bases(500), setting=LATE).newest.is_first


def test_the_oldest_epochs_go_with_their_rows() -> None:
    three = epochs((0, EARLY), (10, LATE), (20, LATE))
    assert three.pruned(receipted=bases(9)).all == three.all
    assert three.pruned(receipted=bases(10)).all == three.all[1:]
    assert three.pruned(receipted=bases(99)).all == three.all[2:]


def test_times_of_this_boot_are_shifted_by_what_the_clock_was_set() -> None:
    two = epochs((0, EARLY), (10, LATE))
    assert two.captured(two.all[0]) == (60.0, CaptureClock.NOW)
    assert two.captured(two.newest) == (0.0, CaptureClock.NOW)


def test_times_of_an_earlier_boot_go_by_its_last_known_clock() -> None:
    three = epochs((0, EARLY), (10, LATE), (20, OTHER))
    assert three.captured(three.all[0]) == (60.0, CaptureClock.PAST)


def test_times_of_a_boot_whose_clock_was_never_known_are_unknown() -> None:
    two = epochs((0, EARLY), (10, OTHER))
    assert two.captured(two.all[0]) == (0.0, CaptureClock.UNKNOWN)


def test_that_a_clock_was_believed_before_it_was_found_wrong_says_nothing() -> None:
    three = epochs((0, LATE), (1, EARLY), (20, OTHER))
    assert three.captured(three.all[1]) == (0.0, CaptureClock.UNKNOWN)


def test_rows_of_a_store_that_kept_no_setting_go_by_the_present_clock() -> None:
    two = epochs((0, ClockSetting()), (10, OTHER))
    assert two.captured(two.all[0]) == (0.0, CaptureClock.NOW)


def test_no_two_epochs_have_one_name() -> None:
    names = {Epochs([]).begun(bases=NO_BASES, setting=LATE).newest.name for _ in range(1_000)}
    assert len(names) == 1_000
