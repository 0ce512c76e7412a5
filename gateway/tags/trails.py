"""Estimates become the points of a route: confirmed within seconds, final a minute later.

A point stands for a second in which its tag was heard: holes in the hearing stay holes of the way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import dist
from typing import NamedTuple
from zlib import crc32

import numpy as np

from gateway.model import Quality, RoutePoint
from gateway.site import Site
from gateway.tags.fix import Fix, fix_of
from gateway.tags.route import Hindsight, Lag, Smoothed
from gateway.tags.tracker import Estimate

# Every estimate that waits is held, some 5 kB of each tag and second, and every pass over them
# costs. In streets with poles 13 m apart the median error is 3.99 m live, 2.19 m with SOON, 1.97 m
# with AFTERWARDS, and 1.96 m with the whole outing held.
SOON = Lag(lag_s=8, block_s=5)
AFTERWARDS = Lag(lag_s=30, block_s=40)
HELD_S = AFTERWARDS.lag_s + AFTERWARDS.block_s
SPREAD_S = 20  # tags that began together, as after a restart, are not all due in one second

SLOT_S = 5
MOVED_M = 2.0
REST_S = 20.0  # a carrier at rest: below what counts as a hole
LIKELY_ZONE = 0.5


class Told(NamedTuple):
    """What one step told: points of both qualities, and by tag through when its way is final."""

    confirmed: tuple[RoutePoint, ...] = ()
    route: tuple[RoutePoint, ...] = ()
    final: tuple[tuple[str, float], ...] = ()


class _Spot(NamedTuple):
    at: float
    tag: str
    fix: Fix


@dataclass(slots=True)
class _Slots:
    """Lets through the first heard second of every 5 s."""

    last: int = -1

    def take(self, seen: Sequence[Smoothed], tag: str) -> list[_Spot]:
        found = []
        for one in seen:
            second = one.estimate.second
            if not one.estimate.unheard_s and second // SLOT_S != self.last:
                self.last = second // SLOT_S
                fix = fix_of(one.estimate.tile, one.mass)
                found.append(_Spot(second + 1.0, tag, fix))
        return found


@dataclass(slots=True)
class _Rests:
    """Thins a carrier's rests: one point in 20 s, and the last before a hole."""

    said: _Spot | None = None
    held: _Spot | None = None

    def take(self, spots: Iterable[_Spot]) -> list[_Spot]:
        found = []
        for spot in spots:
            if self.held is not None and spot.at - self.held.at > 2 * SLOT_S:
                found += self.end()
            if self.said is None or _is_new(spot, self.said):
                found.append(spot)
                self.said, self.held = spot, None
            else:
                self.held = spot
        return found

    def end(self) -> list[_Spot]:
        """The last one, if it was left out."""
        rest = [] if self.held is None else [self.held]
        self.said, self.held = self.held or self.said, None
        return rest


def _is_new(spot: _Spot, said: _Spot) -> bool:
    moved_m = dist(spot.fix.xy, said.fix.xy)
    return not 0 <= spot.at - said.at < REST_S or moved_m > MOVED_M


class _Found(NamedTuple):
    """Spots, and through when the way is final by them."""

    confirmed: list[_Spot]
    route: list[_Spot]
    final_through: float | None


class _Trail:
    """One tag's estimates that wait for what comes after them."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._soon, self._afterwards = Hindsight(SOON), Hindsight(_lag_of(tag))
        self._soon_slots, self._slots = _Slots(), _Slots()
        self._rests = _Rests()
        self._next: int | None = None

    def update(self, estimate: Estimate) -> list[_Found]:
        found = []
        if self._next not in (None, estimate.second):
            found.append(self.end())
        self._next = estimate.second + 1
        confirmed = self._soon_slots.take(self._soon.update(estimate), self._tag)
        seen = self._afterwards.update(estimate)
        route = self._rests.take(self._slots.take(seen, self._tag))
        return [*found, _Found(confirmed, route, _through(seen))]

    def end(self) -> _Found:
        """No more will come: what was still waiting."""
        self._soon = Hindsight(SOON)  # what waited in it is final now
        seen = self._afterwards.end()
        route = self._rests.take(self._slots.take(seen, self._tag)) + self._rests.end()
        return _Found([], route, _through(seen))


def _lag_of(tag: str) -> Lag:
    shorter_s = crc32(tag.encode()) % SPREAD_S
    return Lag(lag_s=AFTERWARDS.lag_s, block_s=AFTERWARDS.block_s - shorter_s)


def _through(seen: Sequence[Smoothed]) -> float | None:
    return seen[-1].estimate.second + 1.0 if seen else None


class Trails:
    """The trails of all tags of `site`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._zones = [zone.id for zone in site.zones]
        self._trails: dict[str, _Trail] = {}

    def update(self, estimates: Sequence[tuple[str, Estimate]]) -> Told:
        """Take a step's estimates; the trail of a tag that has none is ended."""
        present = dict(estimates)  # asked once: each is made when it is asked for
        found = {tag: [self._trails.pop(tag).end()] for tag in self._trails.keys() - present.keys()}
        for tag, estimate in present.items():
            trail = self._trails.setdefault(tag, _Trail(tag))
            found[tag] = trail.update(estimate)
        return self._told(found)

    def end(self) -> Told:
        """No step will come any more."""
        return self.update(())

    def _told(self, found: Mapping[str, Sequence[_Found]]) -> Told:
        every = [one for of_tag in found.values() for one in of_tag]
        return Told(
            confirmed=self._points([s for one in every for s in one.confirmed], Quality.CONFIRMED),
            route=self._points([s for one in every for s in one.route], Quality.ROUTE),
            final=tuple(
                (tag, one.final_through)
                for tag, of_tag in found.items()
                for one in of_tag
                if one.final_through is not None
            ),
        )

    def _points(self, spots: Sequence[_Spot], quality: Quality) -> tuple[RoutePoint, ...]:
        if not spots:
            return ()
        degrees = self._site.to_lonlat(np.array([spot.fix.xy for spot in spots])).tolist()
        return tuple(
            RoutePoint(
                at=spot.at,
                tag=spot.tag,
                lon=lon,
                lat=lat,
                radius68_m=spot.fix.radius68_m,
                zone=self._likely_zone(spot.fix),
                quality=quality,
            )
            for spot, (lon, lat) in zip(spots, degrees, strict=True)
        )

    def _likely_zone(self, fix: Fix) -> str:
        if not self._zones:
            return ""
        likeliest = int(fix.zones.argmax())
        return self._zones[likeliest] if fix.zones[likeliest] >= LIKELY_ZONE else ""
