"""GeoJSON for tests, drawn in metres around one place."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HOME = (140.88, 37.05)  # lon, lat: Iwaki
Metres = tuple[float, float]


def lonlat(east_m: float, north_m: float, home: tuple[float, float] = HOME) -> list[float]:
    """[lon, lat] that far from `home`; true to a few parts in 1,000."""
    lon, lat = home
    metres_a_degree = 111_320.0
    return [
        lon + east_m / (metres_a_degree * math.cos(math.radians(lat))),
        lat + north_m / metres_a_degree,
    ]


def feature(kind: str, geometry: Mapping[str, Any] | None, **known: Any) -> dict[str, Any]:
    """One feature."""
    return {"type": "Feature", "properties": {"kind": kind, **known}, "geometry": geometry}


def point(at: Metres, home: tuple[float, float] = HOME) -> dict[str, Any]:
    """A Point."""
    return {"type": "Point", "coordinates": lonlat(*at, home)}


def line(*corners: Metres, home: tuple[float, float] = HOME) -> dict[str, Any]:
    """A LineString."""
    return {"type": "LineString", "coordinates": [lonlat(*at, home) for at in corners]}


def polygon(*corners: Metres, home: tuple[float, float] = HOME) -> dict[str, Any]:
    """A Polygon without holes."""
    return {
        "type": "Polygon",
        "coordinates": [line(*corners, corners[0], home=home)["coordinates"]],
    }


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """A rectangle."""
    return polygon((west, south), (east, south), (east, north), (west, north))


def write_site(folder: Path, features: Sequence[Any], **properties: Any) -> Path:
    """`site.geojson` in `folder`."""
    file = folder / "site.geojson"
    document = {"type": "FeatureCollection", "properties": properties, "features": features}
    file.write_text(json.dumps(document), encoding="utf-8")
    return file
