"""The tracker beside what one would take from the shelf, on the same seconds of the same tags.

Time is the core's for one fix, after all have settled. The tracker's is for all that its step does
(readings are sorted by tag, zones are told), the peers' for the filter alone. Theirs does not
depend on how many tags there are; the tracker's does, so that of a crowd stands beside it.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from gateway.model import Position, Window
from gateway.tags.identity import Directory
from gateway.tags.pipeline import Pipeline
from gateway.tags.warming import warm_up
from tests.bench import tracker
from tests.bench.figure import Comparison
from tests.bench.shelf import PARTICLES, Centroid, Filter, Floats, Heard, Kalman, Particles
from tests.bench.town import Second, Town, identifiers_of, seconds_of

(KM, RECEIVERS), TAGS = tracker.SMALL, 60
SECONDS, SETTLED_S = 180, 90

COLUMNS = ("median error, m", "90 % error, m", "a fix, µs")


class Moment(NamedTuple):
    """One second of all tags: as the gateway gets it, and what was heard of each."""

    window: Window
    heard: Sequence[Heard]


class Contestant(Protocol):
    """Locates all tags."""

    def take(self, moment: Moment) -> None:
        """Locate them at the end of the next second."""
        ...

    def points(self) -> Floats:
        """Where they were (seconds, tags, 2), metres."""
        ...


def measure() -> Comparison:
    """Errors and time of each."""
    town = Town(km=KM, receivers=RECEIVERS)
    walk = list(seconds_of(town, tags=TAGS, count=SECONDS))
    moments = list(map(Moment, (second.window for second in walk), heard_by_tag(town, walk)))
    truth = np.array([second.truth for second in walk])
    warm_up(town.site)
    np.random.seed(0)  # Stone Soup draws from numpy's global state
    crowd = tracker.case_of(tracker.TAGS, tracker.SMALL)
    rows: dict[str, tuple[float | None, ...]] = {
        f"Machimori, {TAGS} tags": _score(Machimori(town), moments, truth),
        f"Machimori, {tracker.TAGS:,} tags": (None, None, crowd.fix_us),
        "filterpy, extended Kalman filter": _score(Shelf(Kalman), moments, truth),
        f"Stone Soup, {PARTICLES:,} particles": _score(Shelf(Particles), moments, truth),
        "weighted centroid": _score(Shelf(Centroid), moments, truth),
    }
    return Comparison(f"peers: {TAGS} tags, {KM:g} km", COLUMNS, rows)


def _score(
    contestant: Contestant, moments: Sequence[Moment], truth: Floats
) -> tuple[float, float, float]:
    """Median and 90 % of the error, metres, and time of a fix, µs, without the first seconds."""
    spent_s = []
    for moment in moments:
        begun = time.process_time()
        contestant.take(moment)
        spent_s.append(time.process_time() - begun)
    error_m = np.linalg.norm(contestant.points() - truth, axis=2)[SETTLED_S:]
    fix_us = sum(spent_s[SETTLED_S:]) / error_m.size * 1e6
    return float(np.median(error_m)), float(np.quantile(error_m, 0.9)), fix_us


class Machimori:
    """The real pipeline. Where it has no position, the last one counts."""

    def __init__(self, town: Town) -> None:
        known = identifiers_of(TAGS)
        self._site = town.site
        self._rows = {one.tag: row for row, one in enumerate(known)}
        self._pipeline = Pipeline(town.site, Directory(known))
        self._told: list[tuple[Position, ...]] = []

    def take(self, moment: Moment) -> None:
        """Its step, which brings positions in degrees."""
        step = self._pipeline.step(moment.window.second, [moment.window])
        self._told.append(step.positions)

    def points(self) -> Floats:
        """The same in metres."""
        lonlat = np.full((len(self._told), len(self._rows), 2), np.nan)
        for k, positions in enumerate(self._told):
            lonlat[k] = lonlat[k - 1]
            for position in positions:
                lonlat[k, self._rows[position.tag]] = position.lon, position.lat
        return self._site.to_metres(lonlat.reshape(-1, 2)).reshape(lonlat.shape)


class Shelf:
    """A filter for each tag."""

    def __init__(self, filter_: Callable[[], Filter]) -> None:
        self._filters = [filter_() for _ in range(TAGS)]
        self._points: list[list[Floats]] = []

    def take(self, moment: Moment) -> None:
        """One tag after the other."""
        points = []
        for filter_, heard in zip(self._filters, moment.heard, strict=True):
            filter_.update(heard)
            points.append(filter_.xy)
        self._points.append(points)

    def points(self) -> Floats:
        """What the filters said."""
        return np.array(self._points)


def heard_by_tag(town: Town, walk: Sequence[Second]) -> list[list[Heard]]:
    """Of every second and tag what was heard, the strongest first."""
    poles = dict(zip(town.names, town.poles, strict=True))
    rows = {known.identifier: row for row, known in enumerate(identifiers_of(TAGS))}
    found = []
    for second in walk:
        spots: list[list[Floats]] = [[] for _ in rows]
        levels: list[list[float]] = [[] for _ in rows]
        for reading in sorted(second.window.readings, key=lambda reading: -reading.mean_dbm):
            spots[rows[reading.identifier]].append(poles[reading.receiver])
            levels[rows[reading.identifier]].append(reading.mean_dbm)
        found.append(
            [
                Heard(np.array(at).reshape(-1, 2), np.array(dbm))
                for at, dbm in zip(spots, levels, strict=True)
            ]
        )
    return found
