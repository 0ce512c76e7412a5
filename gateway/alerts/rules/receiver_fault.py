"""A receiver that a technician must see to: raised when it is found, over when it no longer is."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.alerts.happenings import Context, Happening, ReceiversJudged
from gateway.model import Alert, AlertKind, AlertState

KINDS = frozenset(
    {
        AlertKind.RECEIVER_DEAD,
        AlertKind.RECEIVER_SILENT,
        AlertKind.RECEIVER_DEAF,
        AlertKind.RECEIVER_MOVED,
        AlertKind.RECEIVER_SWAPPED,
    }
)


def changes(happening: Happening, context: Context) -> Iterator[Alert]:
    """One alert a receiver and fault, for as long as every judgement finds it."""
    if not isinstance(happening, ReceiversJudged):
        return
    standing = {
        (alert.receiver, alert.kind): alert for alert in context.open_alerts if alert.kind in KINDS
    }
    for found in sorted(standing.keys() - happening.faults):
        yield replace(standing[found], state=AlertState.RESOLVED)
    for receiver, kind in sorted(happening.faults - standing.keys()):
        yield Alert(
            id=context.new_id(),
            kind=kind,
            state=AlertState.RAISED,
            at=happening.at,
            raised_at=context.now,
            receiver=receiver,
        )
