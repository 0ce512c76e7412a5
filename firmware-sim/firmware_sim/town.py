"""Generates the site: the plan, bent into a neighbourhood, as GeoJSON. Same seed, same file."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from firmware_sim import plan
from firmware_sim.geometry import Floats, to_lonlat
from firmware_sim.lamps.plan import LampPlan
from firmware_sim.plan import Line, Point, Ring, Street

NAME = "いわきスマートタウン"
CRS = "EPSG:6677"
ORIGIN = (140.93, 36.99)  # lon, lat of the plan's (0, 0)
PATH_STEP_M, EDGE_STEP_M = 14.0, 24.0  # bent lines are drawn in steps no longer than these
POLES_APART_M = (25.5, 34.5)
POLE_STEPS_M = np.arange(22.0, 37.0, 0.5)  # along the plan, before bending

Feature = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bend:
    """Smooth bending of the plan: neighbours stay neighbours, no street stays a ruler's line."""

    swing_m: float
    sway_m: float
    phase: float

    def __call__(self, points: Iterable[Point]) -> Floats:
        """Plan metres to metres on the ground, shape (n, 2)."""
        u, v = np.asarray(list(points), dtype=float).T
        x = u + self.sway_m * np.sin(v / 60.0) + 4.0 * np.sin(u / 90.0)
        y = v + self.swing_m * np.sin(u / 150.0 + self.phase) + 2.0 * np.sin(v / 50.0)
        return np.stack([x, y], axis=1)


def generate_site(*, seed: int, gateways: int = 1) -> str:
    """The site as GeoJSON text; receivers and lamps belong to one gateway, or one a quarter (4)."""
    rng = np.random.default_rng([seed, 0])
    bend = draw_bend(rng)
    features = [
        *_paths(bend),
        *_areas(bend),
        *_lots(bend),
        *_zones(bend),
        *_poles(bend, rng, gateways),
        *_points(bend),
    ]
    properties = {
        "name": NAME,
        "crs": CRS,
        "origin": list(ORIGIN),
        "seed": seed,
        "tag_height_m": 1.0,
    }
    head = json.dumps({"type": "FeatureCollection", "properties": properties}, ensure_ascii=False)
    rows = ",\n".join(json.dumps(f, ensure_ascii=False, separators=(",", ":")) for f in features)
    return f'{head[:-1]}, "features": [\n{rows}\n]}}\n'


def draw_bend(rng: np.random.Generator) -> Bend:
    """The bend of this town, gentle enough that lots stay lots."""
    return Bend(rng.uniform(13, 18), rng.uniform(8, 11), rng.uniform(0.3, 0.9))


def walked_lines() -> list[Line]:
    """Every line of the plan that people walk, cut where another one ends on it."""
    ends = [end for line in plan.FOOTPATHS for end in (line.points[0], line.points[-1])]
    streets = [piece for line in plan.street_lines() for piece in _cut(line, ends)]
    return [*streets, *plan.FOOTPATHS]


def _cut(line: Line, ends: Iterable[Point]) -> Iterator[Line]:
    """A straight two-point line in pieces, at those `ends` that lie on it."""
    (u0, v0), (u1, v1) = line.points
    on = {
        (u, v)
        for u, v in ends
        if (u == u0 == u1 and min(v0, v1) < v < max(v0, v1))
        or (v == v0 == v1 and min(u0, u1) < u < max(u0, u1))
    }
    stops = (line.points[0], *sorted(on), line.points[1])
    return (Line(line.use, piece) for piece in pairwise(stops))


def _densify(points: Ring, step_m: float) -> list[Point]:
    dense = [points[0]]
    for (u0, v0), (u1, v1) in pairwise(points):
        pieces = max(1, int(np.ceil(np.hypot(u1 - u0, v1 - v0) / step_m)))
        shares = np.arange(1, pieces) / pieces
        dense += [(float(u0 + s * (u1 - u0)), float(v0 + s * (v1 - v0))) for s in shares]
        dense.append((u1, v1))
    return dense


def _degrees(bend: Bend, points: Iterable[Point]) -> list[list[float]]:
    lonlat: list[list[float]] = np.round(to_lonlat(bend(points), ORIGIN), 8).tolist()
    return lonlat


def _feature(geometry: str, coordinates: Any, **properties: Any) -> Feature:
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": geometry, "coordinates": coordinates},
    }


def _polygon(bend: Bend, ring: Ring, **properties: Any) -> Feature:
    return _feature("Polygon", [_degrees(bend, _densify(ring, EDGE_STEP_M))], **properties)


def _point(bend: Bend, place: Point, **properties: Any) -> Feature:
    return _feature("Point", _degrees(bend, [place])[0], **properties)


def _paths(bend: Bend) -> list[Feature]:
    features = []
    for number, line in enumerate(walked_lines(), start=1):
        known = {"kind": "path", "id": f"path-{number:03d}", "use": line.use}
        if _is_school_route(line):
            known["route"] = "school"
        dense = _densify(line.points, PATH_STEP_M)
        features.append(_feature("LineString", _degrees(bend, dense), **known))
    return features


