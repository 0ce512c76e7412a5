"""The judge must see each breach; what it cannot see, a run of the chaos would not show."""

from dataclasses import dataclass, field, replace
from random import Random

import pytest

from tests.system.chaos.evidence import Evidence, StoredGap, StoredRow
from tests.system.chaos.fault import Effects
from tests.system.chaos.judge import CRASH, GAP, INFLUX, LATE, LOST, TWICE, WAITS, judge
from tests.system.chaos.ledger import Committed, Emitted, Ledger, Seen
from tests.system.chaos.nemesis import History, Struck
from tests.system.chaos.town import Exit, Town

BEGAN, ENDED = 1_000.0, 2_000.0
AT = 1_500.0
ADVERT, BUTTON, TAG = "ibeacon:u:4096:1", "ibeacon:u:4:1", "t-1"
KEY = ("gw-01", "e1", "live", 7)
ROW = Committed(KEY, "gw-01", "gw-01", "sightings", AT, AT + 1, frozenset({ADVERT}), AT + 1.3)
PRESS = Committed(
    ("gw-01", "e1", "urgent", 1), "gw-01", "gw-01", "press", AT, AT, frozenset({BUTTON}), AT
)
GAP_OF_IT = StoredGap("gw-01", AT - 1, AT + 2, "restart")


@dataclass
class Stood:
    """A fault of the test."""

    kind: str = "a fault"
    name: str = "a fault of gw-01"
    touches: frozenset[str] = frozenset()
    hold_s: float = 1.0
    effects: Effects = field(default_factory=Effects)

    async def strike(self, town: Town, random: Random) -> None:
        """Nothing."""

    async def heal(self, town: Town) -> None:
        """Nothing."""


def evidence() -> Evidence:
    """An advert and a press, both as they should be; no fault stood."""
    ledger = Ledger(
        emitted=[
            Emitted(ADVERT, "gw-01", "home/OMG_p001", AT + 0.2, AT + 0.2, is_press=False),
            Emitted(BUTTON, "gw-01", "home/OMG_p001", AT, AT, is_press=True),
        ],
        tags={BUTTON: TAG},
        alerts=[Seen(TAG, AT, AT + 0.5)],
    )
    return Evidence(
        ledger,
        History(),
        BEGAN,
        ENDED,
        committed=[ROW, PRESS],
        rows=[StoredRow(KEY, int(AT), frozenset({ADVERT}))],
        sos=[(TAG, AT)],
        positions={(TAG, 1_500_000)},
        alerts={("a-1", "raised")},
        influx_positions={(TAG, 1_500_000)},
        influx_alerts={("a-1", "raised")},
    )


def stood(found: Evidence, *, effects: Effects, until: float = AT + 3) -> None:
    """A fault stood while the advert was emitted."""
    fault = Stood(effects=effects)
    struck = Struck(0, fault.kind, fault.name, fault, AT - 1, healed=until - 1, whole=until)
    found.history.struck.append(struck)
    found.history.unwell.append((AT - 1, until))


def breaches(found: Evidence) -> list[str]:
    """What is broken, once each."""
    return sorted({one.what for one in judge(found)})


def test_what_is_as_it_should_be_is_no_breach() -> None:
    assert judge(evidence()) == []


def test_a_committed_row_that_is_not_there_is_lost() -> None:
    found = evidence()
    found.rows.clear()
    assert breaches(found) == [LOST]
    assert len(judge(found)) == 2  # the row, and the advert in it


def test_a_row_that_a_gap_names_is_not_lost() -> None:
    found = evidence()
    found.rows.clear()
    found.gaps.append(GAP_OF_IT)
    assert judge(found) == []


def test_a_gap_of_another_gateway_excuses_nothing() -> None:
    found = evidence()
    found.rows.clear()
    found.gaps.append(replace_gateway(GAP_OF_IT))
    assert breaches(found) == [LOST]


def replace_gateway(gap: StoredGap) -> StoredGap:
    """The same of the other one."""
    return gap._replace(gateway="gw-02")


def test_a_row_of_another_kind_is_there_when_the_mark_says_so() -> None:
    found = evidence()
    found.committed.append(replace(ROW, kind="receiver_events", identifiers=frozenset()))
    assert breaches(found) == [LOST]
    found.marks[KEY[:3]] = 7
    assert judge(found) == []


