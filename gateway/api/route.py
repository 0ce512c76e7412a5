"""A route as it is shown: the best that is known of a way, its holes as holes, and its stops."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.model import Gap, Position, Presence, Quality, RoutePoint
from gateway.tags.stops import Stop, length_m, stops_of
from gateway.tags.trails import LIKELY_ZONE

HOLE_S = 30.0
GRAIN_S = 5.0  # a route's points are 5 s apart: what a shorter gap hides, it would not show either
UNHEARD = "unheard"
_KNOWN = (Presence.TRACKED, Presence.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Way:
    """A tag's way: `stretches` without a hole, the `gaps` between them, and the `stops`, by time.

    A gap's reason is a gateway's or the link's word, or "unheard" where nobody told of one.
    """

    stretches: tuple[tuple[RoutePoint, ...], ...]
    gaps: tuple[Gap, ...]
    stops: tuple[Stop, ...]
    length_m: float


def best_known(
    final: Sequence[RoutePoint], recent: Iterable[RoutePoint], live: Iterable[Position]
) -> list[RoutePoint]:
    """One tag's points by time, of the best quality there is at each: `final`, then `recent`.

    Positions that were heard `live` stand for what the others do not hold yet, or never held.
    """
    end = final[-1].at if final else float("-inf")
    better = [*final, *(point for point in recent if point.at > end)]
    times = [point.at for point in better]
    found = [point for point in map(_live_point, live) if point and not _is_known(point.at, times)]
    return sorted([*better, *found], key=lambda point: point.at)


def way(points: Iterable[RoutePoint], told: Iterable[Gap]) -> Way:
    """The way along `points`, by time, cut wherever nothing was known in between.

    A cut is a hole of more than 30 s, or more than 5 s between two points of a gap that was `told`.
    Where another gateway heard the tag all the same, points stand close inside the gap, and nothing
    is cut.
    """
    told = tuple(told)
    deaf = _union(told)
    stretches: list[list[RoutePoint]] = []
    gaps: list[Gap] = []
    for point in points:
        if not stretches:
            stretches.append([point])
        elif _is_cut(before := stretches[-1][-1].at, point.at, deaf):
            gaps.append(Gap(before, point.at, _reason(before, point.at, told)))
            stretches.append([point])
        else:
            stretches[-1].append(point)
    stops = [stops_of(stretch) for stretch in stretches]
    return Way(
        stretches=tuple(map(tuple, stretches)),
        gaps=tuple(gaps),
        stops=tuple(stop for stays in stops for stop in stays),
        length_m=sum(map(length_m, stretches, stops)),
    )


def _live_point(position: Position) -> RoutePoint | None:
    if not position.n_heard or position.presence not in _KNOWN:
        return None
    likely = position.zones[:1] if position.zones and position.zones[0][1] >= LIKELY_ZONE else ()
    return RoutePoint(
        at=position.at,
        tag=position.tag,
        lon=position.lon,
        lat=position.lat,
        radius68_m=position.radius68_m,
        zone=likely[0][0] if likely else "",
        quality=Quality.LIVE,
    )


def _is_known(at: float, times: Sequence[float]) -> bool:
    """Whether `times` leave no hole around `at`; behind the last, nothing is known."""
    after = bisect_left(times, at)
    if after == len(times):
        return False
    before = times[after - 1] if after else at
    return times[after] == at or times[after] - before <= HOLE_S


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


def _reason(since: float, until: float, told: Iterable[Gap]) -> str:
    """That of the gap that hides most of since … until."""
    hidden = [(min(gap.until, until) - max(gap.since, since), gap.reason) for gap in told]
    longest_s, reason = max(hidden, default=(0.0, UNHEARD))
    return reason if longest_s > GRAIN_S else UNHEARD


def _union(gaps: Iterable[Gap]) -> list[tuple[float, float]]:
    """The gaps as spans that do not overlap, by time."""
    spans: list[tuple[float, float]] = []
    for since, until in sorted((gap.since, gap.until) for gap in gaps):
        if spans and since <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(until, spans[-1][1]))
        else:
            spans.append((since, until))
    return spans
