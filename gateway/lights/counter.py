"""A counter of energy from one reading to the next: on, over its end, anew, or another counter."""

from dataclasses import dataclass

MOST_OVER = 1.5  # more than this times full power is not this lamp's energy
STEP_KWH = 1.05  # the coarsest counters move by a whole kWh at once
ROLL_STEP_KWH = 0.11
ROLLOVERS_KWH = tuple(
    sorted(
        [10.0**digits for digits in range(2, 9)]
        + [2.0**bits * step for bits in (16, 24, 31, 32) for step in (1e-3, 1e-2, 1e-1, 1.0)]
    )
)
"""Where counters begin anew when full: decimal digits, or whole registers of usual steps."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted. `began_anew`: the count before was lost, what came between is missing."""

    kwh: float
    began_anew: bool = False


def counted(before_kwh: float, now_kwh: float, *, full_power_kwh: float) -> Counted | None:
    """What a counter counted between two of its readings; None where it is not the same counter.

    `full_power_kwh` is what the lamp would have taken at full light in that time: no honest step
    is far above it, by which a roll-over is told from a reset.
    """
    most_kwh = MOST_OVER * full_power_kwh
    if now_kwh >= before_kwh:
        step_kwh = now_kwh - before_kwh
        return Counted(step_kwh) if step_kwh <= most_kwh + STEP_KWH else None
    for full_kwh in ROLLOVERS_KWH:
        if full_kwh >= before_kwh and full_kwh - before_kwh + now_kwh <= most_kwh + ROLL_STEP_KWH:
            return Counted(full_kwh - before_kwh + now_kwh)
    return Counted(now_kwh, began_anew=True) if now_kwh <= most_kwh + ROLL_STEP_KWH else None
