"""The clocks of gateways, as their rows tell them."""

import pytest

from gateway.app.skews import AHEAD_S, BEHIND_FOR_S, BUCKET_S, Skews

NOW = 1_800_000_000.0
HOUR_S = 3_600.0


class Way:
    """Rows of one gateway to a hub whose steady clock began at 0."""

    def __init__(self) -> None:
        self.skews = Skews()
        self.steady = 0.0
        self.hub_ahead_s = 0.0

    def row(self, *, ahead_s: float = 0.0, way_s: float = 0.01, run: str = "e1") -> float:
        """A row a second; returns what its gateway's clock is then said to be ahead."""
        self.steady += 1.0
        sent = NOW + self.steady - way_s + ahead_s
        self.skews.note("gw-01", run, sent=sent, steady=self.steady)
        return self.skew_s(run)

    def rows(self, seconds: float, *, ahead_s: float = 0.0, way_s: float = 0.01) -> set[float]:
        return {round(self.row(ahead_s=ahead_s, way_s=way_s), 1) for _ in range(round(seconds))}

    def skew_s(self, run: str = "e1") -> float:
        now = NOW + self.steady + self.hub_ahead_s
        return self.skews.skew_s("gw-01", run, now=now, steady=self.steady)


@pytest.fixture
def way() -> Way:
    return Way()


def test_a_right_clock_is_not_corrected(way: Way) -> None:
    assert way.rows(100) == {0.0}
    assert way.skews.skew_s("gw-02", "e1", now=NOW, steady=0.0) == 0.0


@pytest.mark.parametrize("ahead_s", [1.4, 30.0, HOUR_S])
def test_a_clock_that_is_ahead_is_seen_with_the_first_row(way: Way, ahead_s: float) -> None:
    assert way.row(ahead_s=ahead_s) == pytest.approx(ahead_s, abs=0.1)
    assert way.rows(100, ahead_s=ahead_s) == {round(way.skew_s(), 1)}


def test_a_clock_an_hour_or_sixty_years_behind_is_seen_with_the_first_row(way: Way) -> None:
    assert way.row(ahead_s=-HOUR_S) == pytest.approx(-HOUR_S, abs=0.1)
    assert way.row(ahead_s=-NOW, run="e2") == pytest.approx(-NOW, abs=0.1)


def test_a_clock_a_little_behind_is_believed_when_no_row_was_quick_for_a_while(way: Way) -> None:
    assert way.rows(BEHIND_FOR_S, ahead_s=-5.0) == {0.0}
    assert way.rows(100, ahead_s=-5.0) == {-5.0}


def test_a_slow_way_is_no_wrong_clock(way: Way) -> None:
    way.rows(10)
    assert way.rows(BUCKET_S - 1, way_s=20.0) == {0.0}
    assert way.row() == 0.0


def test_a_burst_after_a_hub_that_stood_still_is_no_wrong_clock(way: Way) -> None:
    way.rows(100)
    way.steady += 120.0
    assert {way.row(way_s=120.0 - n) for n in range(10)} == {0.0}
    assert way.rows(100) == {0.0}


def test_a_clock_a_minute_behind_is_sure_with_the_second_row(way: Way) -> None:
    """The first may have been so long on its way."""
    assert way.row(ahead_s=-60.0) == 0.0
    assert way.row(ahead_s=-60.0) == pytest.approx(-60.0, abs=0.1)


def test_a_new_run_out_of_a_network_that_stood_still_is_no_wrong_clock(way: Way) -> None:
    """All of them come at once, whenever they were sent."""
    for number in range(40):
        sent = NOW + way.steady - 100.0 + number
        way.skews.note("gw-01", "e1", sent=sent, steady=way.steady)
        assert way.skew_s() == 0.0
    assert way.row() == 0.0


def test_a_correction_does_not_tremble_with_the_way(way: Way) -> None:
    """Where it did, one second would have two rows and the next none."""
    seen = {round(way.row(ahead_s=1.5, way_s=0.02 * (n % 20)), 3) for n in range(300)}
    assert len(seen) == 1


def test_a_clock_that_was_set_is_another_run_and_known_at_once(way: Way) -> None:
    way.rows(100)
    assert way.row(ahead_s=-HOUR_S, run="e2") == pytest.approx(-HOUR_S, abs=0.1)
    assert way.row(run="e1") == 0.0  # on its way since before it was set


def test_a_clock_that_goes_right_again_under_the_same_run_is_seen_within_a_minute(way: Way) -> None:
    way.rows(100, ahead_s=HOUR_S)
    way.rows(2 * BUCKET_S)
    assert way.row() == 0.0


def test_when_our_own_clock_is_set_all_others_are_off_at_once_and_right_again_with_it(
    way: Way,
) -> None:
    way.rows(100)
    way.hub_ahead_s = HOUR_S
    assert way.skew_s() == pytest.approx(-HOUR_S, abs=0.1)
    assert way.row() == pytest.approx(-HOUR_S, abs=0.1)
    way.hub_ahead_s = 0.0
    assert way.row() == 0.0


def test_runs_of_a_gateway_are_bounded(way: Way) -> None:
    for number in range(1_000):
        way.row(ahead_s=AHEAD_S + 1, run=f"e{number}")
    assert way.skew_s("e0") == 0.0
    assert way.skew_s("e999") > AHEAD_S
