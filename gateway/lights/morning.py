"""What staff read in the morning: every fault that the night saw, also those that hid by day."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.lamps import LampEvent
from gateway.lamps import LampEventKind as Kind

URGENCY: tuple[Kind, ...] = (
    Kind.LEAKAGE_DETECTED,
    Kind.IMPACT_DETECTED,
    Kind.CABINET_DOOR_OPEN,
    Kind.CIRCUIT_BREAKER_TRIPPED,
    Kind.LAMP_FAILURE,
    Kind.SUPPLY_LOSS,
    Kind.RELAY_FAILURE,
    Kind.CYCLING_FAILURE,
    Kind.COMMUNICATION_FAILURE,
    Kind.ORIENTATION_CHANGED,
    Kind.DIMMING_FAILURE,
    Kind.LAMP_UNEXPECTED_ON,
    Kind.TEMPERATURE_TOO_HIGH,
    Kind.LAMP_POWER_TOO_HIGH,
    Kind.LAMP_POWER_TOO_LOW,
    Kind.SUPPLY_VOLTAGE_TOO_HIGH,
    Kind.SUPPLY_VOLTAGE_TOO_LOW,
    Kind.POWER_FACTOR_TOO_LOW,
)
"""What to see to first: danger to people, then darkness, then what wears or wastes."""


@dataclass(frozen=True, slots=True)
class MorningReport:
    """Of the night from `since` to `until` (Unix seconds).

    `faults` are all that were open at any time in it, the most urgent first; those with an `end`
    are over. `counts` are of lamps by kind. `unheard` lamps said nothing all night; `sound` is how
    many lamps were heard and had no fault.
    """

    night: date
    since: float
    until: float
    lamps: int
    sound: int
    faults: tuple[LampEvent, ...]
    counts: Mapping[Kind, int]
    unheard: tuple[str, ...]


def morning_report(
    night: date,
    *,
    since: float,
    until: float,
    lamps: Collection[str],
    events: Iterable[LampEvent],
    heard: Collection[str],
) -> MorningReport:
    """`lamps` are those that something drives; `heard` those of which anything was read in it."""
    known = set(lamps)
    faults = [
        event
        for event in events
        if event.lamp in known and event.start < until and (event.end is None or event.end > since)
    ]
    faults.sort(key=lambda event: (URGENCY.index(event.kind), event.start, event.lamp))
    unheard = sorted(known.difference(heard))
    faulty = {event.lamp for event in faults}
    kinds = Counter(kind for kind, _ in {(event.kind, event.lamp) for event in faults})
    return MorningReport(
        night,
        since,
        until,
        lamps=len(known),
        sound=len(known - faulty - set(unheard)),
        faults=tuple(faults),
        counts={kind: kinds[kind] for kind in URGENCY if kind in kinds},
        unheard=tuple(unheard),
    )
