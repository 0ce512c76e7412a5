"""A gateway's clock."""

from dataclasses import replace

from gateway.alerts.happenings import ClockSkew
from gateway.alerts.rules.clock_off import TOLERATED_S
from gateway.model import AlertKind, AlertState
from tests.unit.alerts.rules.asking import NOW, told


def test_a_clock_off_is_raised_once_and_resolved_by_itself() -> None:
    off = ClockSkew(NOW, "gw-01", 3600.0)
    (alert,) = told(off)
    assert alert.kind is AlertKind.CLOCK_OFF
    assert told(off, alert) == ()
    (over,) = told(replace(off, skew_s=TOLERATED_S), alert)
    assert (over.id, over.state) == (alert.id, AlertState.RESOLVED)
