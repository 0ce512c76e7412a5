"""What the evidence says: each breach of the promise, with its time and what stood then.

Pure: the same evidence, the same verdict. It knows nothing of the product's code.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.system.chaos.evidence import Evidence, StoredGap, StoredRow
from tests.system.chaos.ledger import Committed, Emitted

GAP_MARGIN_S = 1.0  # windows are whole seconds
ALERT_WITHIN_S = 5.0
STANDS_MARGIN_S = 3.0
GAP_BEYOND_S = 15.0  # a gap may reach so far beyond the faults that it is of
RESTART_LATER = 75  # the exit code of what should be tried again

LOST, TWICE, LATE, INFLUX, CRASH, WAITS, GAP = (
    "lost",
    "twice",
    "late",
    "influx",
    "crash",
    "waits",
    "gap",
)


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach, at `at` (true time; 0 where none is known)."""

    what: str
    at: float
    text: str


def judge(evidence: Evidence) -> list[Violation]:
    """All breaches, by time."""
    found = [breach for rule in RULES for breach in rule(evidence)]
    return sorted(found, key=lambda one: one.at)


def rows_arrive_once(evidence: Evidence) -> Iterator[Violation]:
    """Every window that an edge committed is in the database, as it was, or in a named gap."""
    stored = {row.key: row for row in evidence.rows}
    for row in evidence.committed:
        if row.kind != "sightings" or row.key is None or row.at > evidence.until:
            continue
        there = stored.get(row.key)
        if there is None:
            if not (
                _is_held(evidence, row) or _in_gap(evidence, row.gateway, row.since, row.until)
            ):
                near = _nearest(evidence, row.gateway, row.since)
                yield Violation(LOST, row.at, f"row {_name(row)} is in no gap{near}")
        elif there.identifiers != row.identifiers:
            yield Violation(LOST, row.at, f"row {_name(row)} holds other readings than committed")


def other_rows_arrive(evidence: Evidence) -> Iterator[Violation]:
    """Rows that are no windows, as receivers' events and gaps: received, or in a gap."""
    for row in evidence.committed:
        if row.key is None or row.kind in ("sightings", "press") or row.at > evidence.until:
            continue
        *stream, seq = row.key
        if evidence.marks.get((stream[0], stream[1], stream[2]), 0) >= seq:
            continue
        if not (_is_held(evidence, row) or _in_gap(evidence, row.gateway, row.since, row.until)):
            near = _nearest(evidence, row.gateway, row.since)
            yield Violation(LOST, row.at, f"{row.kind} {_name(row)} is in no gap{near}")


def nothing_is_made_up(evidence: Evidence) -> Iterator[Violation]:
    """Every window of the database was committed, or tried, by an edge."""
    known = {row.key for row in evidence.committed}
    tried = {(row.gateway, row.identifiers) for row in evidence.committed if row.key is None}
    for row in evidence.rows:
        if row.key not in known and (row.key[0], row.identifiers) not in tried:
            yield Violation(TWICE, float(row.second), f"nobody committed {row.key}")


def adverts_are_there_once(evidence: Evidence) -> Iterator[Violation]:
    """Every advert is in one window or one press, or was emitted in a gap of its gateway.

    Not those of before the edges had their orders: nobody asked for them.
    """
    windows: dict[str, list[StoredRow]] = defaultdict(list)
    for row in evidence.rows:
        for identifier in row.identifiers:
            windows[identifier].append(row)
    pressed = {one for row in evidence.committed if row.kind == "press" for one in row.identifiers}
    for advert in evidence.ledger.emitted:
        if advert.since < evidence.since:
            continue
        there = windows.get(advert.identifier, [])
        if advert.is_press:
            is_there = advert.identifier in pressed
        else:
            is_there = bool(there)
            if len(there) > 1 and not _has_twin(evidence, advert):
                keys = ", ".join(str(row.key) for row in there)
                yield Violation(TWICE, advert.since, f"{advert.identifier} is in {keys}")
        if not is_there and not _in_gap(evidence, advert.gateway, advert.since, advert.until):
            near = _nearest(evidence, advert.gateway, advert.since)
            text = f"{advert.identifier} of {advert.gateway} is in no gap{near}"
            yield Violation(LOST, advert.since, text)


def presses_alert(evidence: Evidence) -> Iterator[Violation]:
    """Every press that an edge committed is one alert, soon after the path was whole."""
    alerts = Counter(tag for tag, _ in evidence.sos)
    seen = {one.tag: one.seen for one in reversed(evidence.ledger.alerts)}
    for row in evidence.committed:
        if row.kind != "press" or not evidence.since < row.at < evidence.until:
            continue
        for identifier in row.identifiers:
            tag = evidence.ledger.tags[identifier]
            if not alerts[tag]:
                if not (_is_excused(evidence, row)):
                    yield Violation(LOST, row.at, f"press {_name(row)} of {tag} has no alert")
            elif alerts[tag] > 1:
                yield Violation(TWICE, row.at, f"press {_name(row)}: {alerts[tag]} alerts")
            elif row.key is not None and seen.get(tag, row.at) > deadline(evidence, row.at):
                late_s = seen[tag] - deadline(evidence, row.at) + ALERT_WITHIN_S
                text = f"press {_name(row)}: alert {late_s:.1f} s after the path was whole"
                yield Violation(LATE, row.at, text)


