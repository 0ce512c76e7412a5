"""A damaged database."""

from gateway.alerts.happenings import SinkLag, StoreDamaged
from gateway.alerts.rules.sink_behind import BEHIND_S
from gateway.model import AlertKind
from tests.unit.alerts.rules.asking import NOW, told


def test_it_is_raised_once_until_somebody_resolves_it() -> None:
    (alert,) = told(StoreDamaged(NOW))
    assert (alert.kind, alert.at, alert.raised_at) == (AlertKind.STORE_DAMAGED, NOW, NOW)
    assert told(StoreDamaged(NOW + 1), alert) == ()


def test_another_alert_does_not_stand_for_it() -> None:
    (other,) = told(SinkLag(NOW, BEHIND_S))
    assert len(told(StoreDamaged(NOW), other)) == 1