def test_a_row_with_other_readings_than_committed_is_lost() -> None:
    found = evidence()
    found.rows[0] = found.rows[0]._replace(identifiers=frozenset())
    assert LOST in breaches(found)


def test_an_advert_in_two_windows_is_twice_unless_a_twin_heard_it() -> None:
    found = evidence()
    other = ("gw-01", "e2", "live", 1)
    found.committed.append(replace(ROW, key=other))
    found.rows.append(StoredRow(other, int(AT), frozenset({ADVERT})))
    assert breaches(found) == [TWICE]
    stood(found, effects=Effects(twins=frozenset({"gw-01"})))
    assert judge(found) == []


def test_a_window_that_nobody_committed_is_made_up() -> None:
    found = evidence()
    found.rows.append(StoredRow(("gw-01", "e1", "live", 8), 1_501, frozenset()))
    assert breaches(found) == [TWICE]
    found.committed.append(replace(ROW, key=None, identifiers=frozenset()))
    assert judge(found) == []


def test_a_press_without_an_alert_is_lost_even_in_a_gap() -> None:
    found = evidence()
    found.sos.clear()
    found.gaps.append(GAP_OF_IT)
    assert breaches(found) == [LOST]


def test_a_press_that_a_fault_took_out_of_the_outbox_must_lie_in_a_gap() -> None:
    found = evidence()
    found.sos.clear()
    stood(found, effects=Effects(loses=frozenset({"gw-01"})))
    assert breaches(found) == [LOST]
    found.gaps.append(GAP_OF_IT)
    assert judge(found) == []


def test_two_alerts_of_one_press_are_one_too_many() -> None:
    found = evidence()
    found.sos *= 2
    assert breaches(found) == [TWICE]


@pytest.mark.parametrize(("seen", "told"), [(AT + 4.9, []), (AT + 5.1, [LATE])])
def test_an_alert_is_late_after_five_seconds(seen: float, told: list[str]) -> None:
    found = evidence()
    found.ledger.alerts[:] = [Seen(TAG, AT, seen)]
    assert breaches(found) == told


@pytest.mark.parametrize(("seen", "told"), [(AT + 7.9, []), (AT + 8.1, [LATE])])
def test_the_five_seconds_begin_when_the_path_is_whole(seen: float, told: list[str]) -> None:
    found = evidence()
    stood(found, effects=Effects(), until=AT + 3)
    found.ledger.alerts[:] = [Seen(TAG, AT, seen)]
    assert breaches(found) == told


def test_influxdb_must_hold_what_the_database_holds_and_no_more() -> None:
    found = evidence()
    found.influx_positions.clear()
    found.influx_alerts.add(("a-2", "raised"))
    assert [one.what for one in judge(found)] == [INFLUX, INFLUX]


def test_what_a_fault_put_into_the_quarantine_is_not_missed() -> None:
    found = evidence()
    found.influx_positions.clear()
    found.quarantined = {(TAG, 1_500_000)}
    assert breaches(found) == [INFLUX]
    stood(found, effects=Effects(quarantines=True))
    assert judge(found) == []


def test_a_traceback_needs_a_fault_that_explains_it() -> None:
    found = evidence()
    found.tracebacks.append(("hub", "Traceback …\nOSError: disk of lead"))
    assert breaches(found) == [CRASH]
    stood(found, effects=Effects(explains=("disk of lead",)))
    assert judge(found) == []


@pytest.mark.parametrize(
    ("at", "code", "told"), [(AT, 75, []), (AT, 1, [CRASH]), (1_800, 75, [CRASH])]
)
def test_a_role_may_end_to_be_tried_again_only_while_a_fault_stands(
    at: float, code: int, told: list[str]
) -> None:
    found = evidence()
    stood(found, effects=Effects())
    found.exits.append(Exit("hub", code, at))
    assert breaches(found) == told


def test_what_waits_in_the_end_is_told() -> None:
    found = evidence()
    found.waiting["outbox of gw-01"] = 3
    assert breaches(found) == [WAITS]


def test_a_gap_over_more_than_the_faults_is_a_breach_itself() -> None:
    found = evidence()
    stood(found, effects=Effects())
    found.gaps.append(StoredGap("gw-01", AT - 1, AT + 10, "restart"))
    assert judge(found) == []
    found.gaps.append(StoredGap("gw-01", AT - 1, AT + 100, "restart"))
    assert breaches(found) == [GAP]
