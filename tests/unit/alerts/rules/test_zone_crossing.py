"""Zones entered and left."""

from dataclasses import replace

from gateway.alerts.happenings import CrossingRetracted
from gateway.model import AlertKind, AlertState, Crossing, ZoneEvent
from tests.unit.alerts.rules.asking import NOW, told


def test_crossings_of_both_kinds_are_told() -> None:
    crossing = ZoneEvent(NOW, "t-1", "school", Crossing.ENTER, 0.9)
    (alert,) = told(crossing)
    assert (alert.kind, alert.zone) == (AlertKind.ZONE_ENTER, "school")
    (left,) = told(replace(crossing, event=Crossing.LEAVE))
    assert left.kind is AlertKind.ZONE_LEAVE


def test_a_retracted_crossing_ends_its_own_alert_and_no_other() -> None:
    crossing = ZoneEvent(NOW, "t-1", "school", Crossing.ENTER, 0.9)
    others = (
        replace(crossing, at=NOW - 1),
        replace(crossing, tag="t-2"),
        replace(crossing, zone="park"),
        replace(crossing, event=Crossing.LEAVE),
    )
    (own,) = told(crossing)
    standing = [alert for other in others for alert in told(other)]
    retracted = CrossingRetracted(crossing)
    assert told(retracted, *standing, own) == (replace(own, state=AlertState.RETRACTED),)
    assert told(retracted, *standing) == ()
