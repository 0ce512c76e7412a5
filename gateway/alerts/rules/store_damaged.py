"""A damaged database: it goes on as far as it can, and a technician must put back a backup."""

from collections.abc import Iterator

from gateway.alerts.happenings import Context, Happening, StoreDamaged
from gateway.model import Alert, AlertKind, AlertState


def changes(happening: Happening, context: Context) -> Iterator[Alert]:
    """Raised once until somebody resolves it."""
    if not isinstance(happening, StoreDamaged):
        return
    if any(alert.kind is AlertKind.STORE_DAMAGED for alert in context.open_alerts):
        return
    yield Alert(
        id=context.new_id(),
        kind=AlertKind.STORE_DAMAGED,
        state=AlertState.RAISED,
        at=happening.at,
        raised_at=context.now,
    )