def _is_school_route(line: Line) -> bool:
    """The way to school: the main street's northern pavement as far as the gate, then in."""
    if line.points[0] == (640.0, 5.5) and line.use == "footpath":
        return True
    return all(v == plan.STREETS[0].pavement_m and u <= 640.0 for u, v in line.points)


def _areas(bend: Bend) -> list[Feature]:
    return [_polygon(bend, ring, kind="area", id=name, use=use) for name, use, ring in plan.AREAS]


def _lots(bend: Bend) -> list[Feature]:
    return [
        _polygon(bend, ring, kind="lot", id=f"{b.name}-{n:02d}", section=b.section, block=b.name)
        for b in plan.BLOCKS
        for n, ring in enumerate(plan.block_lots(b), start=1)
    ]


def _zones(bend: Bend) -> list[Feature]:
    def zone(name: str, use: str, ja: str, en: str, ring: Ring) -> Feature:
        names = {"ja": ja, "en": en}
        return _polygon(bend, ring, kind="zone", id=name, use=use, names=names)

    places = [zone(name, use, ja, en, ring) for name, use, ja, en, ring in plan.PLACES]
    sections = [
        zone(f"section-{s}", "section", ja, f"Section {s.upper()}", ring)
        for s, ja, ring in plan.SECTIONS
    ]
    blocks = [
        zone(
            f"block-{b.name}",
            "home_block",
            f"{b.name.upper()} 街区",
            f"Block {b.name.upper()}",
            plan.block_zone(b),
        )
        for b in plan.BLOCKS
    ]
    return [*places, *sections, *blocks]


def pole_places(bend: Bend, rng: np.random.Generator) -> list[tuple[Street, Point]]:
    """Where the poles stand: along every street, on both sides in turn, never on a carriageway."""
    return [
        (street, place)
        for street in plan.STREETS
        for place in _along(street, bend, rng)
        if street.covers(place[street.along == "v"])
    ]


def _along(street: Street, bend: Bend, rng: np.random.Generator) -> list[Point]:
    """Poles of one street; starts over where every next step ends on a carriageway."""
    while True:
        places = [street.point(street.start + rng.uniform(5.0, 14.0), street.kerb_m)]
        position = places[0][street.along == "v"]
        while position <= street.end:
            side = street.kerb_m if len(places) % 2 == 0 else -street.kerb_m
            steps = [p for p in position + POLE_STEPS_M if _is_free(street, p)]
            next_ones = [street.point(float(step), side) for step in steps]
            apart = np.hypot(*(bend([*next_ones, places[-1]])[:-1] - bend([places[-1]])).T)
            fit = [k for k, m in enumerate(apart) if POLES_APART_M[0] < m < POLES_APART_M[1]]
            if not fit:
                break
            chosen = rng.choice(fit)
            position = float(steps[chosen])
            places.append(next_ones[chosen])
        else:
            return places


def _is_free(street: Street, position: float) -> bool:
    """Whether no crossing carriageway runs there."""
    return all(abs(position - other.at) > other.kerb_m for other in plan.crossings(street))


def _poles(bend: Bend, rng: np.random.Generator, gateways: int) -> list[Feature]:
    features = []
    lamps = LampPlan(gateways=gateways)
    for number, (street, place) in enumerate(pole_places(bend, rng), start=1):
        pole = f"pole-{number:03d}"
        receiver = f"p{number:03d}"
        source = (
            {"format": "espresense", "topic": f"centre_{receiver}"}
            if _in_box(place, plan.CENTRE)
            else {"format": "openmqttgateway", "topic": f"home/OMG_{receiver}"}
        )
        height_m = round(rng.uniform(4.2, 4.9), 1)
        gateway = "gw-01" if gateways == 1 else f"gw-{_quarter(place):02d}"
        features += [
            _point(
                bend,
                place,
                kind="receiver",
                id=receiver,
                height_m=height_m,
                pole=pole,
                gateway=gateway,
                **source,
            ),
            _point(
                bend,
                place,
                kind="lamp",
                id=f"lamp-{number:03d}",
                pole=pole,
                **lamps.lamp(street, place),
            ),
        ]
    return features


def _in_box(place: Point, ring: Ring) -> bool:
    (west, south), (east, north) = ring[0], ring[2]
    return west <= place[0] <= east and south <= place[1] <= north


def _quarter(place: Point) -> int:
    """The gateway of a place where every section has its own: 1 to 4."""
    u, v = place
    if v >= 0:
        return 1 if u < 278 else 2
    return 3 if u < 265 else 4


def _points(bend: Bend) -> list[Feature]:
    cameras = [_point(bend, place, kind="camera", id=name) for name, place in plan.CAMERAS]
    shelters = [
        _point(bend, place, kind="shelter", id=name, names={"ja": ja, "en": en})
        for name, ja, en, place in plan.SHELTERS
    ]
    return [*cameras, *shelters]
