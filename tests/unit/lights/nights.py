"""A small site in Iwaki, and its clocks, for the tests of programs and calendars."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.lamps import LampOrder
from gateway.lights.documents import (
    AstronomicalPeriod,
    Calendar,
    FixedTimeControl,
    Program,
)
from gateway.lights.orders import LightOrders
from gateway.lights.sun import Sky

TOKYO = ZoneInfo("Asia/Tokyo")
BERLIN = ZoneInfo("Europe/Berlin")
LON, LAT = 140.93, 36.99


def sky(zone: ZoneInfo = TOKYO, *, lon: float = LON, lat: float = LAT) -> Sky:
    return Sky(lon=lon, lat=lat, zone=zone)


def at(text: str, zone: ZoneInfo = TOKYO) -> float:
    """ "2026-11-20 23:00" on the clocks of `zone`."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def shown(instant: float, zone: ZoneInfo = TOKYO) -> str:
    """ "2026-11-20 23:00:00+0900"."""
    return f"{datetime.fromtimestamp(round(instant), zone):%Y-%m-%d %H:%M:%S%z}"


STREET = Program(
    id="street",
    active_periods=(AstronomicalPeriod(),),
    fixed_time_controls=(
        FixedTimeControl(time="23:00", level=50, ramp_to_level_time=60),
        FixedTimeControl(time="05:00", level=100),
    ),
)
"""Sunset to sunrise, half from 23:00, full again at 05:00."""


def always(program: str) -> Calendar:
    """A calendar with one program every night, named like it."""
    return Calendar(id=program, default_program=program)


def lamp(name: str, calendar: str = "street", *, x_m: float = 0.0) -> LampOrder:
    return LampOrder(name, "bus-1", 1, "generic", "led-40", (x_m, 0.0), calendar=calendar)


def orders(
    programs: Iterable[Program] = (),
    calendars: Iterable[Calendar] | None = None,
    lamps: Sequence[LampOrder] = (lamp("lamp-1"),),
    *,
    zone: ZoneInfo = TOKYO,
    place: tuple[float, float] = (LON, LAT),
) -> LightOrders:
    """Without calendars, each program has one of its name."""
    programs = tuple(programs)
    if calendars is None:
        calendars = [always(program.id) for program in programs]
    lon, lat = place
    return LightOrders(1, zone.key, lon, lat, tuple(lamps), (), programs, tuple(calendars))
