"""What hangs on a pole: what a luminaire takes from the mains at a level, and how it behaves."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Luminaire:
    """A kind of luminaire.

    `power_curve` and `power_factor_curve` are points (level in percent, watts or factor), rising,
    from 0 to 100. Below `least_level` it does not dim: it burns at that. Cold it takes less: from
    `cold_share` of its power it rises to all of it within `warm_up_s`. Power goes with the supply
    voltage to the power of `voltage_exponent`: 0 where a driver keeps it constant.
    """

    power_curve: Curve
    power_factor_curve: Curve
    nominal_voltage_v: float = 200.0
    warm_up_s: float = 5.0
    cold_share: float = 0.85
    least_level: float = 1.0
    voltage_exponent: float = 0.0

    def power_w(self, level: float, *, lit_s: float, supply_v: float) -> float:
        """Watts at `level` after `lit_s` seconds of light; its standby power at level 0."""
        if level <= 0:
            return self.power_curve[0][1]
        warm = min(1.0, self.cold_share + (1.0 - self.cold_share) * lit_s / self.warm_up_s)
        sag = math.pow(supply_v / self.nominal_voltage_v, self.voltage_exponent)
        return interpolate(self.power_curve, max(level, self.least_level)) * warm * sag

    def power_factor(self, level: float) -> float:
        """True power over apparent power at `level`."""
        return interpolate(self.power_factor_curve, level)


def interpolate(curve: Curve, at: float) -> float:
    """The value of `curve` at `at`, straight between its points, constant beyond them."""
    right = bisect_right(curve, at, key=lambda point: point[0])
    if right == 0:
        return curve[0][1]
    if right == len(curve):
        return curve[-1][1]
    (x0, y0), (x1, y1) = curve[right - 1], curve[right]
    return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


_DRIVER = ((0.0, 0.3), (10.0, 0.62), (50.0, 0.86), (100.0, 0.96))

LUMINAIRES: Mapping[str, Luminaire] = {
    "led-40": Luminaire(
        ((0.0, 0.4), (25.0, 11.5), (50.0, 20.5), (75.0, 30.0), (100.0, 40.0)), _DRIVER
    ),
    "led-60": Luminaire(
        ((0.0, 0.5), (25.0, 17.0), (50.0, 30.5), (75.0, 45.0), (100.0, 60.0)), _DRIVER
    ),
    "sodium-110": Luminaire(
        ((0.0, 0.0), (50.0, 68.0), (75.0, 96.0), (90.0, 114.0), (100.0, 127.0)),
        ((0.0, 0.3), (50.0, 0.84), (100.0, 0.93)),
        warm_up_s=240.0,
        cold_share=0.4,
        least_level=50.0,
        voltage_exponent=1.5,
    ),
}
"""The luminaires of this town, by the `lamp_type` of its site."""
