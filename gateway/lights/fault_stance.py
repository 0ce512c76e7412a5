"""What a lamp should be doing at a reading, and whether its power may be judged by that."""

import math
from dataclasses import dataclass

from gateway.lamps import LampReading, LampType
from gateway.lights.expected import FULL_LEVEL, expected_w, least_lit, level_of
from gateway.lights.limits import Limits

LONGEST_RAMP_S = 900.0  # a level that still moves so long after a command is no ramp
LONGEST_GAP_S = 180.0  # of such a silence the lamp may have been without mains
LONGEST_ALONE_S = 900.0  # who hears its master and follows itself for longer does not obey
MOVED_POINTS = 1.0


@dataclass(slots=True)
class Stance:
    """A reading, seen with what came before it.

    `wanted` is the level that the lamp should have: what was commanded, or what it follows by
    itself while it is autonomous, as it may be for a while. `restarted`: it was, or may have been,
    without mains since the reading before. `at_rest`: no command, ramp or restart within the
    settling time; `settled`: nor within the warm-up. `misfit` is -1 or 1 where the power is out of
    tolerance at the level that the lamp says it gives, 0 where it fits, None where it cannot be
    judged; `misfit_wanted` likewise at the level wanted, and `fits_level` the level whose power it
    would be. `lit`: None where it is neither surely lit nor surely dark.
    """

    reading: LampReading
    wanted: float | None
    supply_sound: bool
    restarted: bool
    at_rest: bool
    settled: bool
    lit: bool | None = None
    expected_w: float | None = None
    misfit: int | None = None
    misfit_wanted: int | None = None
    fits_level: float | None = None


class Standing:
    """Remembers of the readings so far what the next one is to be seen with."""

    def __init__(self, lamp_type: LampType, limits: Limits) -> None:
        self._type = lamp_type
        self._limits = limits
        self._at = -math.inf
        self._wanted: float | None = None
        self._actual: float | None = None
        self._losses: int | None = None
        self._alone = False
        self._alone_since = math.inf
        self._commanded_at = -math.inf
        self._moved_at = -math.inf

    def update(self, reading: LampReading, *, missed: bool) -> Stance:
        """`missed`: so many polls before this one failed that the lamp may have lost its mains."""
        at, limits = reading.at, self._limits
        if not reading.autonomous or not self._alone or at - self._at > LONGEST_GAP_S:
            self._alone_since = at
        alone = reading.autonomous and at - self._alone_since < LONGEST_ALONE_S
        wanted = reading.feedback_level if alone else reading.target_level
        if wanted is None:
            wanted = reading.feedback_level
        sound = self._supply_sound(reading.supply_voltage_v)
        restarted = self._lost(reading) or missed or not sound or at - self._at > LONGEST_GAP_S
        self._follow(reading, wanted, restarted=restarted)
        rest_s = at - self._moved_at
        stance = Stance(
            reading,
            wanted,
            sound,
            restarted,
            rest_s >= limits.settle_s,
            rest_s >= limits.settle_s + limits.warm_up_s,
        )
        if wanted is not None and wanted > 0 and reading.active_power_w is not None:
            self._weigh(stance, wanted, reading.active_power_w)
        return stance

    def _lost(self, reading: LampReading) -> bool:
        """Whether the node says that it was without supply: by its count, or as it is on its own
        though it was commanded, which is how a node starts.
        """
        losses, before = reading.supply_loss_count, self._losses
        if losses is not None:
            self._losses = losses
        alone = self._alone
        if reading.autonomous is not None:
            self._alone = reading.autonomous
        counted = losses is not None and before is not None and losses > before
        return counted or (self._alone and not alone)

    def _supply_sound(self, volts: float | None) -> bool:
        if volts is None:
            return True
        nominal_v = self._limits.nominal_voltage_v
        return abs(volts - nominal_v) <= self._limits.voltage_tolerance * nominal_v

    def _follow(self, reading: LampReading, wanted: float | None, *, restarted: bool) -> None:
        at = reading.at
        ramps = _moved(self._actual, reading.actual_level)
        if ramps:
            self._actual = reading.actual_level
        if restarted or at < self._at or _moved(self._wanted, wanted):
            self._commanded_at = self._moved_at = at
        elif ramps and at - self._commanded_at <= LONGEST_RAMP_S:
            self._moved_at = at
        self._at, self._wanted = at, wanted

    def _weigh(self, stance: Stance, wanted: float, power_w: float) -> None:
        stance.expected_w = wanted_w = expected_w(self._type, wanted)
        dark_w = self._limits.failure_ratio * wanted_w
        if dark_w > self._type.power_curve[0][1]:  # else a dark lamp's standby looks like light
            stance.lit = False if power_w < dark_w else True if power_w > 2 * dark_w else None
        if not (stance.settled and stance.lit):
            return
        stance.misfit = stance.misfit_wanted = self._misfit(stance, power_w, wanted)
        given = stance.reading.actual_level
        if given is not None and abs(given - wanted) > MOVED_POINTS:
            stance.expected_w = expected_w(self._type, given)
            stance.misfit = self._misfit(stance, power_w, given)
        full_w = self._type.power_curve[-1][1] * (1 + self._limits.power_tolerance)
        if stance.misfit_wanted and power_w <= full_w:
            stance.fits_level = min(level_of(self._type, power_w), FULL_LEVEL)

    def _misfit(self, stance: Stance, power_w: float, level: float) -> int:
        """Power may go with the square of the voltage (ballasts), or not at all (drivers)."""
        limits, volts = self._limits, stance.reading.supply_voltage_v
        expected, (least_level, least_w) = expected_w(self._type, level), least_lit(self._type)
        sag = 1.0 if volts is None else (volts / limits.nominal_voltage_v) ** 2
        low = expected * min(1.0, sag) * (1 - limits.power_tolerance)
        most_w = least_w if 0 < level < least_level else expected
        high = most_w * max(1.0, sag) * (1 + limits.power_tolerance)
        if abs(power_w - expected) <= limits.power_least_w:
            return 0
        return -1 if power_w < low else int(power_w > high)


def _moved(before: float | None, now: float | None) -> bool:
    if before is None or now is None:
        return before is not now
    return abs(now - before) > MOVED_POINTS
