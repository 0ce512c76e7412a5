"""What can be said of a recording: figures for people, made of what the tracker found and of truth.

Parts that need a truth are empty where the recording has none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gateway.model import Position, Window, ZoneEvent
from gateway.report.receivers import Reception, fit_receivers
from gateway.report.scoring import (
    EventScore,
    Floats,
    Score,
    availability,
    brier,
    errors_of,
    path_errors,
    places_of,
    pooled_availability,
    pooled_events,
    score_zone,
    scored,
)
from gateway.report.truth import Truths
from gateway.site import Points, Site
from gateway.tags.propagation import Radio

Places = dict[tuple[str, int], tuple[float, float]]
"""Where a tag was in a second, metres."""

SURE_M = 15.0
"""Route positions with a larger 68 % circle say too little to judge a receiver by."""


@dataclass(frozen=True)
class Material:
    """A recording and what the product made of it: `positions` by mode, live and route at least.

    `radios` has one for each receiver of the site; `remarks` are what is known of the site already.
    """

    name: str
    site: Site
    windows: Sequence[Window]
    positions: Mapping[str, Sequence[Position]]
    events: Sequence[ZoneEvent]
    radios: Sequence[Radio]
    truths: Truths
    remarks: Sequence[str]


@dataclass(frozen=True, slots=True)
class Errors:
    """All positions of a mode that have a truth (n,): their score, circles and true places.

    `score.errors`, `radius68_m` and `places` (n, 2) belong together.
    """

    score: Score
    radius68_m: Floats
    places: Points

    @property
    def median_radius_m(self) -> float:
        """The usual 68 % circle."""
        return float(np.median(self.radius68_m))


@dataclass(frozen=True, slots=True)
class ZoneScore:
    """One zone: events against crossings, and P(zone) against the truth (Brier; None: no rows)."""

    zone: str
    events: EventScore
    brier: float | None


def errors_by_mode(material: Material) -> dict[str, Errors]:
    """The errors of each mode; empty where no positions have a truth."""
    found = {mode: _errors(positions, material) for mode, positions in material.positions.items()}
    return {mode: errors for mode, errors in found.items() if len(errors.score.errors)}


def _errors(positions: Sequence[Position], material: Material) -> Errors:
    site, truths = material.site, material.truths
    if not truths.tags and truths.ways:
        own = list(positions)
        errors, places = path_errors(own, truths.ways, site), places_of(own, site)
    else:
        by_tag = {tag: [one for one in positions if one.tag == tag] for tag in truths.tags}
        own = [one for some in by_tag.values() for one in some]
        each = [errors_of(some, truths.tags[tag], site) for tag, some in by_tag.items()]
        true = [
            truths.tags[tag].where(np.array([one.at for one in some]))
            for tag, some in by_tag.items()
        ]
        errors, places = np.concatenate([*each, []]), np.concatenate([*true, np.empty((0, 2))])
    known = ~np.isnan(errors)
    radii = np.array([one.radius68_m for one in own])
    return Errors(scored(own, errors), radii[known], places[known])


def availability_of(material: Material) -> float | None:
    """The share of the seconds with a truth in which a live position was there; None without."""
    live = material.positions["live"]
    known = material.truths.tags
    if not known:
        return None
    return pooled_availability(
        availability([one for one in live if one.tag == tag], truth) for tag, truth in known.items()
    ).share


def reception_of(material: Material) -> Reception:
    """How the receivers did, judged at the true places, or where none are known at the route's."""
    places = _true_places(material) if material.truths.tags else _route_places(material)
    return fit_receivers(material.windows, places, material.site, material.radios)


def _true_places(material: Material) -> Places:
    seconds = np.array([window.second for window in material.windows])
    found: Places = {}
    for tag, truth in material.truths.tags.items():
        where = truth.where(seconds + 0.5)
        known = ~np.isnan(where[:, 0])
        pairs = zip(seconds[known].tolist(), where[known].tolist(), strict=True)
        found |= {(tag, second): (east, north) for second, (east, north) in pairs}
    return found


def _route_places(material: Material) -> Places:
    sure = [one for one in material.positions["route"] if one.radius68_m <= SURE_M]
    where = places_of(sure, material.site).tolist()
    return {
        (one.tag, round(one.at) - 1): (east, north)
        for one, (east, north) in zip(sure, where, strict=True)
    }


def zone_scores(material: Material) -> list[ZoneScore]:
    """By zone, in the order of the site; empty without a zone truth."""
    found = []
    for zone in material.site.zones:
        truths = [one for one in material.truths.zones if one.zone == zone.id]
        if not truths:
            continue
        events = pooled_events(
            score_zone(
                [
                    event
                    for event in material.events
                    if (event.tag, event.zone) == (one.tag, zone.id)
                ],
                one,
                material.truths.tolerance,
            )
            for one in truths
        )
        found.append(ZoneScore(zone.id, events, _brier(material, zone.id)))
    return found


def _brier(material: Material, zone: str) -> float | None:
    """Over all tags, each position with the same weight."""
    squares = [
        brier([one for one in material.positions["live"] if one.tag == truth.tag], truth)
        for truth in material.truths.zones
        if truth.zone == zone
    ]
    every = np.concatenate([np.empty(0), *squares])
    return float(every.mean()) if len(every) else None
