"""The town's map: GeoJSON (WGS84) in, an immutable Site in metres out.

Every feature has a `kind` and, but for paths, an `id`. Metres are those of the site's own CRS:
`properties.crs` of the collection ("EPSG:6677" where it names none). shapely and pyproj stay here:
the rest of the house sees numpy arrays of shape (n, 2), x east and y north, in metres.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry import shape
from shapely.ops import transform

from gateway.model import ReceiverSource

DEFAULT_CRS = "EPSG:6677"
KINDS = ("path", "area", "receiver", "lamp", "zone", "lot", "camera", "shelter")

Points = NDArray[np.float64]
"""Shape (n, 2): x and y in metres, or lon and lat in degrees where a name says so."""


class SiteError(Exception):
    """The site cannot be used; the message names file, feature and what to do, a line each."""


@dataclass(frozen=True, slots=True)
class PathLine:
    """A line that people walk: street side, footpath. `points` has shape (n ≥ 2, 2)."""

    id: str
    use: str
    points: Points


@dataclass(frozen=True, slots=True)
class Place:
    """A point feature: lamp, camera or shelter."""

    id: str
    kind: str
    xy: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Receiver:
    """An antenna at a known place; `gateway` is the edge that it belongs to ("" = none)."""

    id: str
    xy: tuple[float, float]
    height_m: float
    gateway: str
    source: ReceiverSource | None


@dataclass(frozen=True, slots=True)
class Region:
    """A polygon feature: zone, area or lot. `names` maps a language (ja, en) to a name."""

    id: str
    kind: str
    use: str
    names: Mapping[str, str]
    polygon: shapely.Polygon

    def contains(self, points: Points) -> NDArray[np.bool_]:
        """Which of `points` (n, 2), metres, lie inside; shape (n,)."""
        return np.asarray(shapely.contains_xy(self.polygon, points[:, 0], points[:, 1]))

    def grid(self, spacing_m: float) -> Points:
        """Points inside, on a square grid of `spacing_m`; never none: a small region has its middle."""
        west, south, east, north = self.polygon.bounds
        axes = (np.arange(west, east, spacing_m), np.arange(south, north, spacing_m))
        points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2) + spacing_m / 2
        inside = points[self.contains(points)]
        if len(inside):
            return inside
        middle = self.polygon.representative_point()
        return np.array([[middle.x, middle.y]])


@dataclass(frozen=True, slots=True)
class Site:
    """One neighbourhood. `plan` is the GeoJSON text that a resident's page may show."""

    name: str
    crs: str
    paths: tuple[PathLine, ...]
    areas: tuple[Region, ...]
    zones: tuple[Region, ...]
    lots: tuple[Region, ...]
    receivers: tuple[Receiver, ...]
    lamps: tuple[Place, ...]
    cameras: tuple[Place, ...]
    shelters: tuple[Place, ...]
    plan: bytes

    def to_lonlat(self, points: Points) -> Points:
        """Metres (n, 2) to WGS84 degrees (n, 2), lon first."""
        return _turn(points, self.crs, "EPSG:4326")

    def to_metres(self, lonlat: Points) -> Points:
        """WGS84 degrees (n, 2), lon first, to metres (n, 2)."""
        return _turn(lonlat, "EPSG:4326", self.crs)


def _turn(points: Points, source: str, target: str) -> Points:
    points = np.asarray(points, dtype=float).reshape(-1, 2)
    east, north = _transformer(source, target).transform(points[:, 0], points[:, 1])
    return np.stack([east, north], axis=1)


@cache
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def load_site(file: Path) -> Site:
    """Read `file`. Raises SiteError with a line per wrong feature."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SiteError(f"{file}: cannot be read ({error.strerror}).") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise SiteError(f"{file}: is not JSON: {error}.") from error
    properties = document.get("properties", {})
    crs = str(properties.get("crs", DEFAULT_CRS))
    project = _transformer("EPSG:4326", crs).transform
    found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    for number, feature in enumerate(document["features"]):
        known = feature["properties"]
        kind = known["kind"]
        found[kind].append(
            _BUILD[kind](f"{kind}-{number}", known, transform(project, shape(feature["geometry"])))
        )
    return Site(
        name=str(properties.get("name", file.parent.name)),
        crs=crs,
        paths=tuple(found["path"]),
        areas=tuple(found["area"]),
        zones=tuple(found["zone"]),
        lots=tuple(found["lot"]),
        receivers=tuple(found["receiver"]),
        lamps=tuple(found["lamp"]),
        cameras=tuple(found["camera"]),
        shelters=tuple(found["shelter"]),
        plan=_plan(document),
    )


def _path(default_id: str, known: Mapping[str, Any], geometry: Any) -> PathLine:
    return PathLine(
        known.get("id", default_id), known.get("use", ""), np.asarray(geometry.coords)[:, :2]
    )


def _region(default_id: str, known: Mapping[str, Any], geometry: Any) -> Region:
    return Region(
        known.get("id", default_id),
        known["kind"],
        known.get("use", ""),
        known.get("names", {}),
        geometry,
    )


def _place(default_id: str, known: Mapping[str, Any], geometry: Any) -> Place:
    return Place(known.get("id", default_id), known["kind"], (geometry.x, geometry.y))


def _receiver(default_id: str, known: Mapping[str, Any], geometry: Any) -> Receiver:
    receiver = known.get("id", default_id)
    source = (
        ReceiverSource(receiver, known["format"], known["topic"]) if "format" in known else None
    )
    return Receiver(
        receiver,
        (geometry.x, geometry.y),
        known.get("height_m", 4.0),
        known.get("gateway", ""),
        source,
    )


_BUILD = {
    "path": _path,
    "area": _region,
    "zone": _region,
    "lot": _region,
    "receiver": _receiver,
    "lamp": _place,
    "camera": _place,
    "shelter": _place,
}


def _plan(document: Mapping[str, Any]) -> bytes:
    shown = [
        f for f in document["features"] if f["properties"]["kind"] not in {"receiver", "camera"}
    ]
    return json.dumps({"type": "FeatureCollection", "features": shown}, ensure_ascii=False).encode()
