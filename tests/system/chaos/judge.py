"""What the evidence says: each breach of the promise, with its time and what stood then.

Pure: the same evidence, the same verdict. It knows nothing of the product's code. What is forgiven
stands in `mercy.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.system.chaos.evidence import Evidence, StoredRow
from tests.system.chaos.ledger import Committed, Emitted
from tests.system.chaos.mercy import STANDS_MARGIN_S, Mercy, length_s, outside

ALERT_WITHIN_S = 5.0
SUM_OF_WHOLE_S = 10.0  # a fault in these seconds may begin the way anew, once
GAP_BEYOND_S = 10.0  # in all, that a gap may reach beyond the faults that it is of
WINDOWS_IN_GAP = 2  # a second at each end is half heard
MOST_IN_GAPS = 0.3  # of all adverts: a run that excuses itself wholesale proves nothing
TIME_MARGIN_S = 5.0  # an edge stamps what it is given; on a busy machine that may take some
CLOCK_FOLLOWED_S = 70.0  # a clock is off by so much for so long at most
UNSURE_S = 30.0  # that a time may be off while nobody knows whose clock is right
RESTART_LATER = 75  # the exit code of what should be tried again
SAME_PLACE = 1e-9  # degrees and metres: what line protocol keeps

LOST, TWICE, LATE, INFLUX, CRASH, WAITS, GAP, TIME = (
    "lost",
    "twice",
    "late",
    "influx",
    "crash",
    "waits",
    "gap",
    "time",
)


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach, at `at` (true time; 0 where none is known)."""

    what: str
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Delay:
    """A press from its commit to its alert; `whole_s` is what of it the path was whole, at once."""

    row: Committed
    tag: str
    delay_s: float
    whole_s: float
    sum_s: float


def judge(evidence: Evidence) -> list[Violation]:
    """All breaches, by time."""
    mercy = Mercy(evidence)
    found = [breach for rule in RULES for breach in rule(evidence, mercy)]
    return sorted(found, key=lambda one: one.at)


def rows_arrive_once(evidence: Evidence, mercy: Mercy) -> Iterator[Violation]:
    """Every window that an edge committed is in the database, as it was; no gap forgives it."""
    stored = {row.key: row for row in evidence.rows}
    for row in _done(evidence, "sightings"):
        assert row.key is not None
        there = stored.get(row.key)
        if there is None:
            if not (mercy.is_held(row) or mercy.is_lost_on_purpose(row)):
                yield Violation(LOST, row.at, f"row {_name(row)} is lost{_nearest(evidence, row)}")
        elif there.identifiers != row.identifiers:
            yield Violation(LOST, row.at, f"row {_name(row)} holds other readings than committed")


def other_rows_arrive(evidence: Evidence, mercy: Mercy) -> Iterator[Violation]:
    """Rows that are no windows, as receivers' events and gaps, are received."""
    for row in _done(evidence):
        assert row.key is not None
        *stream, seq = row.key
        if row.kind in ("sightings", "press"):
            continue
        if evidence.marks.get((stream[0], stream[1], stream[2]), 0) >= seq:
            continue
        if not (mercy.is_held(row) or mercy.is_lost_on_purpose(row)):
            text = f"{row.kind} {_name(row)} is lost{_nearest(evidence, row)}"
            yield Violation(LOST, row.at, text)


def nothing_is_made_up(evidence: Evidence, _mercy: Mercy) -> Iterator[Violation]:
    """Every window of the database was committed, or tried, by an edge."""
    known = {row.key for row in evidence.committed}
    tried = {(row.gateway, row.identifiers) for row in evidence.committed if row.key is None}
    for row in evidence.rows:
        if row.key not in known and (row.key[0], row.identifiers) not in tried:
            yield Violation(TWICE, float(row.second), f"nobody committed {row.key}")


def adverts_are_there_once(evidence: Evidence, mercy: Mercy) -> Iterator[Violation]:
    """Every advert is in one window or one press, or was emitted in a gap of its gateway.

    Not those of before the edges had their orders: nobody asked for them.
    """
    windows: dict[str, list[StoredRow]] = defaultdict(list)
    for row in evidence.rows:
        for identifier in row.identifiers:
            windows[identifier].append(row)
    pressed = {one for row in _done(evidence, "press") for one in row.identifiers}
    alerted = {tag for tag, _ in evidence.sos}
    forgiven = 0
    for advert in evidence.ledger.emitted:
        if advert.since < evidence.since:
            continue
        there = windows.get(advert.identifier, [])
        if len(there) > 1 and not mercy.has_twin(advert.gateway, advert.since):
            keys = ", ".join(str(row.key) for row in there)
            yield Violation(TWICE, advert.since, f"{advert.identifier} is in {keys}")
        is_there = bool(there) or (
            advert.is_press
            and (advert.identifier in pressed or evidence.ledger.tags[advert.identifier] in alerted)
        )
        if not is_there and mercy.in_gap(advert.gateway, advert.since, advert.until):
            forgiven += 1
        elif not is_there:
            near = _nearest(evidence, advert)
            text = f"{advert.identifier} of {advert.gateway} is in no gap{near}"
            yield Violation(LOST, advert.since, text)
    if forgiven > MOST_IN_GAPS * max(len(evidence.ledger.emitted), 1):
        yield Violation(
            GAP, evidence.until, f"{forgiven} adverts are in gaps: too many to judge by"
        )


