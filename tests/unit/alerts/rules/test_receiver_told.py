"""What a gateway says of its receivers."""

from dataclasses import replace

import pytest

from gateway.alerts.happenings import ReceiverTold
from gateway.alerts.rules.receiver_told import KINDS
from gateway.model import AlertState, Condition, ReceiverEvent
from tests.unit.alerts.rules.asking import NOW, told


def event(condition: Condition, *, receiver: str = "r-1", over: bool = False) -> ReceiverTold:
    return ReceiverTold("gw-01", ReceiverEvent(NOW - 5.0, receiver, condition, over))


@pytest.mark.parametrize("condition", Condition)
def test_a_condition_is_raised_once_and_over_when_its_gateway_says_so(condition: Condition) -> None:
    (raised,) = told(event(condition))
    assert (raised.kind, raised.receiver, raised.gateway) == (KINDS[condition], "r-1", "gw-01")
    assert (raised.at, raised.raised_at) == (NOW - 5.0, NOW)
    assert told(event(condition), raised) == ()
    taken = replace(raised, state=AlertState.ACKNOWLEDGED)
    (over,) = told(event(condition, over=True), taken)
    assert (over.id, over.state) == (raised.id, AlertState.RESOLVED)


def test_other_receivers_and_other_conditions_stand_for_themselves() -> None:
    (down,) = told(event(Condition.DOWN))
    assert len(told(event(Condition.DOWN, receiver="r-2"), down)) == 1
    assert len(told(event(Condition.LOSES_ADVERTS), down)) == 1
    assert told(event(Condition.HEARS_NOTHING, over=True), down) == ()


def test_no_gateway_ends_what_another_told() -> None:
    (down,) = told(event(Condition.DOWN))
    of_another = replace(event(Condition.DOWN, over=True), gateway="gw-02")
    assert told(of_another, down) == ()
