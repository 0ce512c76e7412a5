"""The circles hold what they say, in every mode, and to wait longer is to know more."""

import pytest

from gateway.cli.locate import Mode
from gateway.report.scoring import pooled
from tests.accuracy.conftest import Found
from tests.accuracy.forecasts import pooled_forecasts

PLACES = ("street-13", "street-30", "town-20", "town-30", "town-40", "rooms")
CARRIED = ("street-30-weak", "street-30-worn")


@pytest.mark.parametrize("mode", Mode)
def test_the_circles_hold_what_they_say(found: Found, mode: Mode) -> None:
    all_places = pooled(found(place, mode).positions for place in PLACES + CARRIED)
    assert 0.60 <= all_places.coverage68 <= 0.76, all_places
    assert 0.91 <= all_places.coverage95 <= 0.985, all_places


@pytest.mark.parametrize("place", PLACES)
def test_each_mode_is_better_than_the_one_before(found: Found, place: str) -> None:
    live, confirmed, route = (found(place, mode).positions for mode in Mode)
    assert confirmed.median < live.median, (live, confirmed)
    assert route.median < confirmed.median, (confirmed, route)
    assert confirmed.p90 < live.p90, (live, confirmed)
    assert route.p90 < confirmed.p90, (confirmed, route)


@pytest.mark.parametrize("what", ["inside", "ways"])
def test_probabilities_are_what_they_say(found: Found, what: str) -> None:
    """Of zones, and of the path that a position names: which pavement."""
    said = pooled_forecasts(getattr(found(place), what) for place in PLACES if place != "rooms")
    bins = said.bins()
    assert len(bins) >= 4
    assert all(true == pytest.approx(probability, abs=0.1) for probability, true, _ in bins), bins


def test_the_pavement_that_is_named_is_mostly_the_right_one(found: Found) -> None:
    ways = found("street-13").ways
    assert ways.came_true.mean() >= 0.6, ways.bins()
