"""What the judge forgives, and no more: by the faults that stood in the way, and by named gaps.

A gap forgives what was heard by nobody. It never forgives a row that was committed (but where a
fault took the outbox), nor an advert of a second in the midst of windows that are there: whoever
wrote them was listening.
"""

from collections import defaultdict
from collections.abc import Iterable

from tests.system.chaos.evidence import Evidence, StoredGap
from tests.system.chaos.ledger import Committed
from tests.system.chaos.nemesis import Struck

GAP_MARGIN_S = 1.0  # windows are whole seconds
GAP_ENDS_S = 2.0  # a second at a gap's end may have a window too: it was half heard
STANDS_MARGIN_S = 3.0
OUTBOX_FULL = "outbox_full"
LOST_BEFORE_S = 120.0  # what waits so long before its outbox is taken was receipted
AT_EDGE = ("process", "net", "disk", "clock")

Span = tuple[float, float]


class Mercy:
    """Of one run."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._gaps: dict[str, list[StoredGap]] = defaultdict(list)
        for gap in evidence.gaps:
            self._gaps[gap.gateway].append(gap)
        self._heard: dict[str, set[int]] = defaultdict(set)
        for row in evidence.rows:
            if row.key not in evidence.of_twins:
                self._heard[row.key[0]].add(row.second)

    def at_edge(self, gateway: str) -> list[Struck]:
        """The faults by which this edge may not have heard: its own, and the broker's."""
        mine = {f"{what}:{gateway}" for what in AT_EDGE} | {"process:mosquitto"}
        return [one for one in self._evidence.history.struck if one.fault.touches & mine]

    def in_the_way(self, gateway: str) -> list[Struck]:
        """The faults by which an alert of this edge may wait: those, and the hub's."""
        hub = {f"{what}:hub" for what in AT_EDGE}
        others = [one for one in self._evidence.history.struck if one.fault.touches & hub]
        return self.at_edge(gateway) + others

    def in_gap(self, gateway: str, since: float, until: float) -> bool:
        """Whether nobody heard it, as a gap says, and no window of that second says otherwise."""
        return any(
            gap.since - GAP_MARGIN_S <= since
            and until <= gap.until + GAP_MARGIN_S
            and not self._was_heard(gap, int(since))
            for gap in self._gaps[gateway]
        )

    def inside(self, gap: StoredGap) -> list[int]:
        """The seconds within a gap of which there are windows of that gateway."""
        heard = self._heard[gap.gateway]
        return [second for second in range(int(gap.since) + 1, int(gap.until)) if second in heard]

    def is_lost_on_purpose(self, row: Committed) -> bool:
        """A fault took it with its outbox, or that was full; and a gap says so."""
        gaps = [
            gap
            for gap in self._gaps[row.gateway]
            if gap.since - GAP_MARGIN_S <= row.since and row.until <= gap.until + GAP_MARGIN_S
        ]
        if any(gap.reason == OUTBOX_FULL for gap in gaps):
            return True
        return bool(gaps) and any(
            row.gateway in one.fault.effects.loses
            and one.since - LOST_BEFORE_S <= row.at <= one.whole
            for one in self._evidence.history.struck
        )

    def is_held(self, row: Committed) -> bool:
        """It waits in the outbox of a twin that was stopped."""
        return (row.process, row.since, row.kind) in self._evidence.held

    def has_twin(self, gateway: str, at: float) -> bool:
        """Whether two processes were this gateway then."""
        stood = self._evidence.history.standing(at, margin_s=STANDS_MARGIN_S)
        return any(gateway in one.fault.effects.twins for one in stood)

    def took_outbox(self, gateway: str, gap: StoredGap) -> bool:
        """Whether the heartbeat may have gone back with the outbox, and the gap begins there."""
        return any(
            gateway in one.fault.effects.loses
            and one.since - LOST_BEFORE_S <= gap.since
            and one.since - GAP_MARGIN_S <= gap.until <= one.flows + 2 * STANDS_MARGIN_S
            for one in self._evidence.history.struck
        )

    def held_up(self, gateway: str, at: float) -> float:
        """Until when an advert of then may have been on its way to this edge; `at` at least."""
        stood = [one for one in self.at_edge(gateway) if one.since - 1 <= at <= one.whole]
        return max((one.whole for one in stood), default=at)

    def clock_was_off(self, gateway: str, at: float, *, within_s: float) -> bool:
        """Whether a fault bent this edge's clock, or the hub's, lately."""
        clocks = {f"clock:{gateway}", "clock:hub"}
        return any(
            one.fault.touches & clocks and one.since - 1 <= at <= one.whole + within_s
            for one in self._evidence.history.struck
        )

    def explains(self, text: str, at: float) -> bool:
        """Whether a fault that stood then says that this may be in a log; `at` 0: unknown."""
        history = self._evidence.history
        stood = history.standing(at, margin_s=5 * STANDS_MARGIN_S) if at else history.struck
        return any(one in text for fault in stood for one in fault.fault.effects.explains)

    def _was_heard(self, gap: StoredGap, second: int) -> bool:
        """Its neighbours are there too: a process half hears its first second and its last."""
        within = gap.since + GAP_ENDS_S <= second <= gap.until - GAP_ENDS_S
        return within and {second - 1, second, second + 1} <= self._heard[gap.gateway]


def outside(span: Span, spans: Iterable[Span]) -> list[Span]:
    """The stretches of `span` that none of `spans` covers."""
    begin, end = span
    found = []
    for since, until in sorted(spans):
        if since >= end:
            break
        if until > begin:
            if since > begin:
                found.append((begin, since))
            begin = until
    if begin < end:
        found.append((begin, end))
    return found


def length_s(spans: Iterable[Span]) -> float:
    """Of all of them."""
    return sum(until - since for since, until in spans)
