"""A tag that comes into a zone or leaves it is told to those who may know."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.alerts.happenings import Context, CrossingRetracted, Happening
from gateway.model import Alert, AlertKind, AlertState, Crossing, ZoneEvent

KIND = {Crossing.ENTER: AlertKind.ZONE_ENTER, Crossing.LEAVE: AlertKind.ZONE_LEAVE}


def changes(happening: Happening, context: Context) -> Iterator[Alert]:
    """One new alert a crossing; it ends where the crossing is retracted."""
    if isinstance(happening, CrossingRetracted):
        told = happening.event
        crossing = (KIND[told.event], told.at, told.tag, told.zone)
        for alert in context.open_alerts:
            if (alert.kind, alert.at, alert.tag, alert.zone) == crossing:
                yield replace(alert, state=AlertState.RETRACTED)
    if not isinstance(happening, ZoneEvent):
        return
    kind = KIND[happening.event]
    yield Alert(
        id=context.new_id(),
        kind=kind,
        state=AlertState.RAISED,
        at=happening.at,
        raised_at=context.now,
        tag=happening.tag,
        zone=happening.zone,
    )
