"""The table of faults: what shows each, for how long, and with what evidence. Order is the table's.

A rule answers True (it shows), False (it does not) or None (this reading cannot say). While its
fault is open it is judged a little more strictly, so that a value at the limit does not flicker.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.lamps import LampEventKind as Kind
from gateway.lamps import LampReading, LampType
from gateway.lights.expected import least_lit, least_power_factor
from gateway.lights.fault_shape import Shape
from gateway.lights.fault_stance import Stance
from gateway.lights.limits import Limits

STRICTER = 0.8
COOLER_C = 3.0


@dataclass(slots=True)
class Facts:
    """All that a rule may ask. `cycled` is what the count of cycles says of this reading."""

    stance: Stance
    limits: Limits
    lamp_type: LampType
    shape: Shape
    cycled: bool | None
    cycling: bool
    tilt_jump_deg: float


Verdict = bool | None


@dataclass(frozen=True, slots=True)
class Rule:
    """`for_s` and `clear_for_s` name fields of Limits ("" = at once); `shows` those of LampReading
    that are evidence beside the levels, the power and the voltage.
    """

    kind: Kind
    judge: Callable[[Facts, bool], Verdict]
    for_s: str
    shows: tuple[str, ...] = ()
    clear_for_s: str = "clear_for_s"


def _lamp_failure(facts: Facts, _: bool) -> Verdict:
    stance = facts.stance
    if not stance.settled or stance.lit is None or _explained(facts) or not _follows(facts):
        return None
    return not stance.lit


def _power_too_low(facts: Facts, is_open: bool) -> Verdict:
    return _power_misfit(facts, is_open, side=-1)


def _power_too_high(facts: Facts, is_open: bool) -> Verdict:
    return _power_misfit(facts, is_open, side=1)


def _power_misfit(facts: Facts, is_open: bool, *, side: int) -> Verdict:
    misfit = facts.stance.misfit
    if misfit is None or _explained(facts):
        return None
    if facts.shape is Shape.OTHER_LEVEL:
        return False
    return misfit == side or (is_open and _nearly_misfit(facts, side))


def _nearly_misfit(facts: Facts, side: int) -> bool:
    power_w, expected = facts.stance.reading.active_power_w, facts.stance.expected_w
    if power_w is None or not expected:
        return False
    off = side * (power_w - expected)
    return off > max(STRICTER * facts.limits.power_tolerance * expected, facts.limits.power_least_w)


def _dimming_failure(facts: Facts, _: bool) -> Verdict:
    stance, limits = facts.stance, facts.limits
    if stance.wanted is None or stance.wanted <= 0 or not stance.settled or _explained(facts):
        return None
    if not _follows(facts):
        return True
    if not _near(facts, stance.reading.actual_level, limits.dimming_points):
        return True
    if stance.misfit_wanted is None:
        return None
    return (
        stance.misfit_wanted != 0
        and facts.shape is not Shape.SCALED
        and stance.fits_level is not None
        and abs(stance.fits_level - stance.wanted) > limits.dimming_points
    )


def _voltage_too_low(facts: Facts, is_open: bool) -> Verdict:
    share = _voltage_share(facts)
    if share is None:
        return None
    edge = 1.0 - facts.limits.voltage_tolerance * (STRICTER if is_open else 1.0)
    return facts.limits.voltage_loss_ratio <= share < edge


def _voltage_too_high(facts: Facts, is_open: bool) -> Verdict:
    share = _voltage_share(facts)
    if share is None:
        return None
    return share > 1.0 + facts.limits.voltage_tolerance * (STRICTER if is_open else 1.0)


def _supply_loss(facts: Facts, _: bool) -> Verdict:
    share = _voltage_share(facts)
    return None if share is None else share < facts.limits.voltage_loss_ratio


def _power_factor_too_low(facts: Facts, is_open: bool) -> Verdict:
    stance, factor = facts.stance, facts.stance.reading.power_factor
    if factor is None or not (stance.settled and stance.lit) or stance.wanted is None:
        return None
    if stance.misfit:  # it goes with the power: at another level another factor is right
        return None
    given = stance.reading.actual_level
    least = least_power_factor(
        facts.lamp_type,
        stance.wanted if given is None else given,
        at_full=facts.limits.power_factor,
    )
    return None if least is None else factor < least * (1.02 if is_open else 1.0)


def _unexpected_on(facts: Facts, _: bool) -> Verdict:
    stance, power_w = facts.stance, facts.stance.reading.active_power_w
    if stance.wanted is None or stance.wanted > 0 or not stance.at_rest or power_w is None:
        return None
    return power_w > facts.limits.off_power_w


def _relay_failure(facts: Facts, is_open: bool) -> Verdict:
    """Lit though the node has switched it off: the contacts are welded."""
    lit = _unexpected_on(facts, is_open)
    says_off = facts.stance.reading.feedback_level == 0 and not facts.stance.reading.actual_level
    return lit if lit is None else lit and says_off


def _cycling_failure(facts: Facts, _: bool) -> Verdict:
    return facts.cycled


def _temperature_too_high(facts: Facts, is_open: bool) -> Verdict:
    celsius = facts.stance.reading.temperature_c
    if celsius is None:
        return None
    return celsius > facts.limits.temperature_c - (COOLER_C if is_open else 0.0)


def _door_open(facts: Facts, _: bool) -> Verdict:
    return facts.stance.reading.door_open


def _breaker_tripped(facts: Facts, _: bool) -> Verdict:
    return facts.stance.reading.breaker_tripped


def _leakage(facts: Facts, _: bool) -> Verdict:
    return facts.stance.reading.leakage


def _orientation_changed(facts: Facts, is_open: bool) -> Verdict:
    return _leans(facts, is_open)


def _impact_detected(facts: Facts, is_open: bool) -> Verdict:
    """A blow moves it between two readings; what comes slowly is a pole that leans."""
    if facts.stance.reading.tilt_deg is None:
        return None
    if facts.tilt_jump_deg > facts.limits.tilt_deg:
        return True
    return bool(_leans(facts, is_open)) if is_open else False


def _leans(facts: Facts, is_open: bool) -> Verdict:
    tilt = facts.stance.reading.tilt_deg
    if tilt is None:
        return None
    edge = facts.limits.tilt_deg * (STRICTER if is_open else 1.0)
    return abs(tilt - facts.limits.installed_tilt_deg) > edge


def _voltage_share(facts: Facts) -> float | None:
    volts = facts.stance.reading.supply_voltage_v
    return None if volts is None else volts / facts.limits.nominal_voltage_v


def _follows(facts: Facts) -> bool:
    """Whether the node follows the command, as far as it says."""
    return _near(facts, facts.stance.reading.feedback_level, facts.limits.feedback_points)


def _near(facts: Facts, level: float | None, points: float) -> bool:
    """Whether `level` is the one wanted, or the lowest that the lamp has instead of a lower."""
    wanted = facts.stance.wanted
    if level is None or wanted is None or abs(level - wanted) <= points:
        return True
    return 0 < wanted < level <= least_lit(facts.lamp_type)[0]


def _explained(facts: Facts) -> bool:
    """What the power does is said by another fault already: a breaker, cycling, the supply."""
    stance = facts.stance
    return facts.cycling or bool(stance.reading.breaker_tripped) or not stance.supply_sound


RULES: tuple[Rule, ...] = (
    Rule(
        Kind.CYCLING_FAILURE,
        _cycling_failure,
        "",
        ("switch_on_counter", "supply_loss_count"),
        "cycles_within_s",
    ),
    Rule(Kind.LAMP_FAILURE, _lamp_failure, "failure_for_s", ("lamp_current_a",)),
    Rule(Kind.LAMP_POWER_TOO_LOW, _power_too_low, "power_for_s"),
    Rule(Kind.LAMP_POWER_TOO_HIGH, _power_too_high, "power_for_s"),
    Rule(Kind.DIMMING_FAILURE, _dimming_failure, "dimming_for_s"),
    Rule(Kind.SUPPLY_VOLTAGE_TOO_LOW, _voltage_too_low, "voltage_for_s"),
    Rule(Kind.SUPPLY_VOLTAGE_TOO_HIGH, _voltage_too_high, "voltage_for_s"),
    Rule(Kind.SUPPLY_LOSS, _supply_loss, "voltage_for_s", ("supply_loss_count",)),
    Rule(Kind.POWER_FACTOR_TOO_LOW, _power_factor_too_low, "power_factor_for_s", ("power_factor",)),
    Rule(Kind.LAMP_UNEXPECTED_ON, _unexpected_on, "off_for_s", ("illuminance_lx",)),
    Rule(Kind.RELAY_FAILURE, _relay_failure, "off_for_s"),
    Rule(Kind.TEMPERATURE_TOO_HIGH, _temperature_too_high, "temperature_for_s", ("temperature_c",)),
    Rule(Kind.CABINET_DOOR_OPEN, _door_open, "input_for_s", ("door_open",), "input_for_s"),
    Rule(
        Kind.CIRCUIT_BREAKER_TRIPPED,
        _breaker_tripped,
        "input_for_s",
        ("breaker_tripped",),
        "input_for_s",
    ),
    Rule(Kind.LEAKAGE_DETECTED, _leakage, "input_for_s", ("leakage",), "input_for_s"),
    Rule(Kind.ORIENTATION_CHANGED, _orientation_changed, "tilt_for_s", ("tilt_deg",), "tilt_for_s"),
    Rule(Kind.IMPACT_DETECTED, _impact_detected, "", ("tilt_deg",), "tilt_for_s"),
)
"""Every fault that readings show; communicationFailure is shown by their absence (faults.py)."""

ALWAYS_SHOWN = (
    "target_level",
    "feedback_level",
    "actual_level",
    "active_power_w",
    "supply_voltage_v",
)


def evidence(rule: Rule, facts: Facts, *, cycles: int) -> Mapping[str, float]:
    """The readings that show it, and what was expected."""
    reading: LampReading = facts.stance.reading
    found = {name: getattr(reading, name) for name in (*ALWAYS_SHOWN, *rule.shows)}
    found["expected_w"] = facts.stance.expected_w
    if rule.kind is Kind.DIMMING_FAILURE:
        found["fits_level"] = facts.stance.fits_level
    if rule.kind is Kind.CYCLING_FAILURE:
        found["cycles"] = cycles
    if rule.kind is Kind.IMPACT_DETECTED:
        found["tilt_jump_deg"] = facts.tilt_jump_deg
    return {name: float(value) for name, value in found.items() if value is not None}
