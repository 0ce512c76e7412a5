from datetime import date
from zoneinfo import ZoneInfo

from gateway.lights.documents import (
    AbsolutePeriod,
    AstronomicalAndSensorPeriod,
    AstronomicalPeriod,
    SensorPeriod,
)
from gateway.lights.dynamic import Photocell
from gateway.lights.program_spans import photocell_of, spans_of
from tests.unit.lights.nights import shown, sky

DAYS = [date(2026, 11, 20), date(2026, 11, 21)]
CELL = SensorPeriod(on_below_lx=10, off_above_lx=20, sensor="lamp-7", delay=30)


def test_an_absolute_period_has_a_span_a_day() -> None:
    spans = list(spans_of([AbsolutePeriod(start="18:00", end="06:00")], DAYS, sky()))
    assert [(shown(span.begins)[5:16], shown(span.ends)[5:16]) for span in spans] == [
        ("11-20 18:00", "11-21 06:00"),
        ("11-21 18:00", "11-22 06:00"),
    ]
    assert spans[0].begin_words(sky()) == "18:00"


def test_hours_within_a_day_stay_within_it() -> None:
    (span,) = spans_of([AbsolutePeriod(start="05:00", end="07:00")], DAYS[:1], sky())
    assert span.ends - span.begins == 2 * 3600


def test_a_span_by_the_sun_is_moved_by_its_offsets() -> None:
    (plain,) = spans_of([AstronomicalPeriod()], DAYS[:1], sky())
    (moved,) = spans_of([AstronomicalPeriod(sunset_offset=-30, sunrise_offset=15)], DAYS[:1], sky())
    assert (moved.begins - plain.begins, moved.ends - plain.ends) == (-1800, 900)
    assert moved.begin_words(sky()) == "sunset -30 min 15:54"


def test_a_photocell_comes_with_its_span() -> None:
    within = AstronomicalAndSensorPeriod(on_below_lx=1, off_above_lx=2, sunset_offset=10)
    cells = [span.cell for span in spans_of([AstronomicalPeriod(), CELL, within], DAYS[:1], sky())]
    assert cells == [None, Photocell("lamp-7", 10, 20, 30), Photocell("self", 1, 2, 60)]
    assert photocell_of(AbsolutePeriod(start="18:00", end="06:00")) is None


def test_spans_that_are_empty_are_left_out() -> None:
    empty = AstronomicalPeriod(sunset_offset=420, sunrise_offset=-420)
    assert list(spans_of([empty], DAYS, sky())) == []
    tromso = sky(ZoneInfo("Europe/Oslo"), lon=18.96, lat=69.65)
    assert list(spans_of([AstronomicalPeriod()], [date(2026, 6, 21)], tromso)) == []
