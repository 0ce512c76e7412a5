"""Where a fault begins: the numbers of the table of faults, by type of lamp and by lamp."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from gateway.lamps import LampType
from gateway.lights.expected import FULL_LEVEL, interpolate
from gateway.model import UnusableError

LEAST_POWER_FACTOR = 0.65


class LimitsError(UnusableError):
    """A limit that does not exist, or that no lamp can have; the message says what to do."""


def _limit(default: float, least: float, most: float) -> float:
    value: float = field(default=default, metadata={"least": least, "most": most})
    return value


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still sound. Ratios are of the expected (power) or the nominal (voltage).

    `…_for_s` is how long it must be seen before it is a fault. Sags of the mains shorter than a
    minute are dips, not low voltage (EN 50160): hence `voltage_for_s`. `settle_s` comes on top of
    the warm-up after each change of level, and alone after switching off. `installed_tilt_deg` is
    what the node said when its pole was put up.
    """

    nominal_voltage_v: float = _limit(200.0, 12.0, 1_000.0)
    warm_up_s: float = _limit(30.0, 0.0, 3_600.0)
    settle_s: float = _limit(10.0, 0.0, 600.0)
    failure_ratio: float = _limit(0.20, 0.01, 0.9)
    failure_for_s: float = _limit(60.0, 0.0, 3_600.0)
    power_tolerance: float = _limit(0.15, 0.01, 0.9)
    power_least_w: float = _limit(1.0, 0.0, 100.0)
    power_for_s: float = _limit(90.0, 0.0, 3_600.0)
    feedback_points: float = _limit(2.0, 0.5, 100.0)
    dimming_points: float = _limit(15.0, 1.0, 100.0)
    dimming_for_s: float = _limit(300.0, 0.0, 7_200.0)
    voltage_tolerance: float = _limit(0.15, 0.01, 0.9)
    voltage_loss_ratio: float = _limit(0.50, 0.05, 0.9)
    voltage_for_s: float = _limit(60.0, 0.0, 3_600.0)
    power_factor: float = _limit(LEAST_POWER_FACTOR, 0.05, 1.0)
    power_factor_for_s: float = _limit(60.0, 0.0, 3_600.0)
    off_power_w: float = _limit(6.0, 0.1, 500.0)
    off_for_s: float = _limit(30.0, 0.0, 3_600.0)
    cycles: float = _limit(3.0, 2.0, 100.0)
    cycles_within_s: float = _limit(3_600.0, 60.0, 86_400.0)
    temperature_c: float = _limit(65.0, 0.0, 150.0)
    temperature_for_s: float = _limit(60.0, 0.0, 3_600.0)
    missed_polls: float = _limit(3.0, 1.0, 1_000.0)
    missed_for_s: float = _limit(10.0, 0.0, 3_600.0)
    input_for_s: float = _limit(2.0, 0.0, 3_600.0)
    tilt_deg: float = _limit(5.0, 0.5, 90.0)
    tilt_for_s: float = _limit(60.0, 0.0, 3_600.0)
    installed_tilt_deg: float = _limit(0.0, 0.0, 180.0)
    clear_for_s: float = _limit(30.0, 0.0, 3_600.0)


NAMES = tuple(limit.name for limit in fields(Limits))
"""What may be set for one lamp."""


def limits_of(lamp_type: LampType, overrides: Mapping[str, float]) -> Limits:
    """The limits of one lamp: those of its type, and over them its own.

    A lamp whose supply was lost unseen is dark until it is warm again: what would look like a
    fault meanwhile must last longer than that. Raises LimitsError.
    """
    curve = lamp_type.power_factor_curve
    by_type = replace(
        Limits(),
        nominal_voltage_v=lamp_type.nominal_voltage_v,
        warm_up_s=lamp_type.warm_up_s,
        failure_for_s=30.0 + lamp_type.warm_up_s,
        power_for_s=60.0 + lamp_type.warm_up_s,
        power_factor=interpolate(curve, FULL_LEVEL) if curve else LEAST_POWER_FACTOR,
    )
    known = {limit.name: limit.metadata for limit in fields(Limits)}
    for name, value in overrides.items():
        if name not in known:
            raise LimitsError(f"limit {name!r} is not known; there are: {', '.join(NAMES)}")
        least, most = known[name]["least"], known[name]["most"]
        if not (math.isfinite(value) and least <= value <= most):
            raise LimitsError(f"limit {name} is {value:g}: it must be from {least:g} to {most:g}")
    return replace(by_type, **overrides)
