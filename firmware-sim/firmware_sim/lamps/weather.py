"""What surrounds a lamp: daylight, air, mains. Pure functions of the time and a seed."""

import math
import random
from dataclasses import dataclass

from firmware_sim.lamps.luminaire import interpolate

DAY_S = 86_400.0
YEAR_S = 365.2422 * DAY_S
MARCH_EQUINOX = 1_774_017_960.0  # 2026-03-20 14:46 UTC


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a node feels, the same for all that stand near each other; by default a quiet night."""

    lux: float = 0.3
    ambient_c: float = 15.0
    supply_v: float = 200.0
    frequency_hz: float = 50.0
    motion: bool = False


@dataclass(frozen=True, slots=True)
class Weather:
    """A town's days and nights. `fog` is how much daylight flickers (the sigma of its logarithm),
    `dips_per_day` how often the mains sag by a tenth for a minute.
    """

    seed: int = 0
    lon: float = 140.93
    lat: float = 36.99
    fog: float = 0.0
    dips_per_day: float = 0.0

    def at(self, utc: float) -> Surroundings:
        """The surroundings at `utc`, Unix seconds; noise holds for a minute."""
        chance = random.Random(self.seed << 40 ^ int(utc // 60))
        height = sun_height_deg(utc, lon=self.lon, lat=self.lat)
        lux = daylight_lx(height) * math.exp(chance.gauss(0.0, 0.05 + self.fog))
        hour = (utc + self.lon / 360.0 * DAY_S) % DAY_S / DAY_S
        season = math.sin(2 * math.pi * (utc - MARCH_EQUINOX) / YEAR_S)
        air_c = 14.0 + 11.0 * season + 4.0 * math.sin(2 * math.pi * (hour - 0.375))
        dip = 0.9 if chance.random() < self.dips_per_day / 1440.0 else 1.0
        supply_v = (201.0 + 2.0 * math.sin(2 * math.pi * hour) + chance.gauss(0.0, 0.5)) * dip
        return Surroundings(
            lux=lux,
            ambient_c=air_c,
            supply_v=supply_v,
            frequency_hz=50.0 + chance.gauss(0.0, 0.01),
        )


def sun_height_deg(utc: float, *, lon: float, lat: float) -> float:
    """The sun's height in degrees, to about half a degree: declination and hour angle."""
    turn = 2 * math.pi * (utc - MARCH_EQUINOX) / YEAR_S
    declination = math.radians(23.44) * math.sin(turn)
    hour_angle = 2 * math.pi * (utc % DAY_S / DAY_S - 0.5) + math.radians(lon)
    across = math.cos(math.radians(lat)) * math.cos(declination) * math.cos(hour_angle)
    return math.degrees(math.asin(math.sin(math.radians(lat)) * math.sin(declination) + across))


_DAYLIGHT = tuple(  # the sun's height in degrees, lux on the ground under a clear sky
    (height_deg, math.log(lux))
    for height_deg, lux in (
        (-18.0, 0.3),
        (-12.0, 0.4),
        (-6.0, 3.4),
        (-3.0, 40.0),
        (0.0, 400.0),
        (6.0, 5_000.0),
        (30.0, 50_000.0),
        (90.0, 110_000.0),
    )
)


def daylight_lx(height_deg: float) -> float:
    """Lux on the ground by the sun's height, straight in its logarithm between known points."""
    return math.exp(interpolate(_DAYLIGHT, height_deg))
