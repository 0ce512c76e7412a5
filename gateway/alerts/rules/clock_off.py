"""A gateway whose clock differs from the hub's: a technician's business, and over by itself."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.alerts.happenings import ClockSkew, Context, Happening
from gateway.model import Alert, AlertKind, AlertState

TOLERATED_S = 30.0


def changes(happening: Happening, context: Context) -> Iterator[Alert]:
    """Raised once while |skew| exceeds TOLERATED_S, resolved when it no longer does."""
    if not isinstance(happening, ClockSkew):
        return
    standing = [
        alert
        for alert in context.open_alerts
        if alert.kind is AlertKind.CLOCK_OFF and alert.gateway == happening.gateway
    ]
    if abs(happening.skew_s) <= TOLERATED_S:
        yield from (replace(alert, state=AlertState.RESOLVED) for alert in standing)
    elif not standing:
        yield Alert(
            id=context.new_id(),
            kind=AlertKind.CLOCK_OFF,
            state=AlertState.RAISED,
            at=happening.at,
            raised_at=context.now,
            gateway=happening.gateway,
        )
