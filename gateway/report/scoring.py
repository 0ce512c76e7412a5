"""Positions and zone events against the truth; nothing here knows how they were made."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.model import Crossing, Position, ZoneEvent
from gateway.site import Points, Site

Floats = NDArray[np.float64]

LONGEST_GAP_S = 5.0
SAME_S = 1e-3
FRESH_S = 3.0
SESSION_GAP_S = 10.0
NEAREST_S = 1.0


@dataclass(frozen=True, slots=True)
class Truth:
    """Where one tag was: `at` (n,), rising, and `xy` (n, 2), metres of the site."""

    at: Floats
    xy: Points

    def where(self, at: Floats) -> Points:
        """Positions (m, 2) at times (m,); NaN outside, and in gaps of more than 5 s."""
        found = np.stack([np.interp(at, self.at, self.xy[:, k]) for k in (0, 1)], axis=1)
        after = np.clip(np.searchsorted(self.at, at, side="right"), 1, len(self.at) - 1)
        before = np.maximum(after - 1, 0)
        met = np.minimum(np.abs(at - self.at[before]), np.abs(at - self.at[after])) < SAME_S
        gap = (self.at[after] - self.at[before] > LONGEST_GAP_S) & ~met
        outside = (at < self.at[0] - SAME_S) | (at > self.at[-1] + SAME_S)
        found[gap | outside] = np.nan
        return found

    def seconds(self) -> "Truth":
        """The first row of every whole second."""
        first = np.unique(np.floor(self.at + 1e-6), return_index=True)[1]
        return Truth(self.at[first], self.xy[first])


@dataclass(frozen=True, slots=True)
class Score:
    """Errors (n,) of the positions that have a truth, and whether the circles held it (n,)."""

    errors: Floats
    in68: NDArray[np.bool_]
    in95: NDArray[np.bool_]

    @property
    def median(self) -> float:
        return float(np.median(self.errors))

    @property
    def p90(self) -> float:
        return float(np.percentile(self.errors, 90))

    @property
    def coverage68(self) -> float:
        return float(self.in68.mean())

    @property
    def coverage95(self) -> float:
        return float(self.in95.mean())

    def __str__(self) -> str:
        return (
            f"median {self.median:.2f} m, 90 % {self.p90:.2f} m, "
            f"coverage {self.coverage68:.2f} / {self.coverage95:.3f}, {len(self.errors)} positions"
        )


def errors_of(positions: Sequence[Position], truth: Truth, site: Site) -> Floats:
    """Distance (n,), metres, of the positions of one tag from its truth; NaN where none is."""
    at = np.array([position.at for position in positions])
    away = places_of(positions, site) - truth.where(at)
    return np.asarray(np.hypot(away[:, 0], away[:, 1]))


def places_of(positions: Sequence[Position], site: Site) -> Points:
    """Where `positions` are (n, 2), metres of the site."""
    lonlat = np.array([(position.lon, position.lat) for position in positions])
    return site.to_metres(lonlat.reshape(-1, 2))


def score(positions: Sequence[Position], truth: Truth, site: Site) -> Score:
    """The positions of one tag against its truth."""
    return scored(positions, errors_of(positions, truth, site))


def scored(positions: Sequence[Position], errors: Floats) -> Score:
    """The positions of which `errors` (n,) are known; those that are NaN do not count."""
    radii = np.array([(one.radius68_m, one.radius95_m) for one in positions]).reshape(-1, 2)
    known = ~np.isnan(errors)
    held = errors[:, None] <= radii
    return Score(errors[known], held[known, 0], held[known, 1])


def pooled(scores: Iterable[Score]) -> Score:
    """Several scores as one."""
    parts = list(scores)
    return Score(
        np.concatenate([part.errors for part in parts]),
        np.concatenate([part.in68 for part in parts]),
        np.concatenate([part.in95 for part in parts]),
    )


class Availability(NamedTuple):
    """In `fresh` of the truth's `seconds` there was a position of at most 3 s before."""

    fresh: int
    seconds: int

    @property
    def share(self) -> float:
        return self.fresh / self.seconds


def availability(positions: Sequence[Position], truth: Truth) -> Availability:
    """How often a position of one tag was there."""
    seconds = truth.seconds().at
    at = np.sort([position.at for position in positions])
    newest = np.searchsorted(at, seconds + SAME_S, side="right") - 1
    ages = seconds - np.append(at, -np.inf)[newest]
    return Availability(int((ages <= FRESH_S).sum()), len(seconds))


def pooled_availability(parts: Iterable[Availability]) -> Availability:
    """Of several tags, each second with the same weight."""
    known = list(parts)
    return Availability(sum(one.fresh for one in known), sum(one.seconds for one in known))


def path_errors(positions: Sequence[Position], ways: Sequence[Points], site: Site) -> Floats:
    """Distance (n,), metres, to the nearest of `ways`: where no times are known, only the way."""
    places = places_of(positions, site)
    nearest = np.full(len(places), np.inf)
    for way in ways:
        for begin, end in pairwise(way):
            along = end - begin
            share = np.clip((places - begin) @ along / max(along @ along, 1e-9), 0, 1)
            away = places - begin - share[:, None] * along
            nearest = np.minimum(nearest, np.hypot(away[:, 0], away[:, 1]))
    return nearest


