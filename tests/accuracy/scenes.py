"""Places to try positions on: a street with poles, rooms with boxes on the walls, and walkers.

Nothing here knows the tracker. A scene is a way network with receivers; `radio` makes it heard.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

START_AT = 1_770_000_000.0
ORIGIN = (140.888, 37.05)
METRES_PER_DEGREE = (88_963.0, 110_981.0)
TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class Scene:
    """`places` (n, 2), metres, joined by `ways` (m, 2), indexes; `receivers` (r, 3) with height.

    `zones` maps a name to (west, south, east, north). `pace_m_s` is how fast people walk.
    """

    name: str
    places: Floats
    ways: NDArray[np.intp]
    receivers: Floats
    zones: Mapping[str, tuple[float, float, float, float]]
    pace_m_s: float


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a carrier was: times (n,), positions (n, 2) metres, heading (n,) radians."""

    at: Floats
    xy: Floats
    heading: Floats


def street(*, receivers: int = 10) -> Scene:
    """Two pavements of 130 m, 9 m apart, three crossings, poles on alternating sides."""
    length, width = 130.0, 9.0
    east = (np.arange(receivers) + 0.5) * length / receivers
    north = np.where(np.arange(receivers) % 2, width + 1.0, -1.0)
    return Scene(
        name="street",
        places=np.array([(x, y) for y in (0.0, width) for x in (0.0, length / 2, length)]),
        ways=np.array([(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)]),
        receivers=np.stack([east, north, np.full(receivers, 4.5)], axis=1),
        zones={"school": (-5, -5, 30, width + 5), "park": (80, -5, 110, width + 5)},
        pace_m_s=1.3,
    )


def room(random: np.random.Generator, *, receivers: int = 10) -> Scene:
    """A floor of about 18 × 14 m with furniture, walkable on a lattice of 1 m."""
    wide, deep = int(random.integers(14, 22)), int(random.integers(10, 18))
    free = np.ones((wide, deep), dtype=bool)
    for _ in range(wide * deep // 24):
        x, y = int(random.integers(1, wide - 3)), int(random.integers(1, deep - 3))
        free[x : x + 2, y : y + 2] = False
    spots = np.argwhere(free)
    index = {(int(x), int(y)): k for k, (x, y) in enumerate(spots)}
    ways = [
        (k, index[near])
        for (x, y), k in index.items()
        for near in ((x + 1, y), (x, y + 1))
        if near in index
    ]
    turn = np.arange(receivers) + random.uniform(0, 1)
    angle = 2 * np.pi * turn / receivers
    reach = random.uniform(0.35, 1.0, receivers)
    around = np.stack([np.cos(angle) * reach * wide / 2, np.sin(angle) * reach * deep / 2], axis=1)
    height = random.uniform(1.2, 2.4, receivers)
    half = wide / 2
    return Scene(
        name="room",
        places=spots.astype(float),
        ways=np.array(ways),
        receivers=np.column_stack([around + np.array([wide, deep]) / 2, height]),
        zones={"west": (-1, -1, half, deep + 1), "east": (half, -1, wide + 1, deep + 1)},
        pace_m_s=0.7,
    )


def walk(random: np.random.Generator, scene: Scene, *, seconds: int) -> Walk:
    """From place to place, seldom straight back, with halts."""
    near: dict[int, list[int]] = {}
    for a, b in scene.ways.tolist():
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    here, came = int(random.choice(sorted(near))), np.zeros(2)
    xy, heading = [scene.places[here]], [0.0]
    while len(xy) * TICK_S < seconds:
        spans = scene.places[near[here]] - scene.places[here]
        spans /= np.hypot(*spans.T)[:, None]
        liking = np.exp(2 * spans @ came)
        chosen = int(random.choice(len(spans), p=liking / liking.sum()))
        there, came = near[here][chosen], spans[chosen]
        span = scene.places[there] - scene.places[here]
        pace = max(random.normal(scene.pace_m_s, 0.2 * scene.pace_m_s), 0.3) * TICK_S
        line = scene.places[here] + np.arange(pace, np.hypot(*span), pace)[:, None] * came
        halt = random.uniform(3, 40) if random.random() < 0.05 + np.hypot(*span) / 300 else 0
        xy += [*line, *([line[-1]] * int(halt / TICK_S))]
        heading += [float(np.arctan2(came[1], came[0]))] * (len(xy) - len(heading))
        here = there
    count = round(seconds / TICK_S)
    points = np.array(xy[:count])
    sway = np.cumsum(random.normal(0, 0.04, points.shape), axis=0)
    sway -= np.array([np.convolve(s, np.ones(100) / 100, mode="same") for s in sway.T]).T
    at = START_AT + TICK_S * np.arange(count, dtype=float)
    return Walk(np.asarray(at), np.asarray(points + sway), np.array(heading[:count]))


def degrees(xy: Floats) -> Floats:
    """Metres (n, 2) of a scene to lon and lat (n, 2)."""
    return np.asarray(np.asarray(ORIGIN) + xy / np.asarray(METRES_PER_DEGREE))


def write_site(file: Path, scene: Scene) -> None:
    """The scene as a site file."""
    features = [
        _feature("Point", degrees(xyz[None, :2])[0], kind="receiver", id=f"r{k}", height_m=xyz[2])
        for k, xyz in enumerate(scene.receivers)
    ]
    features += [
        _feature("LineString", degrees(scene.places[way]), kind="path") for way in scene.ways
    ]
    for zone, (west, south, east, north) in scene.zones.items():
        ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
        features.append(_feature("Polygon", degrees(np.array(ring))[None], kind="zone", id=zone))
    document = {
        "type": "FeatureCollection",
        "properties": {"name": scene.name},
        "features": features,
    }
    file.write_text(json.dumps(document), encoding="utf-8")


def _feature(shape: str, lonlat: Floats, **known: object) -> dict[str, object]:
    geometry = {"type": shape, "coordinates": lonlat.tolist()}
    return {"type": "Feature", "properties": known, "geometry": geometry}
