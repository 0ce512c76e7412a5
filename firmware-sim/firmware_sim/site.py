"""Reads a site's GeoJSON as the simulator needs it: numbers in metres, nothing of the gateway's."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firmware_sim.geometry import Floats, inside, to_lonlat, to_metres


@dataclass(frozen=True, slots=True)
class Node:
    """A receiver on a pole. `format` is openmqttgateway or espresense, `topic` its own prefix."""

    id: str
    format: str
    topic: str


@dataclass(frozen=True, slots=True)
class Way:
    """A way that people walk; `points` has shape (n ≥ 2, 2), metres."""

    id: str
    use: str
    school_route: bool
    points: Floats


@dataclass(frozen=True, slots=True)
class Ground:
    """A polygon: a lot, a zone or an area; `ring` is closed, shape (n, 2), metres."""

    id: str
    use: str
    ring: Floats


@dataclass(frozen=True, slots=True)
class Site:
    """The town in metres east and north of `origin` (lon, lat)."""

    text: str
    origin: tuple[float, float]
    nodes: tuple[Node, ...]
    node_xyz: Floats
    """Where the receivers are, shape (n, 3), metres, height above the ground last."""
    paths: tuple[Way, ...]
    lots: tuple[Ground, ...]
    zones: tuple[Ground, ...]

    def lonlat(self, points: Floats) -> Floats:
        """Metres (n, 2) to degrees (n, 2), lon first."""
        return to_lonlat(points, self.origin)

    def zone_masks(self, points: Floats) -> Floats:
        """Which zones hold which of `points` (n, 2): shape (zones, n), bool."""
        if not self.zones:
            return np.zeros((0, len(points)), dtype=bool)
        return np.stack([inside(zone.ring, points) for zone in self.zones])


def read_site(file: Path) -> Site:
    """Read `file`. Raises OSError, or ValueError or KeyError where it is not a site."""
    return parse_site(file.read_text(encoding="utf-8"))


def parse_site(text: str) -> Site:
    """A site from its GeoJSON text; `origin` of its properties, or its first vertex, is (0, 0)."""
    document = json.loads(text)
    features = document["features"]
    first = np.asarray(features[0]["geometry"]["coordinates"]).reshape(-1)[:2]
    east, north = document["properties"].get("origin", first.tolist())
    origin = (float(east), float(north))

    def of(kind: str) -> list[Any]:
        return [f for f in features if f["properties"]["kind"] == kind]

    receivers = of("receiver")
    nodes = tuple(
        Node(
            p["id"],
            p.get("format", "openmqttgateway"),
            p.get("topic", f"home/OMG_{p['id']}"),
        )
        for p in (f["properties"] for f in receivers)
    )
    heights = [[f["properties"].get("height_m", 4.5)] for f in receivers]
    places = np.array([f["geometry"]["coordinates"] for f in receivers], dtype=float)
    return Site(
        text,
        origin,
        nodes,
        np.hstack([to_metres(places.reshape(-1, 2), origin), np.reshape(heights, (-1, 1))]),
        tuple(_path(f, origin) for f in of("path")),
        tuple(_ground(f, origin) for f in of("lot")),
        tuple(_ground(f, origin) for f in of("zone")),
    )


def _path(feature: Any, origin: tuple[float, float]) -> Way:
    known = feature["properties"]
    points = np.array(feature["geometry"]["coordinates"], dtype=float)[:, :2]
    return Way(
        known.get("id", ""),
        known.get("use", ""),
        known.get("route") == "school",
        to_metres(points, origin),
    )


def _ground(feature: Any, origin: tuple[float, float]) -> Ground:
    known = feature["properties"]
    ring = np.array(feature["geometry"]["coordinates"][0], dtype=float)[:, :2]
    return Ground(known["id"], known.get("use", ""), to_metres(ring, origin))
