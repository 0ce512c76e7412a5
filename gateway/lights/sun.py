"""When it is dark at a site: from a day's sunset to the next day's sunrise, anywhere on Earth.

The sun's place is astral's (NOAA's equations); sunset is when its upper edge is at a level horizon,
with the refraction of ordinary air. Where the sun does not rise, it is dark from noon to noon;
where it does not set, the night has no darkness at all.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from astral import refraction_at_zenith
from astral.julian import julianday_to_juliancentury
from astral.sun import SUN_APPARENT_RADIUS, eq_of_time, sun_declination

from gateway.lights.times import DAY_S, instant

_EDGE_DEG = 90.0 + SUN_APPARENT_RADIUS
_ZENITH = math.radians(_EDGE_DEG + refraction_at_zenith(_EDGE_DEG))
_UNIX_EPOCH_JULIAN_DAY = 2_440_587.5
_S_PER_DEG = 240.0
_ROUNDS = 3  # of sunset from the declination at sunset: a fourth moves it by < 1 s below 60°
_HALF_TURN_DEG = 180.0
_POLE_DEG = 89.8  # nearer to a pole, days have no times of their own
_KEPT_NIGHTS = 2_000


@dataclass(frozen=True, slots=True)
class Dark:
    """One night's darkness, Unix seconds. `sunset` is None where the sun was not up that noon,
    `sunrise` where it is not up the next noon; then the noons bound the darkness.
    """

    begins: float
    ends: float
    sunset: float | None
    sunrise: float | None


class Sky:
    """The sun over one place (degrees), by the days of its clocks."""

    def __init__(self, *, lon: float, lat: float, zone: ZoneInfo) -> None:
        self.zone = zone
        self._lon = lon
        self._lat = math.radians(max(-_POLE_DEG, min(_POLE_DEG, lat)))
        self._nights: dict[date, Dark | None] = {}

    def dark(self, day: date) -> Dark | None:
        """The darkness after the noon of `day`, None where the sun does not set."""
        try:
            return self._nights[day]
        except KeyError:
            dark = self._dark(day)
        if len(self._nights) >= _KEPT_NIGHTS:
            self._nights.clear()  # another thread may be here, too: it works its night out again
        self._nights[day] = dark
        return dark

    def _dark(self, day: date) -> Dark | None:
        begins, evening_deg = self._horizon(day, after=1)
        ends, morning_deg = self._horizon(day + timedelta(days=1), after=-1)
        if max(evening_deg, morning_deg) >= _HALF_TURN_DEG:
            return None
        return Dark(begins, ends, begins if evening_deg else None, ends if morning_deg else None)

    def _horizon(self, day: date, *, after: int) -> tuple[float, float]:
        """When the sun passes the horizon `after` (1) or before (-1) the noon of `day`, and the
        degrees that the Earth turns between: 0 where the sun stays down, 180 where it stays up.
        """
        mean_noon = self._mean_noon(day)
        turn_deg = 0.0
        at = mean_noon
        for _ in range(_ROUNDS):
            century = _century(at)
            declination = math.radians(sun_declination(century))
            cosine = (math.cos(_ZENITH) - math.sin(self._lat) * math.sin(declination)) / (
                math.cos(self._lat) * math.cos(declination)
            )
            turn_deg = math.degrees(math.acos(max(-1.0, min(1.0, cosine))))
            at = mean_noon - eq_of_time(century) * 60 + after * turn_deg * _S_PER_DEG
        return at, turn_deg

    def _mean_noon(self, day: date) -> float:
        """When the mean sun is highest, nearest to 12:00 of the clocks."""
        clock_noon = instant(day, DAY_S / 2, self.zone)
        transit = DAY_S / 2 - self._lon * _S_PER_DEG
        return transit + round((clock_noon - transit) / DAY_S) * DAY_S


def _century(at: float) -> float:
    return julianday_to_juliancentury(at / DAY_S + _UNIX_EPOCH_JULIAN_DAY)
