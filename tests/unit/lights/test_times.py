from datetime import date
from zoneinfo import ZoneInfo

import pytest

from gateway.lights.times import (
    instant,
    minute,
    night_bounds,
    night_of,
    parse_time,
    seconds_of,
)
from tests.unit.lights.nights import BERLIN, TOKYO, at, shown

SPRING = date(2026, 3, 29)  # 02:00 CET becomes 03:00 CEST
AUTUMN = date(2026, 10, 25)  # 03:00 CEST becomes 02:00 CET
H = 3600


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:00", 0), ("05:30", 19_800), ("23:59:59", 86_399), ("12:00:01", 43_201)],
)
def test_a_time_of_day_is_read(text: str, seconds: int) -> None:
    assert parse_time(text) == seconds
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text", ["24:00", "5:30", "12:60", "12", "", "12:00 ", "٢٣:00", "12:00:60"]
)
def test_what_is_no_time_of_day_is_not_read(text: str) -> None:
    assert parse_time(text) is None
    with pytest.raises(ValueError, match="no time of day"):
        seconds_of(text)


def test_a_time_is_that_of_the_sites_clocks() -> None:
    assert instant(date(2026, 11, 20), 23 * H, TOKYO) == at("2026-11-20 14:00", ZoneInfo("UTC"))


def test_seconds_beyond_a_day_are_the_next_day() -> None:
    assert instant(date(2026, 11, 20), 30 * H, TOKYO) == at("2026-11-21 06:00")
    assert shown(instant(date(2026, 3, 28), 28 * H, BERLIN), BERLIN) == "2026-03-29 04:00:00+0200"


def test_a_time_that_the_clocks_leave_out_is_the_moment_of_the_change() -> None:
    assert shown(instant(SPRING, 2.5 * H, BERLIN), BERLIN) == "2026-03-29 03:00:00+0200"
    assert shown(instant(SPRING, 2 * H, BERLIN), BERLIN) == "2026-03-29 03:00:00+0200"
    assert shown(instant(SPRING, 2 * H - 1, BERLIN), BERLIN) == "2026-03-29 01:59:59+0100"
    assert shown(instant(SPRING, 3 * H + 1, BERLIN), BERLIN) == "2026-03-29 03:00:01+0200"


def test_a_time_that_comes_twice_is_its_first_coming() -> None:
    assert shown(instant(AUTUMN, 2.5 * H, BERLIN), BERLIN) == "2026-10-25 02:30:00+0200"
    assert shown(instant(AUTUMN, 3 * H, BERLIN), BERLIN) == "2026-10-25 03:00:00+0100"


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        (BERLIN, SPRING),
        (BERLIN, AUTUMN),
        (ZoneInfo("Australia/Lord_Howe"), date(2026, 10, 4)),  # half an hour
        (ZoneInfo("America/Santiago"), date(2026, 9, 6)),  # at midnight
    ],
)
def test_times_keep_their_order_on_the_days_of_change(zone: ZoneInfo, day: date) -> None:
    instants = [instant(day, second, zone) for second in range(0, 86_401, 300)]
    assert instants == sorted(instants)


def test_a_night_is_from_noon_to_noon() -> None:
    begins, ends = night_bounds(date(2026, 11, 20), TOKYO)
    assert (begins, ends) == (at("2026-11-20 12:00"), at("2026-11-21 12:00"))
    assert night_of(begins, TOKYO) == date(2026, 11, 20)
    assert night_of(ends - 1, TOKYO) == date(2026, 11, 20)
    assert night_of(ends, TOKYO) == date(2026, 11, 21)


@pytest.mark.parametrize("zone", [BERLIN, ZoneInfo("Pacific/Apia"), ZoneInfo("Asia/Kathmandu")])
@pytest.mark.parametrize("day_offset_h", [0.0, 2.5, 12.0, 23.75])
@pytest.mark.parametrize("around", ["2011-12-30", "2026-03-29", "2026-10-25"])
def test_every_moment_is_in_its_own_night(zone: ZoneInfo, day_offset_h: float, around: str) -> None:
    middle = at(f"{around} 12:00", ZoneInfo("UTC"))
    for moment in range(int(middle) - 3 * 86_400, int(middle) + 3 * 86_400, 600):
        night = night_of(moment, zone, day_offset_h=day_offset_h)
        begins, ends = night_bounds(night, zone, day_offset_h=day_offset_h)
        assert begins <= moment < ends


def test_a_day_that_a_zone_left_out_has_an_empty_night() -> None:
    begins, ends = night_bounds(date(2011, 12, 30), ZoneInfo("Pacific/Apia"), day_offset_h=0)
    assert begins == ends


def test_nights_are_23_or_25_hours_where_the_clocks_change() -> None:
    lengths = [
        ends - begins
        for begins, ends in (
            night_bounds(date(2026, 3, 28), BERLIN),
            night_bounds(date(2026, 10, 24), BERLIN),
        )
    ]
    assert lengths == [23 * H, 25 * H]


def test_a_moment_is_shown_to_the_nearest_minute() -> None:
    moment = at("2026-11-20 16:23:33")
    assert minute(moment, TOKYO) == "16:24"
    assert minute(moment - 4, TOKYO) == "16:23"