@dataclass(frozen=True, slots=True)
class ZoneTruth:
    """Whether one tag was in one zone: `at` (n,), rising, and `inside` (n,)."""

    tag: str
    zone: str
    at: Floats
    inside: NDArray[np.bool_]

    def sessions(self) -> Iterator["ZoneTruth"]:
        """The parts between pauses of more than 10 s."""
        cuts = np.flatnonzero(np.diff(self.at) > SESSION_GAP_S) + 1
        for at, inside in zip(np.split(self.at, cuts), np.split(self.inside, cuts), strict=True):
            yield ZoneTruth(self.tag, self.zone, at, inside)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much sooner or later than the true crossing an event may be announced."""

    early_s: float = 5.0
    late_s: float = 30.0


@dataclass(frozen=True, slots=True)
class EventScore:
    """Events of a zone against true crossings; `delays_s` of those that were found."""

    zone: str
    hours: float
    crossings: int
    false: int
    delays_s: tuple[float, ...]

    @property
    def missed(self) -> int:
        return self.crossings - len(self.delays_s)

    @property
    def missed_percent(self) -> float:
        return 100 * self.missed / max(self.crossings, 1)

    @property
    def false_per_hour(self) -> float:
        """Per tag and hour of truth."""
        return self.false / self.hours

    @property
    def median_delay_s(self) -> float:
        """Infinite where none was found."""
        return float(np.median(self.delays_s)) if self.delays_s else float("inf")

    def __str__(self) -> str:
        return (
            f"{self.zone}: {self.false_per_hour:.2f} false/h in {self.hours:.1f} h, "
            f"{self.missed_percent:.1f} % of {self.crossings} missed, "
            f"after {self.median_delay_s:.1f} s"
        )


def pooled_events(scores: Iterable[EventScore], zone: str = "all") -> EventScore:
    """Several scores as one."""
    parts = list(scores)
    return EventScore(
        zone,
        hours=sum(part.hours for part in parts),
        crossings=sum(part.crossings for part in parts),
        false=sum(part.false for part in parts),
        delays_s=tuple(delay for part in parts for delay in part.delays_s),
    )


def score_events(events: Sequence[ZoneEvent], truth: Truth, site: Site) -> list[EventScore]:
    """The events of one tag against the crossings of its true way, zone by zone."""
    truths = (ZoneTruth("", one.id, truth.at, one.contains(truth.xy)) for one in site.zones)
    return [score_zone([told for told in events if told.zone == one.zone], one) for one in truths]


def score_zone(
    events: Sequence[ZoneEvent], truth: ZoneTruth, tolerance: Tolerance | None = None
) -> EventScore:
    """The events of one tag and zone: a crossing is found by the first unused one of its kind.

    An enter for a tag that begins inside, and events outside the time that truth covers, are
    neither right nor wrong.
    """
    allowed = tolerance or Tolerance()
    told = sorted(events, key=lambda event: event.at)
    used: set[int] = set()
    judged: set[int] = set()
    hours, crossings, delays = 0.0, 0, []
    for session in truth.sessions():
        hours += (session.at[-1] - session.at[0] + 1.0) / 3600
        since, until = session.at[0] - allowed.early_s, session.at[-1] + 1
        judged |= {k for k, event in enumerate(told) if since <= event.at <= until}
        if session.inside[0] and (first := _beginning(session, told, used, allowed)) is not None:
            used.add(first)
            judged.discard(first)
        for at, kind in _crossings(session):
            crossings += 1
            found = _match(told, used, kind, at - allowed.early_s, at + allowed.late_s)
            if found is not None:
                used.add(found)
                delays.append(told[found].at - at)
    return EventScore(truth.zone, hours, crossings, len(judged - used), tuple(delays))


def _crossings(session: ZoneTruth) -> list[tuple[float, Crossing]]:
    turns = np.flatnonzero(np.diff(session.inside.astype(int))) + 1
    kinds = (Crossing.ENTER if session.inside[k] else Crossing.LEAVE for k in turns)
    return [(float(session.at[k]), kind) for k, kind in zip(turns, kinds, strict=True)]


def _match(
    told: Sequence[ZoneEvent], used: set[int], kind: Crossing, since: float, until: float
) -> int | None:
    fits = (
        k
        for k, event in enumerate(told)
        if k not in used and event.event is kind and since <= event.at <= until
    )
    return next(fits, None)


def _beginning(
    session: ZoneTruth, told: Sequence[ZoneEvent], used: set[int], allowed: Tolerance
) -> int | None:
    """The event that announces where a tag begins, unless it may be that of a later visit."""
    start = float(session.at[0])
    first = _match(told, used, Crossing.ENTER, start - allowed.early_s, start + allowed.late_s)
    leaves = [at for at, kind in _crossings(session) if kind is Crossing.LEAVE]
    if first is None or (leaves and told[first].at > leaves[0] + allowed.late_s):
        return None
    return first


def brier(positions: Sequence[Position], truth: ZoneTruth) -> Floats:
    """Squared errors (n,) of P(zone) of one tag's positions; their mean is the Brier score.

    0 is best, 0.25 is always saying one half. Positions with no truth within 1 s do not count.
    """
    at = np.array([position.at for position in positions])
    said = np.array([dict(position.zones).get(truth.zone, 0.0) for position in positions])
    after = np.clip(np.searchsorted(truth.at, at), 1, max(len(truth.at) - 1, 1))
    pair = np.stack([after - 1, np.minimum(after, len(truth.at) - 1)])
    apart = np.abs(truth.at[pair] - at)
    nearest = np.where(apart[1] < apart[0], pair[1], pair[0])
    known = apart.min(axis=0) <= NEAREST_S
    return np.asarray((said - truth.inside[nearest])[known] ** 2)
