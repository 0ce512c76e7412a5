"""A sink, or an InfluxDB, that takes nothing."""

from gateway.alerts.happenings import ClockSkew, SinkLag
from gateway.alerts.rules.sink_behind import BEHIND_S, CAUGHT_UP_S
from gateway.model import AlertKind, AlertState
from tests.unit.alerts.rules.asking import NOW, told


def test_it_is_raised_once_since_when_nothing_was_taken() -> None:
    assert told(SinkLag(NOW, BEHIND_S - 1.0)) == ()
    (alert,) = told(SinkLag(NOW, BEHIND_S))
    assert (alert.kind, alert.at, alert.raised_at) == (AlertKind.SINK_BEHIND, NOW - BEHIND_S, NOW)
    assert told(SinkLag(NOW + 60.0, BEHIND_S + 60.0), alert) == ()


def test_it_is_over_when_it_has_caught_up_and_not_before() -> None:
    (alert,) = told(SinkLag(NOW, BEHIND_S))
    assert told(SinkLag(NOW, CAUGHT_UP_S), alert) == ()
    (over,) = told(SinkLag(NOW, 0.0), alert)
    assert (over.id, over.state) == (alert.id, AlertState.RESOLVED)


def test_it_ends_no_alert_of_another_kind() -> None:
    (other,) = told(ClockSkew(NOW, "gw-01", 3600.0))
    assert told(SinkLag(NOW, 0.0), other) == ()
