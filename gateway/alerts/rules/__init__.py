"""The rules in the order in which they are asked; a rule is one module and one line here."""

from collections.abc import Callable, Iterator

from gateway.alerts.happenings import Context, Happening
from gateway.alerts.rules import (
    clock_off,
    receiver_fault,
    receiver_told,
    sink_behind,
    sos,
    store_damaged,
    tag_suspect,
    twin_gateway,
    zone_crossing,
)
from gateway.model import Alert

Rule = Callable[[Happening, Context], Iterator[Alert]]

RULES: tuple[Rule, ...] = (
    sos.changes,
    zone_crossing.changes,
    clock_off.changes,
    twin_gateway.changes,
    receiver_fault.changes,
    receiver_told.changes,
    tag_suspect.changes,
    sink_behind.changes,
    store_damaged.changes,
)


def judge(happening: Happening, context: Context) -> tuple[Alert, ...]:
    """The alerts that `happening` raises or changes, each as it now stands."""
    return tuple(alert for rule in RULES for alert in rule(happening, context))
