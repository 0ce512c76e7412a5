"""Places to try positions on: streets with poles, a neighbourhood, rooms with boxes on the walls.

Nothing here knows the tracker. A scene is what stands there; `walks` sends people through it, and
`radio` makes them heard.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indexes = NDArray[np.intp]
Box = tuple[float, float, float, float]
Point = tuple[float, float]

ORIGIN = (140.888, 37.05)
METRES_PER_DEGREE = (88_963.0, 110_981.0)
POLE_M, KERB_M, YARD_M = 4.5, 1.0, 4.0
WALKS_M_S, HALTS_EVERY_M, STRAIGHT_ON = 1.3, 250.0, 2.0


@dataclass(frozen=True, slots=True)
class Scene:
    """`places` (n, 2), metres, joined by `ways` (m, 2), indexes; `receivers` (r, 3) with height.

    `trails` (t, 2) are ways that people walk and no map shows; `areas` are rings (k, 2) of open
    ground, `houses` boxes that weaken what passes through them. A box is west, south, east, north;
    `zones` are named ones. People walk at `pace_m_s`, halt every `halt_every_m` or so, and at each
    hop like to go `straight_on`: e to its power against aside.
    """

    name: str
    places: Floats
    ways: Indexes
    trails: Indexes
    areas: tuple[Floats, ...]
    houses: tuple[Box, ...]
    receivers: Floats
    zones: Mapping[str, Box]
    pace_m_s: float
    halt_every_m: float
    straight_on: float


@dataclass
class _Net:
    """Places that are named by where they are, and pairs of them."""

    places: dict[Point, int] = field(default_factory=dict)

    def pairs(self, lines: Iterable[Iterable[Point]]) -> Indexes:
        """Every two neighbours (n, 2) of every line."""
        steps = [step for line in lines for step in pairwise(line)]
        found = [[self.places.setdefault(p, len(self.places)) for p in step] for step in steps]
        return np.array(found, dtype=np.intp).reshape(-1, 2)


def street(*, length_m: float = 130.0, poles: int = 10, crossings: int = 3) -> Scene:
    """Two pavements 9 m apart, poles on alternating sides; a long one has zones of 15 and 60 m."""
    net, width = _Net(), 9.0
    along = np.linspace(0, length_m, crossings).tolist()
    across = [[(x, 0.0), (x, width)] for x in along]
    ways = net.pairs([[(x, y) for x in along] for y in (0.0, width)] + across)
    east = (np.arange(poles) + 0.5) * length_m / poles
    north = np.where(np.arange(poles) % 2, width + KERB_M, -KERB_M)
    south, top = -5.0, width + 5.0
    zones = {"school": (-5.0, south, 30.0, top), "park": (80.0, south, 110.0, top)}
    if length_m > 220:
        zones |= {"shop": (50.0, south, 65.0, top), "field": (150.0, south, 210.0, top)}
    return Scene(
        name=f"street-{length_m / poles:.0f}",
        places=np.array(list(net.places)),
        ways=ways,
        trails=net.pairs([]),
        areas=(),
        houses=(),
        receivers=np.column_stack([east, north, np.full(poles, POLE_M)]),
        zones=zones,
        pace_m_s=WALKS_M_S,
        halt_every_m=HALTS_EVERY_M,
        straight_on=STRAIGHT_ON,
    )


def neighbourhood(*, spacing_m: float) -> Scene:
    """Three blocks by two of 70 × 50 m, a pavement around each; one of them is a park.

    Streets are 8 m wide; each has poles every `spacing_m` on alternating sides. People cross the
    park by trails that no map shows. Zones reach over the street to its other pavement.
    """
    net, wide, deep, road = _Net(), 70.0, 50.0, 8.0
    blocks = [
        (x, y, x + wide, y + deep)
        for x in (0.0, wide + road, 2 * (wide + road))
        for y in (0.0, deep + road)
    ]
    crossings = [[(w, y), (w - road, y)] for w, s, _, n in blocks if w > 0 for y in (s, n)]
    crossings += [[(x, s), (x, s - road)] for w, s, e, _ in blocks if s > 0 for x in (w, e)]
    ways = net.pairs([_ring(block) for block in blocks] + crossings)
    park = blocks[3]
    shares = np.array([(0.2, 0.4), (0.5, 0.7), (0.75, 0.3)])
    lawn = [(park[0] + wide * x, park[1] + deep * y) for x, y in shares.tolist()]
    over = [[gate, spot] for gate in _ring(park)[:4] for spot in lawn]
    trails = net.pairs([*over, [*lawn, lawn[0]]])
    return Scene(
        name=f"town-{spacing_m:.0f}",
        places=np.array(list(net.places)),
        ways=ways,
        trails=trails,
        areas=(np.array(_ring(park)),),
        houses=tuple(_within(block, YARD_M) for block in blocks if block != park),
        receivers=_poles_between(blocks, road, spacing_m),
        zones={
            "school": (-4.0, -4.0, 36.0, deep + road + 4),
            "corner": (park[0] - 4, park[3] - 8, park[0] + 11, park[3] + 4),
            "park": _within(park, -road - 4),
            "hall": (blocks[4][0] + 20, -4.0, blocks[4][0] + 50, deep + road + 4),
        },
        pace_m_s=WALKS_M_S,
        halt_every_m=HALTS_EVERY_M,
        straight_on=STRAIGHT_ON,
    )


def _ring(box: Box) -> list[Point]:
    west, south, east, north = box
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def _within(box: Box, margin_m: float) -> Box:
    west, south, east, north = box
    return west + margin_m, south + margin_m, east - margin_m, north - margin_m


def _poles_between(blocks: list[Box], road: float, spacing_m: float) -> Floats:
    """Poles (p, 3) at the kerbs of every street between and around the blocks."""
    wests, souths, easts, norths = (sorted(set(edges)) for edges in zip(*blocks, strict=True))
    rows = []
    for y in (souths[0] - road / 2, *(north + road / 2 for north in norths)):
        east, side = _row(wests[0], easts[-1], spacing_m)
        rows.append(np.column_stack([east, y + side * (road / 2 - KERB_M)]))
    for x in (wests[0] - road / 2, *(east + road / 2 for east in easts)):
        north, side = _row(souths[0], norths[-1], spacing_m)
        rows.append(np.column_stack([x + side * (road / 2 - KERB_M), north]))
    poles = np.concatenate(rows)
    return np.column_stack([poles, np.full(len(poles), POLE_M)])


def _row(start: float, end: float, spacing_m: float) -> tuple[Floats, Floats]:
    """Places along a line, and on which side of it (±1) each is."""
    along = np.arange(start + spacing_m / 2, end, spacing_m)
    return along, np.where(np.arange(len(along)) % 2, 1.0, -1.0)


def room(random: np.random.Generator, *, receivers: int = 10) -> Scene:
    """A floor of about 18 × 14 m with furniture, walkable on a lattice of 1 m."""
    wide, deep = int(random.integers(14, 22)), int(random.integers(10, 18))
    free = np.ones((wide, deep), dtype=bool)
    for _ in range(wide * deep // 24):
        x, y = int(random.integers(1, wide - 3)), int(random.integers(1, deep - 3))
        free[x : x + 2, y : y + 2] = False
    net = _Net()
    ways = net.pairs(
        [(float(x), float(y)), (float(x + east), float(y + north))]
        for x, y in np.argwhere(free)
        for east, north in ((1, 0), (0, 1))
        if x + east < wide and y + north < deep and free[x + east, y + north]
    )
    angle = 2 * np.pi * (np.arange(receivers) + random.uniform(0, 1)) / receivers
    reach = random.uniform(0.35, 1.0, receivers)
    around = np.stack([np.cos(angle) * reach * wide / 2, np.sin(angle) * reach * deep / 2], axis=1)
    height = random.uniform(1.2, 2.4, receivers)
    half = wide / 2
    return Scene(
        name=f"room-{receivers}",
        places=np.array(list(net.places)),
        ways=ways,
        trails=net.pairs([]),
        areas=(),
        houses=(),
        receivers=np.column_stack([around + np.array([wide, deep]) / 2, height]),
        zones={"west": (-1, -1, half, deep + 1), "east": (half, -1, wide + 1, deep + 1)},
        pace_m_s=0.6,
        halt_every_m=60.0,
        straight_on=4.5,
    )


def degrees(xy: Floats) -> Floats:
    """Metres (n, 2) of a scene to lon and lat (n, 2)."""
    return np.asarray(np.asarray(ORIGIN) + xy / np.asarray(METRES_PER_DEGREE))


def write_site(file: Path, scene: Scene) -> None:
    """The scene as a site file: what a map shows, trails not."""
    features = [
        _feature("Point", degrees(xyz[None, :2])[0], kind="receiver", id=f"r{k}", height_m=xyz[2])
        for k, xyz in enumerate(scene.receivers)
    ]
    features += [
        _feature("LineString", degrees(scene.places[way]), kind="path") for way in scene.ways
    ]
    features += [_feature("Polygon", degrees(ring)[None], kind="area") for ring in scene.areas]
    for zone, box in scene.zones.items():
        ring = np.array(_ring(box))
        features.append(_feature("Polygon", degrees(ring)[None], kind="zone", id=zone))
    document = {
        "type": "FeatureCollection",
        "properties": {"name": scene.name},
        "features": features,
    }
    file.write_text(json.dumps(document), encoding="utf-8")


def _feature(shape: str, lonlat: Floats, **known: object) -> dict[str, object]:
    geometry = {"type": shape, "coordinates": lonlat.tolist()}
    return {"type": "Feature", "properties": known, "geometry": geometry}
