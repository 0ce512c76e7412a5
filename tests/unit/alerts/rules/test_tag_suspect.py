"""A tag that may be copied or replayed."""

from gateway.alerts.happenings import TagSuspected
from gateway.alerts.rules.tag_suspect import AGAIN_S
from gateway.model import AlertKind, AlertState, Doubt, Suspicion
from tests.unit.alerts.rules.asking import NOW, told


def suspected(doubt: Doubt, *, at: float = NOW, tag: str = "t-1") -> TagSuspected:
    return TagSuspected(Suspicion(at, tag, doubt, ("r-1", "r-9")))


def test_staff_are_told_once_of_each_doubt_and_not_where() -> None:
    (alert,) = told(suspected(Doubt.TWO_PLACES))
    assert (alert.kind, alert.tag, alert.suspect) == (AlertKind.TAG_SUSPECT, "t-1", "two_places")
    assert (alert.receiver, alert.zone, alert.gateway) == ("", "", "")
    assert told(suspected(Doubt.TWO_PLACES, at=NOW + 600.0), alert) == ()
    assert len(told(suspected(Doubt.CLOSED_SLOT), alert)) == 1
    assert len(told(suspected(Doubt.TWO_PLACES, tag="t-2"), alert)) == 1


def test_a_day_later_it_is_raised_anew() -> None:
    (alert,) = told(suspected(Doubt.CLOSED_SLOT))
    over, new = told(suspected(Doubt.CLOSED_SLOT, at=NOW + AGAIN_S), alert)
    assert (over.id, over.state) == (alert.id, AlertState.RESOLVED)
    assert (new.at, new.state) == (NOW + AGAIN_S, AlertState.RAISED)
