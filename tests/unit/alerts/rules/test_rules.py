"""What each rule raises, joins and ends; asked through the ordered tuple, as the hub asks."""

from dataclasses import replace

from gateway.alerts.happenings import ButtonPressed, ClockSkew, Context, Happening, TwinSeen
from gateway.alerts.rules import judge
from gateway.alerts.rules.clock_off import TOLERATED_S
from gateway.alerts.rules.sos import BURST_S, ECHO_S
from gateway.model import Alert, AlertKind, AlertState, Crossing, ZoneEvent

NOW = 1_800_000_000.0
PRESS = ButtonPressed(at=NOW - 2, tag="t-1", receiver="p1", gateway="gw-01")


def told(happening: Happening, *open_alerts: Alert) -> tuple[Alert, ...]:
    names = (f"a-{number}" for number in range(100))
    return judge(happening, Context(NOW, open_alerts, lambda: next(names)))


def test_a_press_is_an_sos_of_its_tag() -> None:
    (alert,) = told(PRESS)
    assert (alert.kind, alert.tag, alert.at) == (AlertKind.SOS, "t-1", NOW - 2)
    assert (alert.state, alert.raised_at) == (AlertState.RAISED, NOW)


def test_a_burst_of_presses_is_one_sos_and_a_later_press_another() -> None:
    (first,) = told(PRESS)
    assert told(replace(PRESS, at=PRESS.at + BURST_S - 1), first) == ()
    assert len(told(replace(PRESS, at=PRESS.at + BURST_S), first)) == 1


def test_an_acknowledged_sos_of_another_tag_does_not_swallow_a_press() -> None:
    (first,) = told(PRESS)
    acknowledged = replace(first, state=AlertState.ACKNOWLEDGED)
    assert len(told(replace(PRESS, tag="t-2"), acknowledged)) == 1


def test_a_press_after_the_acknowledgement_is_a_new_sos_but_its_echo_is_not() -> None:
    (first,) = told(PRESS)
    acknowledged = replace(first, state=AlertState.ACKNOWLEDGED)
    assert told(replace(PRESS, at=PRESS.at + ECHO_S - 1), acknowledged) == ()
    assert len(told(replace(PRESS, at=PRESS.at + ECHO_S), acknowledged)) == 1


def test_a_press_of_an_unknown_tag_still_alerts() -> None:
    (alert,) = told(replace(PRESS, tag=""))
    assert (alert.tag, alert.receiver) == ("", "p1")


def test_a_press_that_arrives_an_hour_late_keeps_its_time() -> None:
    (alert,) = told(replace(PRESS, at=NOW - 3600))
    assert (alert.at, alert.raised_at) == (NOW - 3600, NOW)


def test_crossings_of_both_kinds_are_told() -> None:
    crossing = ZoneEvent(NOW, "t-1", "school", Crossing.ENTER, 0.9)
    (alert,) = told(crossing)
    assert (alert.kind, alert.zone) == (AlertKind.ZONE_ENTER, "school")
    (left,) = told(replace(crossing, event=Crossing.LEAVE))
    assert left.kind is AlertKind.ZONE_LEAVE


def test_a_clock_off_is_raised_once_and_resolved_by_itself() -> None:
    off = ClockSkew(NOW, "gw-01", 3600.0)
    (alert,) = told(off)
    assert alert.kind is AlertKind.CLOCK_OFF
    assert told(off, alert) == ()
    (over,) = told(replace(off, skew_s=TOLERATED_S), alert)
    assert (over.id, over.state) == (alert.id, AlertState.RESOLVED)


def test_twins_are_raised_once_a_gateway() -> None:
    (alert,) = told(TwinSeen(NOW, "gw-01"))
    assert told(TwinSeen(NOW + 1, "gw-01"), alert) == ()
    assert len(told(TwinSeen(NOW + 1, "gw-02"), alert)) == 1
