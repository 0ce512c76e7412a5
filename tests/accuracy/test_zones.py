"""Zone events of simulated walks: told in time, seldom missed, seldom wrong.

For comparison, measured on a real street with P(zone) ≥ 0.8: 2.7 false events an hour, 11 % missed
after a median of 7 s; with 8 s lag 0.6 false ones, 11 % missed after 11 s.
"""

import pytest

from gateway.report.scoring import EventScore, pooled_events
from tests.accuracy.conftest import Found

PLACES = ("street-13", "street-30", "town-20", "town-30", "town-40")
SMALL = ("shop", "corner")  # 15 m across: fewer metres than a position is uncertain by


def zones(found: Found, *, small: bool) -> EventScore:
    return pooled_events(
        score
        for place in PLACES
        for name, score in found(place).zones.items()
        if (name in SMALL) is small
    )


@pytest.mark.xfail(
    strict=True, reason="1.1 false an hour, 10.7 % missed, after 8.0 s: tracks run ahead and behind"
)
def test_zones_of_thirty_metres_and_more_are_told_in_time_and_seldom_wrongly(found: Found) -> None:
    told = zones(found, small=False)
    assert told.hours > 5
    assert told.crossings > 100
    assert told.false_per_hour <= 1.0, told
    assert told.missed_percent <= 8.0, told
    assert told.median_delay_s <= 6.0, told


def test_zones_too_small_to_be_decided_are_not_cried_over(found: Found) -> None:
    told = zones(found, small=True)
    assert told.crossings > 20
    assert told.false_per_hour <= 1.0, told
