"""The words of lamps as immutable data: the second half of model.py, by TALQ 2.7's names.

Times are Unix seconds, UTC. Levels are percent of full light, 0 to 100. A quantity that a lamp does
not have, or could not read ("masked"), is None: it is never a zero that somebody made up.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec


class Authority(StrEnum):
    """Who decides a lamp's level; the first of these that says something wins."""

    SAFETY = "safety"
    TECHNICIAN = "technician"
    STAFF = "staff"
    DYNAMIC = "dynamic"
    PROGRAM = "program"
    FALLBACK = "fallback"


TALQ_REASON: Mapping[Authority, str] = {
    Authority.SAFETY: "override",
    Authority.TECHNICIAN: "override",
    Authority.STAFF: "override",
    Authority.DYNAMIC: "sensor",
    Authority.PROGRAM: "program",
    Authority.FALLBACK: "default",
}
"""What TALQ's `Command.reason` says of each."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The level that a lamp is to have from `at`, and why.

    `reason` says it in words for staff ("evening: 22:00 → 50 %"), `source` is the id of the
    override, or of the program. `until` is when it ends by itself, None where nothing says so.
    """

    at: float
    level: float
    authority: Authority
    reason: str
    source: str = ""
    ramp_s: float = 0.0
    until: float | None = None


# --- what a lamp tells --------------------------------------------------------------------------


class LampReading(msgspec.Struct, frozen=True, omit_defaults=True):
    """One lamp at `at`. `target_level` was commanded, `feedback_level` is what the lamp says it
    follows, `actual_level` what it says it gives: three things.

    `meter_class` is the accuracy class of the meter in percent (IEC 62053), None where there is no
    meter: then power and energy are None too, never estimated here. `masked` names the quantities
    that the lamp has and could not read, each with the reason.
    """

    at: float
    lamp: str
    authority: Authority = Authority.FALLBACK
    reason: str = ""
    target_level: float | None = None
    feedback_level: float | None = None
    actual_level: float | None = None
    supply_voltage_v: float | None = None
    frequency_hz: float | None = None
    power_factor: float | None = None
    active_power_w: float | None = None
    apparent_power_va: float | None = None
    active_energy_kwh: float | None = None
    lamp_voltage_v: float | None = None
    lamp_current_a: float | None = None
    operating_hours_h: float | None = None
    switch_on_counter: int | None = None
    supply_loss_count: int | None = None
    temperature_c: float | None = None
    illuminance_lx: float | None = None
    tilt_deg: float | None = None
    motion: bool | None = None
    door_open: bool | None = None
    breaker_tripped: bool | None = None
    leakage: bool | None = None
    autonomous: bool | None = None
    meter_class: float | None = None
    masked: dict[str, str] = {}


QUANTITIES = tuple(
    name
    for name in LampReading.__struct_fields__
    if name not in ("at", "lamp", "authority", "reason", "target_level", "meter_class", "masked")
)
"""What a lamp's registers may say, by the fields of LampReading."""


def is_lit(reading: LampReading) -> bool | None:
    """Whether the lamp gives light, as it says itself; None where it does not say."""
    level = reading.feedback_level if reading.actual_level is None else reading.actual_level
    return None if level is None else level > 0


class LampEventKind(StrEnum):
    """What can be wrong with a lamp, by TALQ's names."""

    LAMP_FAILURE = "lampFailure"
    LAMP_POWER_TOO_LOW = "lampPowerTooLow"
    LAMP_POWER_TOO_HIGH = "lampPowerTooHigh"
    DIMMING_FAILURE = "dimmingFailure"
    SUPPLY_VOLTAGE_TOO_LOW = "supplyVoltageTooLow"
    SUPPLY_VOLTAGE_TOO_HIGH = "supplyVoltageTooHigh"
    POWER_FACTOR_TOO_LOW = "powerFactorTooLow"
    LAMP_UNEXPECTED_ON = "lampUnexpectedOn"
    RELAY_FAILURE = "relayFailure"
    CYCLING_FAILURE = "cyclingFailure"
    TEMPERATURE_TOO_HIGH = "temperatureTooHigh"
    COMMUNICATION_FAILURE = "communicationFailure"
    SUPPLY_LOSS = "supplyLoss"
    CABINET_DOOR_OPEN = "cabinetDoorOpen"
    CIRCUIT_BREAKER_TRIPPED = "circuitBreakerTripped"
    LEAKAGE_DETECTED = "leakageDetected"
    ORIENTATION_CHANGED = "orientationChanged"
    IMPACT_DETECTED = "impactDetected"


def gives_light(reading: LampReading, faults: Collection[LampEventKind]) -> bool | None:
    """Whether the lamp gives light, where its open faults show more than what it says itself."""
    if LampEventKind.COMMUNICATION_FAILURE in faults:
        return None
    if LampEventKind.LAMP_FAILURE in faults or LampEventKind.SUPPLY_LOSS in faults:
        return False
    return is_lit(reading)


@dataclass(frozen=True, slots=True)
class LampEvent:
    """A fault of a lamp: told once when it starts and once more, with `end`, when it is over.

    (lamp, kind, start) is its identity. `evidence` are the readings that showed it, by the names
    of LampReading's fields (and `expected_w`, `missed_polls`), at `start`.
    """

    lamp: str
    kind: LampEventKind
    start: float
    evidence: Mapping[str, float]
    end: float | None = None


# --- what a lamp is told ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody's word over the programs, for some lamps, from `start` until `expiration`.

    `level` None means "go on with the program" (it takes back what the same authority said
    before). Of one authority the one with the greatest (made_at, id) wins. `scene` is one of
    evacuation, search, sos or empty; `blink` makes the lamps go on and off, to be found.
    `authority` is safety, technician or staff. `by` is a login, and never leaves the hub.
    """

    id: str
    lamps: tuple[str, ...]
    level: float | None
    authority: Authority
    made_at: float
    start: float
    expiration: float
    scene: str = ""
    blink: bool = False
    ramp_to_level_s: float = 0.0
    ramp_from_level_s: float = 0.0


class OutcomeState(StrEnum):
    """What became of an override at one lamp."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The edge's word about one lamp of an override; a later one (a lamp that came back) stands.

    `why` is empty where it was done, else of few words: no_answer, bus_down, unknown_lamp,
    not_followed (the lamp answered, and does something else), outranked (a higher authority holds
    the lamp), expired. The hub itself says `gateway_away`.
    """

    override: str
    lamp: str
    at: float
    state: OutcomeState
    why: str = ""


# --- what stands on the poles -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LampType:
    """A kind of luminaire.

    `power_curve` are at least two (level, watts), rising in level, from 0 to 100; between them it
    is interpolated. `power_factor_curve` likewise (level, least power factor while on), empty: 0.65
    from 50 % on. `warm_up_s` after switching on, power says nothing.
    """

    id: str
    power_curve: tuple[tuple[float, float], ...]
    nominal_voltage_v: float = 200.0
    warm_up_s: float = 30.0
    power_factor_curve: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class LampOrder:
    """What an edge must know of one of its lamps.

    `fallback_level` is what its node does by itself when it hears no master. `limits` are this
    lamp's own limits for faults, by the names of `gateway.lights.limits.Limits`. `place` are metres
    of the site, for waves of light.
    """

    lamp: str
    bus: str
    unit: int
    profile: str
    lamp_type: str
    place: tuple[float, float]
    groups: tuple[str, ...] = ()
    calendar: str = ""
    fallback_level: float = 100.0
    limits: Mapping[str, float] = field(default_factory=dict)
