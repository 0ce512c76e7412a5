"""How much of the time a lamp could give its light, and how long its repairs took."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.lamps import LampEvent
from gateway.lamps import LampEventKind as Kind

NO_LIGHT = frozenset(
    {Kind.LAMP_FAILURE, Kind.CYCLING_FAILURE, Kind.CIRCUIT_BREAKER_TRIPPED, Kind.SUPPLY_LOSS}
)
"""While one of these is open the lamp does not give its light. A silent lamp may well do."""

OF_THE_MAINS = frozenset(
    {Kind.SUPPLY_LOSS, Kind.SUPPLY_VOLTAGE_TOO_LOW, Kind.SUPPLY_VOLTAGE_TOO_HIGH}
)
"""Nothing that a technician repairs at the lamp: no part of the mean time to repair."""

DAY_S, HOUR_S = 86_400.0, 3_600.0


@dataclass(frozen=True, slots=True)
class Availability:
    """Of one lamp over `days`: `up` 0 to 1, how many `faults` began, and the mean hours from the
    start to the end of those that ended (None where none did).
    """

    days: float
    up: float
    faults: int
    mttr_h: float | None


def availability(events: Iterable[LampEvent], *, since: float, until: float) -> Availability:
    """Of the events of one lamp, those that touch [since, until) are taken."""
    touching = [
        event
        for event in events
        if event.start < until and (event.end is None or event.end > since)
    ]
    down_s = _covered_s(
        (max(since, event.start), min(until, until if event.end is None else event.end))
        for event in touching
        if event.kind in NO_LIGHT
    )
    repairs_h = [
        (event.end - event.start) / HOUR_S
        for event in touching
        if event.end is not None and event.end <= until and event.kind not in OF_THE_MAINS
    ]
    return Availability(
        days=(until - since) / DAY_S,
        up=1.0 - down_s / (until - since),
        faults=sum(event.start >= since for event in touching),
        mttr_h=sum(repairs_h) / len(repairs_h) if repairs_h else None,
    )


def _covered_s(spans: Iterable[tuple[float, float]]) -> float:
    """Seconds that any of the spans covers."""
    covered_s, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        covered_s += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered_s
