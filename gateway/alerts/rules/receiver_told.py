"""What a gateway says of its own receivers, as it happens: begun, and over."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.alerts.happenings import Context, Happening, ReceiverTold
from gateway.model import Alert, AlertKind, AlertState, Condition

KINDS = {
    Condition.DOWN: AlertKind.RECEIVER_DOWN,
    Condition.HEARS_NOTHING: AlertKind.RECEIVER_HEARS_NOTHING,
    Condition.LOSES_ADVERTS: AlertKind.RECEIVER_LOSES_ADVERTS,
}


def changes(happening: Happening, context: Context) -> Iterator[Alert]:
    """One alert a receiver and condition, until its gateway says that it is over."""
    if not isinstance(happening, ReceiverTold):
        return
    event, kind = happening.event, KINDS[happening.event.condition]
    standing = [
        alert
        for alert in context.open_alerts
        if (alert.kind, alert.receiver, alert.gateway) == (kind, event.receiver, happening.gateway)
    ]
    if event.over:
        yield from (replace(alert, state=AlertState.RESOLVED) for alert in standing)
    elif not standing:
        yield Alert(
            id=context.new_id(),
            kind=kind,
            state=AlertState.RAISED,
            at=event.at,
            raised_at=context.now,
            gateway=happening.gateway,
            receiver=event.receiver,
        )
