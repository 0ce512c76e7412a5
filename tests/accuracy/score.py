"""Positions and zone events against the truth; nothing here knows how they were made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.model import Crossing, Position, ZoneEvent
from gateway.site import Site

Floats = NDArray[np.float64]

LONGEST_GAP_S = 5.0
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


def score(positions: Sequence[Position], truth: Truth, site: Site) -> Score:
    """The positions of one tag against its truth."""
    at = np.array([position.at for position in positions])
    lonlat = np.array([(position.lon, position.lat) for position in positions])
    radii = np.array([(position.radius68_m, position.radius95_m) for position in positions])
    away = site.to_metres(lonlat) - truth.where(at)
    errors = np.hypot(away[:, 0], away[:, 1])
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


@dataclass(frozen=True, slots=True)
class EventScore:
    """Zone events against true crossings; `delays_s` of those that were found."""

    hours: float
    crossings: int
    false: int
    delays_s: tuple[float, ...]

    @property
    def missed(self) -> int:
        return self.crossings - len(self.delays_s)


def score_events(events: Sequence[ZoneEvent], truth: Truth, site: Site) -> EventScore:
    """An event finds the first true crossing of its kind from 30 s before to 5 s after it."""
    false, crossings, delays = 0, 0, []
    for zone in site.zones:
        inside = zone.contains(truth.xy)
        turns = np.flatnonzero(np.diff(inside.astype(int)))
        open_ = [(float(truth.at[k + 1]), bool(inside[k + 1])) for k in turns]
        crossings += len(open_)
        for event in events:
            if event.zone != zone.id:
                continue
            kind = event.event is Crossing.ENTER
            fits = [c for c in open_ if c[1] == kind and -EARLY_S <= event.at - c[0] <= LATE_S]
            if fits:
                open_.remove(fits[0])
                delays.append(event.at - fits[0][0])
            else:
                false += 1
    hours = len(site.zones) * float(truth.at[-1] - truth.at[0]) / 3600
    return EventScore(hours, crossings, false, tuple(delays))
