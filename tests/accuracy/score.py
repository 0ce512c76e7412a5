"""Positions and zone events against the truth; nothing here knows how they were made.

The rules are those of the recordings' own scorer: a truth is interpolated over at most 5 s, and a
true crossing is found by the first unused event of its kind from 5 s before to 30 s after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gateway.model import Crossing, Position, ZoneEvent
from gateway.site import Region, Site

Floats = NDArray[np.float64]

LONGEST_GAP_S = 5.0
FRESH_S = 3.0
SESSION_GAP_S = 10.0
EARLY_S, LATE_S = 5.0, 30.0


@dataclass(frozen=True, slots=True)
class Truth:
    """Where one tag was: `at` (n,), rising, and `xy` (n, 2), metres of the site."""

    at: Floats
    xy: Floats

    def where(self, at: Floats) -> Floats:
        """Positions (m, 2) at times (m,); NaN where the truth has a gap of more than 5 s."""
        found = np.stack([np.interp(at, self.at, self.xy[:, k]) for k in (0, 1)], axis=1)
        after = np.clip(np.searchsorted(self.at, at), 1, len(self.at) - 1)
        gap = self.at[after] - self.at[after - 1]
        found[(gap > LONGEST_GAP_S) | (at < self.at[0]) | (at > self.at[-1])] = np.nan
        return found

    def sessions(self) -> list[slice]:
        """Pieces of it that have no pause of more than 10 s."""
        cuts = np.flatnonzero(np.diff(self.at) > SESSION_GAP_S) + 1
        ends = [0, *cuts.tolist(), len(self.at)]
        return [slice(a, b) for a, b in pairwise(ends)]


@dataclass(frozen=True, slots=True, repr=False)
class Score:
    """Errors (n,) of the positions that have a truth, and whether the circles held it (n,).

    `seconds` of truth there are; in `fresh` of them the newest position is at most 3 s old.
    """

    errors: Floats
    in68: NDArray[np.bool_]
    in95: NDArray[np.bool_]
    fresh: int
    seconds: int

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

    @property
    def availability(self) -> float:
        return self.fresh / self.seconds

    def __repr__(self) -> str:
        return (
            f"median {self.median:.2f} m, 90 % {self.p90:.2f} m, "
            f"coverage {self.coverage68:.2f} / {self.coverage95:.3f}, "
            f"{len(self.errors)} positions, {100 * self.availability:.0f} % of the time"
        )


def score(positions: Sequence[Position], truth: Truth, site: Site) -> Score:
    """The positions of one tag, by time, against its truth."""
    at = np.array([position.at for position in positions])
    lonlat = np.array([(position.lon, position.lat) for position in positions]).reshape(-1, 2)
    radii = np.array([(one.radius68_m, one.radius95_m) for one in positions]).reshape(-1, 2)
    away = site.to_metres(lonlat) - truth.where(at)
    errors = np.hypot(away[:, 0], away[:, 1])
    known = ~np.isnan(errors)
    held = errors[:, None] <= radii
    seconds = truth.at[np.unique(np.floor(truth.at), return_index=True)[1]]
    newest = np.searchsorted(at, seconds + 1e-3, side="right") - 1
    ages = seconds - np.append(at, -np.inf)[newest]
    return Score(
        errors[known],
        held[known, 0],
        held[known, 1],
        fresh=int((ages <= FRESH_S).sum()),
        seconds=len(seconds),
    )


def pooled(scores: Iterable[Score]) -> Score:
    """Several scores as one."""
    parts = list(scores)
    return Score(
        np.concatenate([part.errors for part in parts]),
        np.concatenate([part.in68 for part in parts]),
        np.concatenate([part.in95 for part in parts]),
        fresh=sum(part.fresh for part in parts),
        seconds=sum(part.seconds for part in parts),
    )


@dataclass(frozen=True, slots=True, repr=False)
class EventScore:
    """Events of a zone against true crossings; `delays_s` of those that were found."""

    zone: str
    hours: float
    crossings: int
    false: int
    delays_s: tuple[float, ...]

    @property
    def false_per_hour(self) -> float:
        return self.false / self.hours

    @property
    def missed_percent(self) -> float:
        return 100 * (self.crossings - len(self.delays_s)) / max(self.crossings, 1)

    @property
    def median_delay_s(self) -> float:
        return float(np.median(self.delays_s)) if self.delays_s else float("inf")

    def __repr__(self) -> str:
        return (
            f"{self.zone}: {self.false_per_hour:.2f} false/h in {self.hours:.1f} h, "
            f"{self.missed_percent:.1f} % of {self.crossings} missed, "
            f"after {self.median_delay_s:.1f} s"
        )


def score_events(events: Sequence[ZoneEvent], truth: Truth, site: Site) -> list[EventScore]:
    """The events of one tag against its truth, zone by zone."""
    return [_score_zone([e for e in events if e.zone == z.id], truth, z) for z in site.zones]


def _score_zone(events: Sequence[ZoneEvent], truth: Truth, zone: Region) -> EventScore:
    """What is told of where a session starts is neither right nor wrong."""
    told = sorted(events, key=lambda event: event.at)
    hours, false, crossings, delays = 0.0, 0, 0, list[float]()
    for piece in truth.sessions():
        at, inside = truth.at[piece], zone.contains(truth.xy[piece])
        turns = np.flatnonzero(np.diff(inside.astype(int))) + 1
        turned = [(float(at[k]), bool(inside[k])) for k in turns]
        first_leave = min((t for t, entered in turned if not entered), default=np.inf)
        open_ = [e for e in told if at[0] - EARLY_S <= e.at <= at[-1] + 1]
        if inside[0]:
            start = _fitting(open_, float(at[0]), entered=True)
            if start is not None and start.at <= first_leave + LATE_S:
                open_.remove(start)
        for when, entered in turned:
            found = _fitting(open_, when, entered=entered)
            if found is not None:
                open_.remove(found)
                delays.append(found.at - when)
        hours += float(at[-1] - at[0] + 1) / 3600
        crossings += len(turned)
        false += len(open_)
    return EventScore(zone.id, hours, crossings, false, tuple(delays))


def _fitting(events: Iterable[ZoneEvent], when: float, *, entered: bool) -> ZoneEvent | None:
    kind = Crossing.ENTER if entered else Crossing.LEAVE
    fits = (e for e in events if e.event is kind and when - EARLY_S <= e.at <= when + LATE_S)
    return next(fits, None)


def pooled_events(scores: Iterable[EventScore], zone: str = "all") -> EventScore:
    """Several as one."""
    parts = list(scores)
    return EventScore(
        zone,
        hours=sum(part.hours for part in parts),
        crossings=sum(part.crossings for part in parts),
        false=sum(part.false for part in parts),
        delays_s=tuple(delay for part in parts for delay in part.delays_s),
    )
