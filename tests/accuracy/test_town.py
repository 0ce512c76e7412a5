"""A neighbourhood of six blocks with a park that has no ways on the map; the radio of streets."""

import pytest

from gateway.cli.locate import Mode
from tests.accuracy.conftest import Found


@pytest.mark.parametrize(("spacing_m", "median_m"), [(20, 7.0), (30, 8.0), (40, 10.0)])
def test_walkers_are_located_live_at_every_pole_spacing(
    found: Found, spacing_m: int, median_m: float
) -> None:
    live = found(f"town-{spacing_m}").positions
    assert live.median <= median_m, live
    assert found(f"town-{spacing_m}").available.share >= 0.98, live


def test_a_whole_walk_through_town_is_known_better(found: Found) -> None:
    route = found("town-30", Mode.ROUTE).positions
    assert route.median <= 5.5, route
