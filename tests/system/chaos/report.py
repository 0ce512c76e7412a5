"""What a run says: a table by kind of fault for people, and JSON for figures."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.system.chaos.judge import LATE, LOST, TWICE, Violation, delays
from tests.system.chaos.mercy import Mercy
from tests.system.chaos.nemesis import Struck
from tests.system.chaos.run import Outcome

COLUMNS = ("kind", "struck", "whole s", "flows s", "lost", "twice", "late", "other")
MOST_SHOWN = 30


class Row(NamedTuple):
    """One kind of fault: how often, the longest way back, and the breaches while it stood."""

    kind: str
    struck: int
    whole_s: float
    flows_s: float
    lost: int
    twice: int
    late: int
    other: int


def rows(outcome: Outcome) -> list[Row]:
    """By kind, in the order of names. A breach counts at every kind that stood then."""
    struck = outcome.evidence.history.struck
    return [
        _row(kind, [one for one in struck if one.kind == kind], outcome.violations)
        for kind in sorted({one.kind for one in struck})
    ]


def figures(outcome: Outcome, *, seed: int) -> dict[str, object]:
    """For `.bench/chaos.json`."""
    evidence = outcome.evidence
    breaches = Counter(one.what for one in outcome.violations)
    return {
        "seed": seed,
        "faults": len(evidence.history.struck),
        "kinds": len({one.kind for one in evidence.history.struck}),
        "took_s": round(evidence.until - evidence.since, 1),
        "adverts": len(evidence.ledger.emitted),
        "presses": sum(one.is_press for one in evidence.ledger.emitted),
        "alerts": len(evidence.sos),
        "rows_committed": sum(row.key is not None for row in evidence.committed),
        "windows": len(evidence.rows),
        "gaps": len(evidence.gaps),
        "gap_s": _gap_s(outcome),
        "positions": len(evidence.positions),
        "influx_positions": len(evidence.influx_positions),
        "quarantined": len(evidence.quarantined),
        "restarts": len(evidence.exits),
        "waited_for_a_core": round(evidence.stalled_share, 2),
        "press_to_alert_s": _delays(outcome),
        "breaches": dict(breaches),
        "skipped": outcome.skipped,
        "table": [row._asdict() for row in rows(outcome)],
    }


def _gap_s(outcome: Outcome) -> dict[str, float]:
    """Seconds by gateway and reason."""
    lengths: Counter[str] = Counter()
    for gap in outcome.evidence.gaps:
        lengths[f"{gap.gateway} {gap.reason}"] += round(gap.until - gap.since)
    return dict(sorted(lengths.items()))


def _delays(outcome: Outcome) -> dict[str, float]:
    """Of presses from commit to alert: of those whose way was whole throughout, and of all.

    `whole` is the longest time that a way was whole, at once, while an alert was not there yet.
    """
    found = delays(outcome.evidence, Mercy(outcome.evidence))
    undisturbed = sorted(one.delay_s for one in found if one.whole_s == one.delay_s)
    if not undisturbed:
        return {"presses": len(found), "undisturbed": 0}
    return {
        "presses": len(found),
        "undisturbed": len(undisturbed),
        "undisturbed_p50": round(undisturbed[len(undisturbed) // 2], 2),
        "undisturbed_p99": round(undisturbed[len(undisturbed) * 99 // 100], 2),
        "undisturbed_max": round(undisturbed[-1], 2),
        "whole_max": round(max(one.whole_s for one in found), 2),
        "max": round(max(one.delay_s for one in found), 2),
    }


def text(outcome: Outcome, *, seed: int) -> str:
    """The table, the sums, and the first breaches with what stood then."""
    said = figures(outcome, seed=seed)
    lines = [_line(COLUMNS), *(_line(row) for row in rows(outcome)), ""]
    lines += [f"{key}: {value}" for key, value in said.items() if key not in ("table", "skipped")]
    lines += [f"not struck here: {name}: {why}" for name, why in outcome.skipped.items()]
    told = explained(outcome)
    lines += told[:MOST_SHOWN]
    if len(told) > MOST_SHOWN:
        lines.append(f"… and {len(told) - MOST_SHOWN} more like these")
    return "\n".join(lines)


def explained(outcome: Outcome) -> list[str]:
    """The breaches, those of one sort while the same faults stood in one line: the first of them.

    Times are seconds of the run.
    """
    groups: dict[tuple[str, str], list[Violation]] = {}
    for one in outcome.violations:
        groups.setdefault((one.what, _stood(one, outcome)), []).append(one)
    begun = outcome.evidence.since
    return [
        f"{what.upper()} × {len(some)} at {some[0].at - begun:.1f}–{some[-1].at - begun:.1f} s "
        f"while {stood} stood: {some[0].text}"
        if some[0].at
        else f"{what.upper()} × {len(some)}: {some[0].text}"
        for (what, stood), some in groups.items()
    ]


def _stood(violation: Violation, outcome: Outcome) -> str:
    stood = outcome.evidence.history.standing(violation.at, margin_s=1.0)
    return " + ".join(one.name for one in stood) or "nothing"


def _row(kind: str, struck: list[Struck], violations: Iterable[Violation]) -> Row:
    met = Counter(
        one.what for one in violations if any(each.since <= one.at <= each.whole for each in struck)
    )
    return Row(
        kind,
        len(struck),
        max(round(one.whole - one.healed, 1) for one in struck),
        max(round(one.flows - one.healed, 1) for one in struck),
        met[LOST],
        met[TWICE],
        met[LATE],
        _others(met),
    )


def _others(met: Mapping[str, int]) -> int:
    return sum(count for what, count in met.items() if what not in (LOST, TWICE, LATE))


def _line(cells: Iterable[object]) -> str:
    kind, *numbers = map(str, cells)
    return f"{kind:<44}" + "".join(f"{one:>9}" for one in numbers)
