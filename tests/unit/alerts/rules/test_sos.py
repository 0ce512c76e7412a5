"""A press is an SOS: bursts, acknowledgements, strangers, late ones."""

from dataclasses import replace

from gateway.alerts.happenings import ButtonPressed
from gateway.alerts.rules.sos import BURST_S, ECHO_S
from gateway.model import AlertKind, AlertState
from tests.unit.alerts.rules.asking import NOW, told

PRESS = ButtonPressed(at=NOW - 2, tag="t-1", receiver="p1", gateway="gw-01")


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


def test_the_doubt_about_a_press_stands_in_its_alert() -> None:
    (alert,) = told(replace(PRESS, doubt="counter"))
    assert (alert.kind, alert.suspect) == (AlertKind.SOS, "counter")


def test_a_recording_joins_any_sos_but_a_true_press_never_joins_a_recording() -> None:
    """Or whoever plays one first could make the true one look like it."""
    recording = replace(PRESS, doubt="counter")
    (suspect,) = told(recording)
    assert told(recording, suspect) == ()
    (sure,) = told(PRESS, suspect)
    assert sure.suspect == ""
    assert told(recording, sure) == ()
    assert told(PRESS, suspect, sure) == ()
