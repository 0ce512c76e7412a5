from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from astral import Observer
from astral.sun import sunrise, sunset

from gateway.lights.sun import Sky
from tests.unit.lights.nights import BERLIN, TOKYO, at, sky

TROMSO = {"lon": 18.96, "lat": 69.65, "zone": ZoneInfo("Europe/Oslo")}


@pytest.mark.parametrize(
    ("day", "sets", "rises"),
    [("2026-06-21", "19:00", "04:26"), ("2026-12-21", "16:31", "06:48")],
)
def test_tokyo_has_the_almanacs_times(day: str, sets: str, rises: str) -> None:
    """National Astronomical Observatory of Japan, Tokyo: whole minutes, of these solstices."""
    tokyo = Sky(lon=139.7447, lat=35.6544, zone=TOKYO)
    dark = tokyo.dark(date.fromisoformat(day))
    assert dark is not None
    after = date.fromisoformat(day) + timedelta(days=1)
    assert dark.begins == pytest.approx(at(f"{day} {sets}"), abs=60)
    assert dark.ends == pytest.approx(at(f"{after} {rises}"), abs=60)


@pytest.mark.parametrize(
    ("lon", "lat", "zone"),
    [
        (140.93, 36.99, TOKYO),
        (13.4, 52.5, BERLIN),
        (-70.7, -33.4, ZoneInfo("America/Santiago")),
        (-157.4, 1.9, ZoneInfo("Pacific/Kiritimati")),  # a day ahead of its longitude
        (179.9, -16.5, ZoneInfo("Pacific/Fiji")),
    ],
)
def test_a_year_agrees_with_astral_to_the_second(lon: float, lat: float, zone: ZoneInfo) -> None:
    here = Sky(lon=lon, lat=lat, zone=zone)
    for number in range(0, 366, 3):
        day = date(2028, 1, 1) + timedelta(days=number)
        dark = here.dark(day)
        assert dark is not None
        evening = sunset(Observer(lat, lon), day, zone).timestamp()
        morning = sunrise(Observer(lat, lon), day + timedelta(days=1), zone).timestamp()
        assert dark.begins == pytest.approx(evening, abs=1)
        assert dark.ends == pytest.approx(morning, abs=1)


def test_where_the_sun_does_not_rise_it_is_dark_without_a_break() -> None:
    tromso = Sky(**TROMSO)
    one, next_one = tromso.dark(date(2026, 12, 20)), tromso.dark(date(2026, 12, 21))
    assert one is not None
    assert next_one is not None
    assert (one.sunset, one.sunrise) == (None, None)
    assert one.ends == next_one.begins
    assert 86_000 < one.ends - one.begins < 86_800


def test_where_the_sun_does_not_set_there_is_no_darkness() -> None:
    assert Sky(**TROMSO).dark(date(2026, 6, 21)) is None


def test_the_last_sunset_and_the_first_sunrise_of_a_polar_winter_are_told() -> None:
    tromso = Sky(**TROMSO)
    nights = [tromso.dark(date(2026, 11, 20) + timedelta(days=number)) for number in range(70)]
    told = [(dark.sunset is not None, dark.sunrise is not None) for dark in nights if dark]
    first, last = told.index((True, False)), told.index((False, True))
    assert told[:first] == [(True, True)] * first
    assert told[first + 1 : last] == [(False, False)] * (last - first - 1)
    assert told[last + 1 :] == [(True, True)] * (len(told) - last - 1)


def test_darkness_changes_by_minutes_from_night_to_night_even_beside_the_pole() -> None:
    for lat in (66.0, 75.0, 90.0, -90.0):
        here = sky(ZoneInfo("UTC"), lon=0, lat=lat)
        for number in range(365):
            dark = here.dark(date(2026, 1, 1) + timedelta(days=number))
            assert dark is None or 0 < dark.ends - dark.begins < 86_500


def test_a_sunset_after_midnight_belongs_to_the_evening_before() -> None:
    reykjavik = Sky(lon=-21.9, lat=64.15, zone=ZoneInfo("Atlantic/Reykjavik"))
    dark = reykjavik.dark(date(2026, 6, 20))
    assert dark is not None
    assert dark.begins == pytest.approx(at("2026-06-21 00:03", reykjavik.zone), abs=120)
    assert dark.ends == pytest.approx(at("2026-06-21 02:55", reykjavik.zone), abs=120)
