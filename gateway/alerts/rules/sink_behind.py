"""InfluxDB gets nothing: for staff, who see it in no other way; over by itself."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.alerts.happenings import Context, Happening, SinkLag
from gateway.model import Alert, AlertKind, AlertState

BEHIND_S = 600.0
CAUGHT_UP_S = 60.0


def changes(happening: Happening, context: Context) -> Iterator[Alert]:
    """Raised once what waits longest waits for BEHIND_S, resolved at less than CAUGHT_UP_S."""
    if not isinstance(happening, SinkLag):
        return
    standing = [alert for alert in context.open_alerts if alert.kind is AlertKind.SINK_BEHIND]
    if happening.oldest_s < CAUGHT_UP_S:
        yield from (replace(alert, state=AlertState.RESOLVED) for alert in standing)
    elif happening.oldest_s >= BEHIND_S and not standing:
        yield Alert(
            id=context.new_id(),
            kind=AlertKind.SINK_BEHIND,
            state=AlertState.RAISED,
            at=happening.at - happening.oldest_s,
            raised_at=context.now,
        )
