"""What staff and technicians are told of lamps; times are Unix seconds, levels percent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from gateway.lamps import Authority, LampEventKind, OutcomeState

LampState = Literal["on", "off", "unknown"]
Values = Mapping[str, float | bool | None]


@dataclass(frozen=True, slots=True)
class LampShape:
    """A lamp, as its last reading (`at`) told it.

    It is `unknown` where nothing was read for minutes. `target_level` was commanded by
    `authority` for `reason`, the node says that it follows `feedback_level` and gives
    `actual_level`: three things. `faults` go on now; `work` is the furthest that somebody came with
    them. `gateway` "" is a lamp that nothing drives.
    """

    lamp: str
    lon: float
    lat: float
    pole: str
    gateway: str
    bus: str
    unit: int
    profile: str
    lamp_type: str
    groups: tuple[str, ...]
    calendar: str
    state: LampState
    at: float | None
    target_level: float | None
    feedback_level: float | None
    actual_level: float | None
    active_power_w: float | None
    authority: Authority | None
    reason: str
    faults: tuple[LampEventKind, ...]
    work: Literal["open", "assigned", ""]


@dataclass(frozen=True, slots=True)
class LampsShape:
    """Every lamp that was asked for; `sunset` and `sunrise` are this night's, null in polar ones.

    `groups` are all that lamps are grouped by.
    """

    at: float
    sunset: float | None
    sunrise: float | None
    groups: tuple[str, ...]
    lamps: tuple[LampShape, ...]


@dataclass(frozen=True, slots=True)
class OutcomeShape:
    """What became of an override at one lamp; `at` is null while it waits."""

    lamp: str
    state: OutcomeState
    why: str
    at: float | None


@dataclass(frozen=True, slots=True)
class OverrideShape:
    """Somebody's word over the programs. `level` null: go on with the program.

    `ended_at` is when somebody ended it before its `expiration`. An outcome is `failed` for
    `gateway_away` where the lamp's gateway said nothing for 3 s; what it says later stands.
    """

    id: str
    lamps: tuple[str, ...]
    level: float | None
    authority: Authority
    scene: str
    blink: bool
    reason: str
    by: str
    made_at: float
    start: float
    expiration: float
    ended_at: float | None
    outcomes: tuple[OutcomeShape, ...]


@dataclass(frozen=True, slots=True)
class WorkShape:
    """How far the work on a fault is; `by` said so at `at`."""

    state: Literal["open", "assigned", "done"]
    assignee: str
    note: str
    at: float
    by: str


@dataclass(frozen=True, slots=True)
class LampEventShape:
    """A fault of a lamp; `end` null: it goes on. `evidence` are the readings that showed it."""

    id: int
    lamp: str
    kind: LampEventKind
    start: float
    end: float | None
    evidence: Mapping[str, float]
    work: WorkShape
    history: tuple[WorkShape, ...]


@dataclass(frozen=True, slots=True)
class AvailabilityShape:
    """Of the last `days`: the share of it in which the lamp did its duty, faults, hours a repair.

    `mttr_h` is the mean time to repair, null where nothing was repaired.
    """

    days: float
    up: float
    faults: int
    mttr_h: float | None


@dataclass(frozen=True, slots=True)
class LampDetail(LampShape):
    """A lamp, its last reading whole, and what is said and known of it.

    A quantity that could not be read is null, and `masked` says why. `limits` are those that hold,
    `own_limits` those that are this lamp's own.
    `overrides` come with what became of them at this lamp alone.
    """

    values: Values
    masked: Mapping[str, str]
    meter_class: float | None
    overrides: tuple[OverrideShape, ...]
    events: tuple[LampEventShape, ...]
    availability: AvailabilityShape
    limits: Mapping[str, float]
    own_limits: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class HistoryShape:
    """[at, target_level, actual_level, active_power_w] by time, 2,000 at the most."""

    lamp: str
    points: tuple[tuple[float, float | None, float | None, float | None], ...]


@dataclass(frozen=True, slots=True)
class PlanStep:
    """The level from `at` to `until` by the program alone; a sensor may change it (`by_sensor`)."""

    at: float
    until: float
    level: float
    authority: Authority
    reason: str
    by_sensor: str


@dataclass(frozen=True, slots=True)
class NowShape:
    """What the lamp's gateway last decided."""

    at: float
    level: float
    authority: Authority
    reason: str


@dataclass(frozen=True, slots=True)
class PlanShape:
    """What a lamp will do in a night, and why: the calendar's `rule` chose the program."""

    lamp: str
    night: date
    sunset: float | None
    sunrise: float | None
    calendar: str
    rule: str
    program: str
    steps: tuple[PlanStep, ...]
    now: NowShape | None


@dataclass(frozen=True, slots=True)
class ActShape:
    """One command that somebody gave."""

    at: float
    by: str
    authority: str
    action: str
    subject: str
    detail: str
