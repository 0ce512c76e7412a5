"""Fixes per second on the whole town's map, against 300 carriers once a second on a Pi's core."""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from gateway.model import Reading, TagIdentifier, Window
from gateway.site import Site, load_site
from gateway.tags.identity import Directory
from gateway.tags.pipeline import Pipeline
from tests.bench.figure import Figure
from tests.needs import ROOT

TAGS = 100
WARM_UP_S = 5
MEASURED_S = 20
WALK_M_S = 1.3
REACH_M = 90.0
CARRIERS = 300
PI_FACTOR = 8
FIRST = 1_800_000_000


def measure() -> Sequence[Figure]:
    """TAGS carriers outdoors, each walking a path of the town and heard by all within reach."""
    site = load_site(ROOT / "config" / "site.geojson")
    identifiers = [TagIdentifier(f"uid:{n:032x}", f"t-{n}", button=False) for n in range(TAGS)]
    pipeline = Pipeline(site, Directory(identifiers))
    windows = list(_windows(site, identifiers))
    for window in windows[:WARM_UP_S]:
        pipeline.step(window.second, [window])
    begun = time.perf_counter()
    fixes = sum(
        len(pipeline.step(window.second, [window]).positions) for window in windows[WARM_UP_S:]
    )
    spent = time.perf_counter() - begun
    needed = CARRIERS * PI_FACTOR
    return [Figure("tracker: fixes, town of 131 poles", fixes / spent, "1/s", _NEEDED, needed)]


_NEEDED = f"{CARRIERS} carriers at 1 Hz × {PI_FACTOR} (Pi)"


def _windows(site: Site, identifiers: Sequence[TagIdentifier]) -> Iterator[Window]:
    random = np.random.default_rng(1)
    poles = np.array([receiver.xy for receiver in site.receivers])
    names = [receiver.id for receiver in site.receivers]
    long = [path.points for path in site.paths if len(path.points) >= 2]
    chosen = [long[index] for index in random.integers(len(long), size=len(identifiers))]
    for second in range(WARM_UP_S + MEASURED_S):
        readings = []
        for known, points in zip(identifiers, chosen, strict=True):
            at = _along(points, WALK_M_S * second)
            apart = np.hypot(*(poles - at).T)
            level = -58 - 22 * np.log10(np.maximum(apart, 1)) + random.normal(0, 6, len(poles))
            heard = np.flatnonzero((apart < REACH_M) & (level > -98))
            readings += [
                Reading(names[n], known.identifier, float(level[n]), int(level[n]), 1)
                for n in heard
            ]
        yield Window(FIRST + second, tuple(names), tuple(readings))


def _along(points: np.ndarray, walked_m: float) -> np.ndarray:
    """Where one is after `walked_m` of going up and down a polyline."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    ends = np.concatenate([[0.0], np.cumsum(steps)])
    at = abs((walked_m + ends[-1]) % (2 * ends[-1]) - ends[-1])
    return np.array([np.interp(at, ends, points[:, axis]) for axis in (0, 1)])
