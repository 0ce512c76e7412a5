"""A year of calendars for a city's lamps, against the two seconds that it may take."""

from collections.abc import Sequence
from datetime import date, timedelta

from gateway.lamps import LampOrder
from gateway.lights.calendar import WEEKDAYS
from gateway.lights.documents import (
    AbsolutePeriod,
    AstronomicalAndSensorPeriod,
    AstronomicalPeriod,
    Calendar,
    CalendarRule,
    FixedTimeControl,
    Program,
)
from gateway.lights.orders import LightOrders
from gateway.lights.plan import Planner
from tests.bench.figure import Figure, seconds

LAMPS = 5_000
CALENDARS = 20
PROGRAMS = 12
LIMIT_S = 2.0
YEAR = [date(2028, 1, 1) + timedelta(days=number) for number in range(366)]


def measure() -> Sequence[Figure]:
    """From the orders to every lamp's night of a year: which rule, the sun, each step and why."""
    taken = seconds(lambda: evaluate(city()), rounds=3)
    name = f"calendars: a year of {LAMPS:,} lamps, {CALENDARS} calendars"
    return [Figure(name, taken, "s", "may take", LIMIT_S)]


def evaluate(orders: LightOrders) -> int:
    """How many steps all lamps of the orders have in a year, from the plan of each night."""
    planner = Planner(orders)
    return sum(len(planner.plan(lamp.lamp, night).steps) for lamp in orders.lamps for night in YEAR)


def city() -> LightOrders:
    """Lamps of 20 calendars, of ten rules each, that take turns among 12 programs."""
    return LightOrders(
        version=1,
        time_zone="Europe/Berlin",
        lon=13.4,
        lat=52.5,
        lamps=tuple(
            LampOrder(
                f"lamp-{number}",
                f"bus-{number // 32}",
                number % 32,
                "generic",
                "led-40",
                (number * 30.0, 0.0),
                calendar=f"calendar-{number % CALENDARS}",
            )
            for number in range(LAMPS)
        ),
        types=(),
        programs=tuple(_program(number) for number in range(PROGRAMS)),
        calendars=tuple(_calendar(number) for number in range(CALENDARS)),
    )


def _program(number: int) -> Program:
    period = (
        AstronomicalPeriod(sunset_offset=-number),
        AstronomicalAndSensorPeriod(on_below_lx=10, off_above_lx=20, sunrise_offset=number),
        AbsolutePeriod(start="18:00", end="06:30"),
    )[number % 3]
    times = ("12:00", "21:30", f"23:{number:02}", "01:00", "05:00")
    return Program(
        id=f"program-{number}",
        active_periods=(period,),
        fixed_time_controls=tuple(
            FixedTimeControl(time=time, level=100 - 15 * turn - number)
            for turn, time in enumerate(times)
        ),
    )


def _calendar(number: int) -> Calendar:
    rules = [
        CalendarRule(
            program=f"program-{(number + month) % PROGRAMS}",
            since=f"{month:02}-05",
            until=f"{month:02}-20",
            weekdays=WEEKDAYS[month % 7 :],
        )
        for month in range(1, 11)
    ]
    return Calendar(
        id=f"calendar-{number}",
        default_program=f"program-{number % PROGRAMS}",
        rules=tuple(rules),
    )
