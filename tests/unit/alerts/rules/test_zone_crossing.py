"""Zones entered and left."""

from dataclasses import replace

from gateway.model import AlertKind, Crossing, ZoneEvent
from tests.unit.alerts.rules.asking import NOW, told


def test_crossings_of_both_kinds_are_told() -> None:
    crossing = ZoneEvent(NOW, "t-1", "school", Crossing.ENTER, 0.9)
    (alert,) = told(crossing)
    assert (alert.kind, alert.zone) == (AlertKind.ZONE_ENTER, "school")
    (left,) = told(replace(crossing, event=Crossing.LEAVE))
    assert left.kind is AlertKind.ZONE_LEAVE
