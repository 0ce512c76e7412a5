"""Two gateways with one id: what they hear is kept, and a technician must rename one."""

from collections.abc import Iterator

from gateway.alerts.happenings import Context, Happening, TwinSeen
from gateway.model import Alert, AlertKind, AlertState


def changes(happening: Happening, context: Context) -> Iterator[Alert]:
    """Raised once a gateway until somebody resolves it."""
    if not isinstance(happening, TwinSeen):
        return
    for alert in context.open_alerts:
        if alert.kind is AlertKind.TWIN_GATEWAY and alert.gateway == happening.gateway:
            return
    yield Alert(
        id=context.new_id(),
        kind=AlertKind.TWIN_GATEWAY,
        state=AlertState.RAISED,
        at=happening.at,
        raised_at=context.now,
        gateway=happening.gateway,
    )
