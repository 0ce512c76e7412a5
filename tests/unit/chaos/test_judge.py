"""The judge must see each breach; what it cannot see, a run of the chaos would not show."""

from dataclasses import dataclass, field, replace
from random import Random

import pytest

from tests.system.chaos.evidence import Evidence, StoredGap, StoredRow
from tests.system.chaos.fault import Effects
from tests.system.chaos.judge import CRASH, GAP, INFLUX, LATE, LOST, TIME, TWICE, WAITS, judge
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
PLACE = (140.9, 37.0, 12.5)
ALERT = ("a-1", "raised", 1_500_000)
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


OTHERS = frozenset({f"ibeacon:u:4096:{number}" for number in range(2, 9)})
OTHERS_KEY = ("gw-02", "e9", "live", 3)
OTHERS_ROW = replace(
    ROW, key=OTHERS_KEY, process="gw-02", gateway="gw-02", since=1_200, identifiers=OTHERS, at=1_202
)


def evidence() -> Evidence:
    """Adverts and a press, all as they should be; no fault stood."""
    ledger = Ledger(
        emitted=[
            *(Emitted(one, "gw-02", "x", 1_200.5, 1_200.5, is_press=False) for one in OTHERS),
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
        committed=[OTHERS_ROW, ROW, PRESS],
        rows=[StoredRow(KEY, int(AT), frozenset({ADVERT})), StoredRow(OTHERS_KEY, 1_200, OTHERS)],
        sos=[(TAG, AT)],
        positions={(TAG, 1_500_000): PLACE},
        alerts={ALERT},
        influx_positions={(TAG, 1_500_000): PLACE},
        influx_alerts={ALERT},
    )


def stood(
    found: Evidence,
    *,
    effects: Effects | None = None,
    since: float = AT - 1,
    until: float = AT + 3,
    touches: str = "process:gw-01",
) -> None:
    """A fault stood, while the advert was emitted unless said otherwise."""
    fault = Stood(effects=effects or Effects(), touches=frozenset({touches}))
    struck = Struck(0, fault.kind, fault.name, fault, since, until - 1, until, until)
    found.history.struck.append(struck)


def breaches(found: Evidence) -> list[str]:
    """What is broken, once each."""
    return sorted({one.what for one in judge(found)})


def test_what_is_as_it_should_be_is_no_breach() -> None:
    assert judge(evidence()) == []


def test_a_committed_row_that_is_not_there_is_lost() -> None:
    found = evidence()
    del found.rows[0]
    assert breaches(found) == [LOST]
    assert len(judge(found)) == 2  # the row, and the advert in it


def not_heard(found: Evidence) -> None:
    """The edge was down: nothing of that second was committed."""
    del found.rows[0]
    found.committed.remove(ROW)


def test_an_advert_that_nobody_heard_must_lie_in_a_gap_of_its_gateway() -> None:
    found = evidence()
    not_heard(found)
    stood(found)
    assert breaches(found) == [LOST]
    found.gaps.append(GAP_OF_IT._replace(gateway="gw-02"))
    assert LOST in breaches(found)
    found.gaps[:] = [GAP_OF_IT]
    assert judge(found) == []


def test_a_run_most_of_which_lies_in_gaps_proves_nothing() -> None:
    found = evidence()
    found.rows.clear()
    found.committed[:] = [PRESS]
    found.gaps += [GAP_OF_IT, StoredGap("gw-02", 1_199, 1_202, "restart")]
    stood(found)
    stood(found, since=1_199, until=1_202, touches="process:gw-02")
    assert breaches(found) == [GAP]


def test_a_gap_does_not_forgive_what_was_committed() -> None:
    found = evidence()
    del found.rows[0]
    found.gaps.append(GAP_OF_IT)
    stood(found)
    assert [one.text.split()[0] for one in judge(found)] == ["row"]
    found.history.struck.clear()
    stood(found, effects=Effects(loses=frozenset({"gw-01"})), since=AT + 2, until=AT + 6)
    assert judge(found) == []


def test_what_a_full_outbox_dropped_is_forgiven_where_its_gap_says_so() -> None:
    found = evidence()
    del found.rows[0]
    found.gaps.append(GAP_OF_IT._replace(reason="outbox_full"))
    stood(found)
    assert judge(found) == []


def test_a_gap_forgives_nothing_in_the_midst_of_windows_that_are_there() -> None:
    found = evidence()
    not_heard(found)
    for number in (-1, 0, 1):
        key = ("gw-01", "e1", "live", 7 + number)
        found.rows.append(StoredRow(key, int(AT) + number, frozenset()))
        found.committed.append(replace(ROW, key=key, identifiers=frozenset()))
    found.gaps.append(StoredGap("gw-01", AT - 5, AT + 5, "restart"))
    stood(found, since=AT - 5, until=AT + 5)
    assert breaches(found) == [GAP, LOST]


@pytest.mark.parametrize("off_s", [-3_600, -7, 7, 3_600])
def test_a_window_of_another_second_than_its_adverts_is_a_breach(off_s: int) -> None:
    found = evidence()
    found.rows[0] = found.rows[0]._replace(second=int(AT) + off_s)
    assert breaches(found) == [TIME]


def test_an_sos_of_another_time_than_the_press_is_a_breach() -> None:
    found = evidence()
    found.sos[0] = (TAG, AT - 60)
    assert breaches(found) == [TIME]


def test_what_a_stalled_network_held_up_may_be_of_a_later_second() -> None:
    found = evidence()
    found.rows[0] = found.rows[0]._replace(second=int(AT) + 8)
    stood(found, touches="net:gw-01", until=AT + 8)
    assert judge(found) == []


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
    stood(found, until=AT + 3)
    found.ledger.alerts[:] = [Seen(TAG, AT, seen)]
    assert breaches(found) == told


def test_a_fault_that_is_not_in_the_way_of_an_alert_gives_it_no_time() -> None:
    found = evidence()
    stood(found, touches="process:sink", until=AT + 3)
    found.ledger.alerts[:] = [Seen(TAG, AT, AT + 7.9)]
    assert breaches(found) == [LATE]


def test_round_upon_round_does_not_put_an_alert_off_for_ever() -> None:
    found = evidence()
    for begin in range(int(AT) + 1, int(AT) + 400, 8):
        stood(found, since=begin, until=begin + 4, touches="process:hub")
    found.ledger.alerts[:] = [Seen(TAG, AT, AT + 400)]
    assert breaches(found) == [LATE]


def test_influxdb_must_hold_what_the_database_holds_and_no_more() -> None:
    found = evidence()
    found.influx_positions.clear()
    found.influx_alerts.add(("a-2", "raised", 1_500_000))
    assert [one.what for one in judge(found)] == [INFLUX, INFLUX]


def test_a_position_that_is_elsewhere_in_influxdb_is_a_breach() -> None:
    found = evidence()
    found.influx_positions[TAG, 1_500_000] = (140.9, 37.0001, 12.5)
    assert breaches(found) == [INFLUX]


def test_no_position_belongs_into_the_quarantine() -> None:
    found = evidence()
    found.quarantined = {(TAG, 1_500_000)}
    stood(found, effects=Effects(quarantines=True))
    assert breaches(found) == [INFLUX]


def test_a_traceback_needs_a_fault_that_explains_it() -> None:
    found = evidence()
    found.tracebacks.append(("hub", AT + 1, "Traceback …\nOSError: disk of lead"))
    assert breaches(found) == [CRASH]
    stood(found, effects=Effects(explains=("disk of lead",)))
    assert judge(found) == []
    found.tracebacks.append(("hub", AT + 100, "Traceback …\nOSError: disk of lead"))
    assert breaches(found) == [CRASH]


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


def test_a_gap_over_more_than_the_faults_of_its_edge_is_a_breach_itself() -> None:
    found = evidence()
    stood(found)
    found.gaps.append(StoredGap("gw-01", AT + 1, AT + 13, "restart"))
    assert judge(found) == []
    found.gaps[0] = StoredGap("gw-01", AT + 1, AT + 100, "restart")
    assert breaches(found) == [GAP]


def test_faults_of_others_add_up_to_no_gap_of_an_edge() -> None:
    found = evidence()
    for begin in range(int(AT), int(AT) + 100, 8):
        stood(found, since=begin, until=begin + 4, touches="process:sink")
    found.gaps.append(StoredGap("gw-01", AT + 1, AT + 90, "restart"))
    assert breaches(found) == [GAP]


def test_a_gap_over_windows_that_are_there_is_false() -> None:
    found = evidence()
    for number in range(5):
        key = ("gw-01", "e1", "live", 100 + number)
        found.committed.append(replace(ROW, key=key, identifiers=frozenset()))
        found.rows.append(StoredRow(key, int(AT) + 2 + number, frozenset()))
    stood(found, until=AT + 10)
    found.gaps.append(StoredGap("gw-01", AT + 1, AT + 9, "restart"))
    assert breaches(found) == [GAP]