def times_are_true(evidence: Evidence, mercy: Mercy) -> Iterator[Violation]:
    """An advert's window is of its second, and an SOS is of the time of the press."""
    emitted = {advert.identifier: advert for advert in evidence.ledger.emitted}
    for row in evidence.rows:
        for identifier in row.identifiers & emitted.keys():
            advert = emitted[identifier]
            off_s = _off_s(mercy, advert, row.second, row.second + 1)
            if off_s:
                text = f"{identifier} of {advert.gateway} is {off_s:+.1f} s off, in {row.key}"
                yield Violation(TIME, advert.since, text)
    pressed = {
        evidence.ledger.tags[advert.identifier]: advert
        for advert in evidence.ledger.emitted
        if advert.is_press
    }
    for tag, at in evidence.sos:
        off_s = _off_s(mercy, pressed[tag], at, at) if tag in pressed else 0.0
        if off_s:
            yield Violation(TIME, pressed[tag].since, f"SOS of {tag} is {off_s:+.1f} s off")


def _off_s(mercy: Mercy, advert: Emitted, since: float, until: float) -> float:
    """How far the time since … until is from the advert's; 0 within what may be."""
    unsure = mercy.clock_was_off(advert.gateway, advert.since, within_s=CLOCK_FOLLOWED_S)
    margin_s = UNSURE_S if unsure else TIME_MARGIN_S
    if until < advert.since - margin_s:
        return until - advert.since
    latest = mercy.held_up(advert.gateway, advert.until) + margin_s
    return since - advert.until if since > latest else 0.0


def presses_alert(evidence: Evidence, mercy: Mercy) -> Iterator[Violation]:
    """Every press that an edge committed is one alert, also in a gap."""
    alerts = Counter(tag for tag, _ in evidence.sos)
    for row in _done(evidence, "press"):
        for identifier in row.identifiers:
            tag = evidence.ledger.tags[identifier]
            if not alerts[tag]:
                if not (mercy.is_held(row) or mercy.is_lost_on_purpose(row)):
                    yield Violation(LOST, row.at, f"press {_name(row)} of {tag} has no alert")
            elif alerts[tag] > 1:
                yield Violation(TWICE, row.at, f"press {_name(row)}: {alerts[tag]} alerts")


def alerts_are_soon(evidence: Evidence, mercy: Mercy) -> Iterator[Violation]:
    """None takes longer than so, counted while its way was whole.

    Only faults of its edge, of the broker and of the hub are in its way. One of them in between may
    begin the way anew, once.
    """
    for one in delays(evidence, mercy):
        if one.whole_s > ALERT_WITHIN_S or one.sum_s > SUM_OF_WHOLE_S:
            text = (
                f"press {_name(one.row)}: alert after {one.delay_s:.1f} s, "
                f"{one.whole_s:.1f} s of these whole at once, {one.sum_s:.1f} s in all"
            )
            yield Violation(LATE, one.row.at, text)


def delays(evidence: Evidence, mercy: Mercy) -> list[Delay]:
    """Of each press of the run that has its alert, in the order of their commits."""
    seen = {one.tag: one.seen for one in reversed(evidence.ledger.alerts)}
    spans = {
        gateway: [(one.since, one.whole) for one in mercy.in_the_way(gateway)]
        for gateway in {row.gateway for row in evidence.committed}
    }
    first: dict[str, Delay] = {}
    for row in sorted(_done(evidence, "press"), key=lambda one: one.at):
        for identifier in row.identifiers:
            tag = evidence.ledger.tags[identifier]
            if tag in first or tag not in seen or row.at < evidence.since:
                continue
            whole = outside((row.at, seen[tag]), spans[row.gateway])
            longest_s = max((until - since for since, until in whole), default=0.0)
            first[tag] = Delay(row, tag, seen[tag] - row.at, longest_s, length_s(whole))
    return list(first.values())


