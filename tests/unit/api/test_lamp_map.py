"""Which lamps somebody names."""

from pathlib import Path

import pytest

from gateway.api.lamp_map import ChoiceError, LampMap, lamp_map
from gateway.site import load_site
from tests.unit.api.lamp_pieces import LAMPS
from tests.unit.geojson_pieces import feature, line, lonlat, write_site

STREET = feature("path", line((0, 0), (120, 0)), id="street")


@pytest.fixture
def lamps(tmp_path: Path) -> LampMap:
    """Five lamps 30 m apart; the fifth is not driven. Groups north (1, 2), south (3, 4, 5)."""
    return lamp_map(load_site(write_site(tmp_path, [STREET, *LAMPS])))


def test_names_and_groups_are_joined_each_lamp_once_in_the_sites_order(lamps: LampMap) -> None:
    assert lamps.choose(lamps=["l-3", "l-2"], groups=["north"]) == ("l-1", "l-2", "l-3")


def test_all_are_those_that_a_gateway_drives(lamps: LampMap) -> None:
    assert lamps.choose(everyone=True) == ("l-1", "l-2", "l-3", "l-4")
    assert lamps.choose(groups=["south"]) == ("l-3", "l-4")


def test_everything_that_is_wrong_is_said_at_once(lamps: LampMap) -> None:
    with pytest.raises(ChoiceError) as caught:
        lamps.choose(lamps=["l-1", "l-9", "l-5"], groups=["west"])
    assert str(caught.value) == (
        "There is no lamp l-9. No gateway drives lamp l-5: give it one on the site. "
        "There is no group west of lamps."
    )


def test_naming_nothing_is_not_naming_all(lamps: LampMap) -> None:
    with pytest.raises(ChoiceError, match="names no lamp"):
        lamps.choose()


def test_lamps_near_a_place_are_those_within_the_radius(lamps: LampMap) -> None:
    lon, lat = lonlat(45.0, 0.0)
    assert lamps.near(lon, lat, radius_m=20.0) == ("l-2", "l-3")
    with pytest.raises(ChoiceError, match="No lamp stands within 10 m"):
        lamps.near(lon, lat, radius_m=10.0)


def test_places_are_degrees_and_the_middle_is_theirs(lamps: LampMap) -> None:
    assert lamps.places["l-1"] == pytest.approx(tuple(lonlat(0.0, 2.0)), abs=2e-6)
    assert lamps.middle == pytest.approx(tuple(lonlat(60.0, 2.0)), abs=2e-6)
    assert list(lamps.groups) == ["north", "south"]


def test_a_site_without_lamps_has_none(tmp_path: Path) -> None:
    none = lamp_map(load_site(write_site(tmp_path, [STREET])))
    assert (none.driven, none.places) == ((), {})
    with pytest.raises(ChoiceError, match="No lamp of the site"):
        none.choose(everyone=True)
