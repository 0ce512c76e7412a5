"""Where a route has holes: a hole in a child's way is shown as a hole, not as presence."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from gateway.model import Gap, Position, Presence

HOLE_S = 90.0  # a carrier that stands still is told once a minute
GRAIN_S = 2.0  # a gap as short as two windows hides no way
_KNOWN = (Presence.TRACKED, Presence.UNCERTAIN)


def stretches(positions: Iterable[Position], gaps: Sequence[Gap]) -> Iterator[list[Position]]:
    """`positions`, by time, cut wherever nothing was known in between.

    A cut is a hole of more than 90 s, a position that says silent or out of coverage, and a gap
    that a gateway (or the link) told of: more than 2 s of one between two positions. Where another
    gateway heard the tag all the same, positions stand close inside the gap, and nothing is cut.
    """
    deaf = _union(gaps)
    walked: list[Position] = []
    for position in positions:
        known = position.presence in _KNOWN
        if walked and (not known or _is_cut(walked[-1].at, position.at, deaf)):
            yield walked
            walked = []
        if known:
            walked.append(position)
    if walked:
        yield walked


def _is_cut(before: float, after: float, deaf: Sequence[tuple[float, float]]) -> bool:
    if after - before > HOLE_S:
        return True
    first = bisect_left(deaf, before, key=lambda span: span[1])
    for since, until in deaf[first:]:
        if since >= after:
            return False
        if min(until, after) - max(since, before) > GRAIN_S:
            return True
    return False


def _union(gaps: Iterable[Gap]) -> list[tuple[float, float]]:
    """The gaps as spans that do not overlap, by time."""
    spans: list[tuple[float, float]] = []
    for since, until in sorted((gap.since, gap.until) for gap in gaps):
        if spans and since <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(until, spans[-1][1]))
        else:
            spans.append((since, until))
    return spans
