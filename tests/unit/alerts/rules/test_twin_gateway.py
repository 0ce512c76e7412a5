"""Two gateways with one id."""

from gateway.alerts.happenings import TwinSeen
from tests.unit.alerts.rules.asking import NOW, told


def test_twins_are_raised_once_a_gateway() -> None:
    (alert,) = told(TwinSeen(NOW, "gw-01"))
    assert told(TwinSeen(NOW + 1, "gw-01"), alert) == ()
    assert len(told(TwinSeen(NOW + 1, "gw-02"), alert)) == 1
