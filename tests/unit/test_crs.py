"""Degrees to metres: which system, and whether its metres are metres."""

import numpy as np
import pytest

from gateway.crs import DEFAULT_CRS, WGS84, site_crs, turn
from tests.unit.geojson_pieces import HOME, lonlat

IWAKI = np.array([lonlat(0, 0), lonlat(400, 300)])
EARTH_A_M, EARTH_E2 = 6_378_137.0, 0.006_694_38


def test_iwaki_gets_the_plane_of_its_region() -> None:
    assert site_crs(None, IWAKI) == DEFAULT_CRS
    assert site_crs("EPSG:32654", IWAKI) == "EPSG:32654"


def test_degrees_come_back_as_they_were() -> None:
    assert turn(turn(IWAKI, WGS84, DEFAULT_CRS), DEFAULT_CRS, WGS84) == pytest.approx(
        IWAKI, abs=1e-9
    )


@pytest.mark.parametrize(
    "home", [(2.35, 48.86), (-122.4, 37.8), (151.2, -33.9), (25.0, 69.0)], ids=str
)
def test_elsewhere_on_earth_metres_are_true_too(home: tuple[float, float]) -> None:
    lon, lat = home
    degrees = np.array([[lon, lat], [lon + 0.01, lat], [lon, lat + 0.01]])
    here, east, north = turn(degrees, WGS84, site_crs(None, degrees))
    curvature = 1 - EARTH_E2 * np.sin(np.radians(lat)) ** 2
    parallel_m = np.radians(0.01) * EARTH_A_M / np.sqrt(curvature) * np.cos(np.radians(lat))
    meridian_m = np.radians(0.01) * EARTH_A_M * (1 - EARTH_E2) / curvature**1.5
    assert np.linalg.norm(east - here) == pytest.approx(parallel_m, rel=1e-5)
    assert np.linalg.norm(north - here) == pytest.approx(meridian_m, rel=2e-5)
    assert east[0] > here[0]
    assert north[1] > here[1]


def test_a_small_edit_does_not_move_the_origin() -> None:
    paris = np.array([lonlat(0, 0, (2.352, 48.862)), lonlat(90, 90, (2.352, 48.862))])
    assert site_crs(None, paris) == site_crs(None, paris[:1])


@pytest.mark.parametrize(
    ("named", "what"),
    [
        ("EPSG:99999", "no coordinate system"),
        ("Iwaki", "no coordinate system"),
        ("7", "no coordinate system"),
        ("EPSG:4326", "not a projected system in metres"),
        ("EPSG:2263", "not a projected system in metres"),
        ("EPSG:2154", "another part of the Earth"),
    ],
)
def test_a_system_that_does_not_fit_is_refused(named: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        site_crs(named, np.array([HOME]))