def influx_is_equal(evidence: Evidence, _mercy: Mercy) -> Iterator[Violation]:
    """InfluxDB holds the database's positions, at their places, and alerts, and no others."""
    here, there = evidence.positions, evidence.influx_positions
    for tag, ms in sorted(here.keys() - there.keys()):
        yield Violation(INFLUX, ms / 1000, f"position of {tag} at {ms} ms is not in InfluxDB")
    for tag, ms in sorted(there.keys() - here.keys()):
        yield Violation(INFLUX, ms / 1000, f"position of {tag} at {ms} ms is only in InfluxDB")
    for tag, ms in sorted(here.keys() & there.keys()):
        pairs = zip(here[tag, ms], there[tag, ms], strict=True)
        if any(abs(one - other) > SAME_PLACE for one, other in pairs):
            text = f"position of {tag} at {ms} ms is elsewhere in InfluxDB"
            yield Violation(INFLUX, ms / 1000, text)
    for one in sorted(evidence.alerts - evidence.influx_alerts):
        yield Violation(INFLUX, one[2] / 1000, f"alert {one} is not in InfluxDB")
    for one in sorted(evidence.influx_alerts - evidence.alerts):
        yield Violation(INFLUX, one[2] / 1000, f"alert {one} is only in InfluxDB")
    for tag, ms in sorted(evidence.quarantined):
        yield Violation(INFLUX, ms / 1000, f"position of {tag} at {ms} ms is in the quarantine")


def nobody_crashes(evidence: Evidence, mercy: Mercy) -> Iterator[Violation]:
    """No traceback that no fault explains, and no end by itself while nothing stood."""
    for name, at, text in evidence.tracebacks:
        if not mercy.explains(text, at):
            yield Violation(CRASH, at, f"{name}: {text}")
    for end in evidence.exits:
        stood = evidence.history.standing(end.at, margin_s=STANDS_MARGIN_S)
        if end.code != RESTART_LATER or not stood:
            yield Violation(CRASH, end.at, f"{end.name} ended with {end.code}")


def everything_is_worked_off(evidence: Evidence, _mercy: Mercy) -> Iterator[Violation]:
    """Outboxes, late windows and the sink's rows are empty in the end."""
    for where, count in evidence.waiting.items():
        yield Violation(WAITS, evidence.until, f"{where}: {count} wait in the end")
    for at, text in evidence.history.troubles:
        yield Violation(WAITS, at, text)


def gaps_have_reasons(evidence: Evidence, mercy: Mercy) -> Iterator[Violation]:
    """A gap lies where its edge could not hear, and where there are no windows."""
    for gap in evidence.gaps:
        if gap.until < evidence.since:
            continue
        name = f"gap of {gap.gateway} ({gap.reason}, {gap.until - gap.since:.0f} s)"
        goes_back = mercy.took_outbox(gap.gateway, gap)
        if not goes_back:
            spans = [(one.since, one.flows + 1) for one in mercy.at_edge(gap.gateway)]
            free_s = length_s(outside((max(gap.since, evidence.since), gap.until), spans))
            if free_s > GAP_BEYOND_S:
                yield Violation(GAP, gap.since, f"{name}: no fault of its edge in {free_s:.0f} s")
        inside = mercy.inside(gap)
        forgiven = goes_back or mercy.has_twin(gap.gateway, gap.until)
        if len(inside) > WINDOWS_IN_GAP and not forgiven:
            yield Violation(GAP, gap.since, f"{name} lies over {len(inside)} windows")


RULES: tuple[Callable[[Evidence, Mercy], Iterator[Violation]], ...] = (
    rows_arrive_once,
    other_rows_arrive,
    nothing_is_made_up,
    adverts_are_there_once,
    times_are_true,
    presses_alert,
    alerts_are_soon,
    influx_is_equal,
    nobody_crashes,
    everything_is_worked_off,
    gaps_have_reasons,
)


def _done(evidence: Evidence, kind: str = "") -> Iterator[Committed]:
    """The rows that were committed before the end, of one kind or all."""
    for row in evidence.committed:
        if row.key is not None and row.at <= evidence.until and kind in ("", row.kind):
            yield row


def _nearest(evidence: Evidence, one: Committed | Emitted) -> str:
    """The gap that does not hold it."""
    own = [gap for gap in evidence.gaps if gap.gateway == one.gateway]
    if not own:
        return ""
    at = one.since
    gap = min(own, key=lambda gap: min(abs(gap.since - at), abs(gap.until - at)))
    return f"; nearest {gap.since - at:+.1f} … {gap.until - at:+.1f} s from it ({gap.reason})"


def _name(row: Committed) -> str:
    return " ".join(map(str, row.key or (row.gateway, "tried only")))