def deadline(evidence: Evidence, at: float) -> float:
    """When the alert of a press of `at` must be there: so long after the path is whole."""
    for since, until in sorted(evidence.history.unwell):
        if since < at + ALERT_WITHIN_S and at < until:
            at = until
    return at + ALERT_WITHIN_S


def influx_is_equal(evidence: Evidence) -> Iterator[Violation]:
    """InfluxDB holds the database's positions and alerts, and no others."""
    missing = evidence.positions - evidence.influx_positions - _excused(evidence)
    for tag, ms in sorted(missing):
        yield Violation(INFLUX, ms / 1000, f"position of {tag} at {ms} ms is not in InfluxDB")
    for tag, ms in sorted(evidence.influx_positions - evidence.positions):
        yield Violation(INFLUX, ms / 1000, f"position of {tag} at {ms} ms is only in InfluxDB")
    for one, state in sorted(evidence.alerts - evidence.influx_alerts):
        yield Violation(INFLUX, 0.0, f"alert {one} {state} is not in InfluxDB")
    for one, state in sorted(evidence.influx_alerts - evidence.alerts):
        yield Violation(INFLUX, 0.0, f"alert {one} {state} is only in InfluxDB")


def nobody_crashes(evidence: Evidence) -> Iterator[Violation]:
    """No traceback that no fault explains, and no end by itself while nothing stood."""
    explained = [text for one in evidence.history.struck for text in one.fault.effects.explains]
    for name, text in evidence.tracebacks:
        if not any(one in text for one in explained):
            yield Violation(CRASH, 0.0, f"{name}: {text}")
    for end in evidence.exits:
        stood = evidence.history.standing(end.at, margin_s=STANDS_MARGIN_S)
        if end.code != RESTART_LATER or not stood:
            yield Violation(CRASH, end.at, f"{end.name} ended by itself with {end.code}")


def everything_is_worked_off(evidence: Evidence) -> Iterator[Violation]:
    """Outboxes, late windows and the sink's rows are empty in the end."""
    for where, count in evidence.waiting.items():
        yield Violation(WAITS, evidence.until, f"{where}: {count} wait in the end")
    for at, text in evidence.history.troubles:
        yield Violation(WAITS, at, text)


def gaps_have_reasons(evidence: Evidence) -> Iterator[Violation]:
    """A gap lies where faults stood: one over everything would excuse everything."""
    for gap in evidence.gaps:
        if gap.until < evidence.since:
            continue
        for since, until in _outside(evidence, gap):
            if until - since > GAP_BEYOND_S:
                text = f"gap of {gap.gateway} ({gap.reason}) of {until - since:.0f} s, no fault"
                yield Violation(GAP, since, text)


RULES: tuple[Callable[[Evidence], Iterator[Violation]], ...] = (
    rows_arrive_once,
    other_rows_arrive,
    nothing_is_made_up,
    adverts_are_there_once,
    presses_alert,
    influx_is_equal,
    nobody_crashes,
    everything_is_worked_off,
    gaps_have_reasons,
)


def _in_gap(evidence: Evidence, gateway: str, since: float, until: float) -> bool:
    return any(
        gap.gateway == gateway
        and gap.since - GAP_MARGIN_S <= since
        and until <= gap.until + GAP_MARGIN_S
        for gap in evidence.gaps
    )


def _nearest(evidence: Evidence, gateway: str, at: float) -> str:
    """The gap that does not hold it."""
    own = [gap for gap in evidence.gaps if gap.gateway == gateway]
    if not own:
        return ""
    gap = min(own, key=lambda one: min(abs(one.since - at), abs(one.until - at)))
    return f"; nearest {gap.since - at:+.1f} … {gap.until - at:+.1f} s from it ({gap.reason})"


def _has_twin(evidence: Evidence, advert: Emitted) -> bool:
    stood = evidence.history.standing(advert.since, margin_s=STANDS_MARGIN_S)
    return any(advert.gateway in one.fault.effects.twins for one in stood)


def _is_excused(evidence: Evidence, row: Committed) -> bool:
    """Nobody can ask for its alert."""
    return row.key is None or _is_held(evidence, row) or _is_lost_on_purpose(evidence, row)


def _is_held(evidence: Evidence, row: Committed) -> bool:
    """It waits in the outbox of a twin that was stopped."""
    return (row.process, row.since, row.kind) in evidence.held


def _is_lost_on_purpose(evidence: Evidence, row: Committed) -> bool:
    """A fault took it out of the outbox, and a gap says so."""
    after = [one for one in evidence.history.struck if one.whole >= row.at]
    taken = any(row.gateway in one.fault.effects.loses for one in after)
    return taken and _in_gap(evidence, row.gateway, row.since, row.until)


def _excused(evidence: Evidence) -> set[tuple[str, int]]:
    """The points that the quarantine holds, of faults that put them there."""
    if any(one.fault.effects.quarantines for one in evidence.history.struck):
        return evidence.quarantined
    return set()


def _outside(evidence: Evidence, gap: StoredGap) -> Iterator[tuple[float, float]]:
    """The stretches of a gap in which no fault stood."""
    begin = max(gap.since, evidence.since)
    for since, until in sorted(evidence.history.unwell):
        if since >= gap.until:
            break
        if until > begin:
            if since > begin:
                yield begin, since
            begin = until
    if begin < gap.until:
        yield begin, gap.until


def _name(row: Committed) -> str:
    return " ".join(map(str, row.key or (row.gateway, "tried only")))
