from datetime import UTC, datetime
from itertools import pairwise

import pytest
from astral import Observer
from astral.sun import elevation
from firmware_sim.lamps.weather import Weather, daylight_lx, sun_height_deg

LON, LAT = 140.93, 36.99


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("hour", [0, 7, 9, 13, 20])
def test_the_sun_is_within_a_few_degrees_of_where_astral_has_it(month, hour):
    at = datetime(2026, month, 10, hour, tzinfo=UTC)

    found = sun_height_deg(at.timestamp(), lon=LON, lat=LAT)

    assert found == pytest.approx(elevation(Observer(LAT, LON), at, with_refraction=False), abs=4.5)


def test_daylight_rises_with_the_sun_from_night_to_noon():
    heights = range(-30, 91, 2)
    lux = [daylight_lx(height) for height in heights]

    assert lux == sorted(lux)
    assert lux[0] == pytest.approx(0.3)
    assert 300 < daylight_lx(0.0) < 500


def test_the_same_minute_has_the_same_weather_and_another_seed_another():
    assert Weather(seed=1).at(1.79e9) == Weather(seed=1).at(1.79e9)
    assert Weather(seed=1).at(1.79e9) != Weather(seed=2).at(1.79e9)


def minutes_of_a_day(weather):
    return [weather.at(1_793_059_200.0 + 60.0 * minute) for minute in range(1440)]


def test_mains_sag_as_often_as_was_asked():
    quiet = minutes_of_a_day(Weather(seed=1))
    dipping = minutes_of_a_day(Weather(seed=1, dips_per_day=20.0))

    assert min(here.supply_v for here in quiet) > 195
    assert 10 <= sum(here.supply_v < 190 for here in dipping) <= 32


def test_fog_makes_the_daylight_flicker():
    def flicker(weather):
        lux = [here.lux for here in minutes_of_a_day(weather)]
        return sum(abs(b - a) / a for a, b in pairwise(lux)) / len(lux)

    assert flicker(Weather(seed=1, fog=0.5)) > 3 * flicker(Weather(seed=1))
