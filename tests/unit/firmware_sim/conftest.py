"""One generated town for all tests of the simulator."""

import pytest
from firmware_sim.site import Site, parse_site
from firmware_sim.town import generate_site

SCHOOL_IS_OUT = 1_793_080_800.0  # 2026-10-27 15:00 in Japan, a Tuesday
SEED = 5


@pytest.fixture(scope="session")
def site_text() -> str:
    return generate_site(seed=SEED)


@pytest.fixture(scope="session")
def site(site_text: str) -> Site:
    return parse_site(site_text)
