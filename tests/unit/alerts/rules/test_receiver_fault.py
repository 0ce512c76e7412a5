"""Receivers that a technician must see to."""

from dataclasses import replace

from gateway.alerts.happenings import ReceiversJudged
from gateway.alerts.rules import receiver_told
from gateway.alerts.rules.receiver_fault import KINDS
from gateway.model import Alert, AlertKind, AlertState
from tests.unit.alerts.rules.asking import NOW, told

DEAD = ("r-2", AlertKind.RECEIVER_DEAD)
MOVED = ("r-1", AlertKind.RECEIVER_MOVED)
SWAPPED = ("r-1", AlertKind.RECEIVER_SWAPPED)


def judged(*faults: tuple[str, AlertKind]) -> ReceiversJudged:
    return ReceiversJudged(NOW - 60.0, frozenset(faults))


def subjects(alerts: tuple[Alert, ...]) -> list[tuple[str, AlertKind]]:
    return [(alert.receiver, alert.kind) for alert in alerts]


def test_each_faulty_receiver_is_an_alert_and_raised_once() -> None:
    raised = told(judged(DEAD, MOVED))
    assert subjects(raised) == [MOVED, DEAD]
    assert {alert.state for alert in raised} == {AlertState.RAISED}
    assert {(alert.at, alert.raised_at) for alert in raised} == {(NOW - 60.0, NOW)}
    assert told(judged(DEAD, MOVED), *raised) == ()


def test_one_that_is_no_longer_found_is_over_also_when_it_was_acknowledged() -> None:
    moved, dead = told(judged(DEAD, MOVED))
    taken = replace(dead, state=AlertState.ACKNOWLEDGED)
    (over,) = told(judged(MOVED), moved, taken)
    assert (over.id, over.state) == (dead.id, AlertState.RESOLVED)


def test_another_fault_of_the_same_receiver_is_another_alert() -> None:
    (moved,) = told(judged(MOVED))
    over, new = told(judged(SWAPPED), moved)
    assert (over.id, over.state) == (moved.id, AlertState.RESOLVED)
    assert (new.receiver, new.kind, new.state) == (*SWAPPED, AlertState.RAISED)


def test_other_alerts_are_left_alone() -> None:
    (dead,) = told(judged(DEAD))
    clock = replace(dead, kind=AlertKind.CLOCK_OFF, receiver="")
    assert told(judged(), clock) == ()


def test_every_kind_of_a_receivers_alert_has_an_end() -> None:
    ended = KINDS | set(receiver_told.KINDS.values())
    assert {kind for kind in AlertKind if kind.startswith("receiver_")} == ended
