"""Simulated weeks of an edge without a hub, minute by minute, against the wall clock and astral.

What is expected is computed another way: from what the clocks on the wall show at each minute, the
sunsets and sunrises of astral itself, and every single event of a sensor.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import elevation, sunrise, sunset

from gateway.lamps import Authority
from gateway.lights.defaults import load_defaults
from gateway.lights.programs import Programs
from gateway.settings import config_dir
from tests.unit.lights.nights import BERLIN, LAT, LON, STREET, TOKYO, lamp, orders

DAYS = 8
MINUTES = DAYS * 1440


class Wall:
    """One place's clocks and sun, by astral alone."""

    def __init__(self, zone: ZoneInfo, first: date, *, lon: float, lat: float) -> None:
        self.zone = zone
        self.here = Observer(lat, lon)
        self.begin = datetime(first.year, first.month, first.day, 12, tzinfo=zone).timestamp()
        days = [first + timedelta(days=number) for number in range(-2, DAYS + 3)]
        self.sets = [sunset(self.here, day, zone).timestamp() for day in days]
        self.rises = [sunrise(self.here, day, zone).timestamp() for day in days]

    def minutes(self) -> Iterator[float]:
        for number in range(MINUTES):
            yield self.begin + number * 60

    def time(self, at: float) -> str:
        return f"{datetime.fromtimestamp(at, self.zone):%H:%M}"

    def night(self, at: float) -> date:
        """Noon to noon."""
        local = datetime.fromtimestamp(at, self.zone)
        return local.date() if local.hour >= 12 else local.date() - timedelta(days=1)

    def dark(self, at: float, *, before_min: float = 0, after_min: float = 0) -> bool:
        set_last = self.sets[bisect_right(self.sets, at - before_min * 60) - 1] + before_min * 60
        rises_next = next(rise for rise in self.rises if rise > set_last) + after_min * 60
        return set_last <= at < rises_next


def street_level(wall: Wall, at: float) -> float:
    if not wall.dark(at):
        return 0.0
    return 50.0 if wall.time(at) >= "23:00" or wall.time(at) < "05:00" else 100.0


def school_level(wall: Wall, at: float) -> float:
    night = wall.night(at)
    if (night.month, night.day) == (12, 31):
        return 100.0 if wall.dark(at) else 0.0
    holiday = (night.month, night.day) >= (12, 24) or (night.month, night.day) <= (1, 7)
    if holiday or night.weekday() >= 5:
        return street_level(wall, at)
    if not wall.dark(at, before_min=-30, after_min=15):
        return 0.0
    return 50.0 if wall.time(at) >= "22:00" or wall.time(at) < "05:00" else 100.0


def differences(
    wall: Wall, programs: Programs, name: str, expected: Callable[[Wall, float], float]
) -> list[str]:
    return [
        f"{datetime.fromtimestamp(at, wall.zone)}: {found.level}, not {expected(wall, at)}"
        for at in wall.minutes()
        if (found := programs.decide(name, at)).level != expected(wall, at)
    ]


def test_a_week_over_new_year_follows_the_calendars_that_ship_to_the_minute() -> None:
    documents = load_defaults(config_dir() / "lights")
    lamps = [lamp("street-1", "street"), lamp("school-1", "school"), lamp("bare-1", "")]
    wall = Wall(TOKYO, date(2026, 12, 20), lon=LON, lat=LAT)
    programs = Programs(orders(*documents, lamps))
    assert differences(wall, programs, "street-1", street_level) == []
    assert differences(wall, programs, "school-1", school_level) == []
    assert differences(wall, programs, "bare-1", lambda w, at: 100.0 * w.dark(at)) == []
    later = Wall(TOKYO, date(2027, 1, 3), lon=LON, lat=LAT)
    assert differences(later, programs, "school-1", school_level) == []


def test_the_night_of_new_year_is_lit_in_full() -> None:
    documents = load_defaults(config_dir() / "lights")
    wall = Wall(TOKYO, date(2026, 12, 31), lon=LON, lat=LAT)
    programs = Programs(orders(*documents, [lamp("street-1", "street")]))
    levels = {programs.decide("street-1", at).level for at in list(wall.minutes())[:1440]}
    assert levels == {0, 100}


def test_the_weeks_when_the_clocks_change_follow_the_wall_to_the_minute() -> None:
    programs = Programs(orders([STREET], zone=BERLIN, place=(13.4, 52.5)))
    for first in (date(2026, 3, 25), date(2026, 10, 21)):
        wall = Wall(BERLIN, first, lon=13.4, lat=52.5)
        assert differences(wall, programs, "lamp-1", street_level) == []


def test_a_week_in_the_park_follows_each_step_and_the_dusk_to_the_minute() -> None:
    """Six lamps 30 m apart with motion sensors and photocells; people come at random."""
    programs, documents = None, load_defaults(config_dir() / "lights")
    park = [lamp(f"park-{number}", "park", x_m=30.0 * number) for number in range(6)]
    programs = Programs(orders(*documents, park))
    wall = Wall(TOKYO, date(2026, 11, 20), lon=LON, lat=LAT)
    random = Random(4)
    steps = sorted(
        (random.uniform(wall.begin, wall.begin + MINUTES * 60), random.randrange(6))
        for _ in range(1_500)
    )
    pending, past, lit_by_sensor, dusk = iter([*steps, (float("inf"), 0)]), [], 0, Dusk()
    coming = next(pending)
    for at in wall.minutes():
        while coming[0] <= at:
            programs.sensed(f"park-{coming[1]}", coming[0], motion=True, illuminance_lx=None)
            past = [step for step in past if step[0] > at - 120] + [coming]
            coming = next(pending)
        lux = daylight_lx(wall, at)
        dark = dusk.update(lux) and wall.dark(at, before_min=-30, after_min=30)
        for number in range(6):
            programs.sensed(f"park-{number}", at, motion=False, illuminance_lx=lux)
            base = 20.0 if wall.time(at) >= "21:00" or wall.time(at) < "12:00" else 60.0
            walked = any(
                abs(number - where) <= 2
                and when + abs(number - where) <= at < when + abs(number - where) + 60
                for when, where in past
            )
            found = programs.decide(f"park-{number}", at)
            wanted = (max(base, 80.0) if walked else base) if dark else 0.0
            assert found.level == wanted, (datetime.fromtimestamp(at, TOKYO), number, found.reason)
            assert (found.authority is Authority.DYNAMIC) == (dark and walked)
            lit_by_sensor += dark and walked
    assert lit_by_sensor > 1_000


class Dusk:
    """On below 30 lx, off above 60 lx, a minute each: two samples of a minute."""

    def __init__(self) -> None:
        self.dark: bool | None = None
        self.before = 0.0

    def update(self, lux: float) -> bool:
        if self.dark is None:
            self.dark = lux < 30
        elif self.before < 30 and lux < 30:
            self.dark = True
        elif self.before > 60 and lux > 60:
            self.dark = False
        self.before = lux
        return self.dark


def daylight_lx(wall: Wall, at: float) -> float:
    """By the sun's height: about 400 lx at the horizon, 30 lx five degrees below, more above."""
    moment = datetime.fromtimestamp(at, ZoneInfo("UTC"))
    height_deg = elevation(wall.here, moment, with_refraction=False)
    return min(100_000.0, 400.0 * 10 ** (height_deg / 4.5))
