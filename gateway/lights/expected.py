"""What a lamp of a type takes from the mains at a level, and the other way round."""

from bisect import bisect_right

from gateway.lamps import LampType

Curve = tuple[tuple[float, float], ...]

FULL_LEVEL = 100.0
LOWEST_MOST = 50.0
POWER_FACTOR_FROM_LEVEL = 50.0  # below it a driver without a curve of its own is not judged


def interpolate(curve: Curve, at: float) -> float:
    """The value of `curve` at `at`: straight between its points, constant beyond its ends."""
    right = bisect_right(curve, at, key=_first)
    if right == 0:
        return curve[0][1]
    if right == len(curve):
        return curve[-1][1]
    (x0, y0), (x1, y1) = curve[right - 1], curve[right]
    return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


def expected_w(lamp_type: LampType, level: float) -> float:
    """Watts at `level` percent."""
    return interpolate(lamp_type.power_curve, level)


def least_lit(lamp_type: LampType) -> tuple[float, float]:
    """The lowest level above 0 that the type's curve has, and its watts.

    Below it nothing was measured, and many lamps do not go there: they stay at that level. (0, 0)
    where the curve says nothing of the lower half.
    """
    lowest = next(point for point in lamp_type.power_curve if point[0] > 0)
    return lowest if lowest[0] <= LOWEST_MOST else (0.0, 0.0)


def level_of(lamp_type: LampType, power_w: float) -> float:
    """The level whose power this is: 0 to 100, percent."""
    return interpolate(tuple((watts, level) for level, watts in lamp_type.power_curve), power_w)


def least_power_factor(lamp_type: LampType, level: float, *, at_full: float) -> float | None:
    """The least power factor of a sound lamp at `level`, None where nothing is known of it.

    `at_full` is the least at full light; the type's curve says how much less it may be when dimmed.
    """
    curve = lamp_type.power_factor_curve
    if not curve:
        return at_full if level >= POWER_FACTOR_FROM_LEVEL else None
    if level < curve[0][0]:
        return None
    return interpolate(curve, level) * at_full / interpolate(curve, FULL_LEVEL)


def _first(point: tuple[float, float]) -> float:
    return point[0]
