"""The town's map: GeoJSON (WGS84) in, an immutable Site in metres out.

Every feature has a `kind` and, but for paths and areas, an `id`. Metres are those of the site's own
CRS: `properties.crs` of the collection; where it names none, EPSG:6677, or outside that system's
area a transverse Mercator around the site (gateway/crs.py). shapely stays here and in
site_checks.py: the rest of the house sees numpy arrays of shape (n, 2), x east and y north.
Properties that are not known are ignored: a site may carry those of other programs.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from gateway.crs import DEFAULT_CRS as DEFAULT_CRS
from gateway.crs import WGS84, site_crs, turn
from gateway.crs import Points as Points
from gateway.geojson import GEOMETRIES, Document, Feature, Finding, read_document
from gateway.model import ID_PATTERN, ReceiverSource, UnusableError

KINDS = tuple(GEOMETRIES)
DEFAULT_HEIGHT_M = 4.0


class SiteError(UnusableError):
    """The site cannot be used; the message names file, feature and what to do, a line each."""


@dataclass(frozen=True, slots=True)
class PathLine:
    """A line that people walk: street side, footpath. `points` has shape (n ≥ 2, 2)."""

    id: str
    use: str
    points: Points


@dataclass(frozen=True, slots=True)
class Place:
    """A point feature: camera or shelter."""

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
class Lamp:
    """A luminaire on a pole: unit `unit` of the serial line `bus` of the edge `gateway`.

    `gateway` "" is a lamp that nothing drives yet. `profile` names the register map of its node,
    `lamp_type` its kind of luminaire (both of the folder `lamps`).
    """

    id: str
    xy: tuple[float, float]
    pole: str
    gateway: str
    bus: str
    unit: int
    profile: str
    lamp_type: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """A polygon feature: zone, area or lot. `names` maps a language (ja, en) to a name."""

    id: str
    kind: str
    use: str
    names: Mapping[str, str]
    polygon: shapely.Polygon

    def width_m(self) -> float:
        """The shorter side of the narrowest rectangle around it, at any angle."""
        box = np.asarray(shapely.minimum_rotated_rectangle(self.polygon).exterior.coords)
        return float(np.linalg.norm(np.diff(box, axis=0), axis=1).min())

    def contains(self, points: Points) -> NDArray[np.bool_]:
        """Which of `points` (n, 2), metres, lie inside; shape (n,)."""
        return np.asarray(shapely.contains_xy(self.polygon, points[:, 0], points[:, 1]))

    def grid(self, spacing_m: float) -> Points:
        """Points inside, on a square grid of `spacing_m`; one in the middle where it is small."""
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
    lamps: tuple[Lamp, ...]
    cameras: tuple[Place, ...]
    shelters: tuple[Place, ...]
    plan: bytes

    def to_lonlat(self, points: Points) -> Points:
        """Metres (n, 2) to WGS84 degrees (n, 2), lon first."""
        return turn(points, self.crs, WGS84)

    def to_metres(self, lonlat: Points) -> Points:
        """WGS84 degrees (n, 2), lon first, to metres (n, 2)."""
        return turn(lonlat, WGS84, self.crs)


class _PathKeys(msgspec.Struct):
    use: str = ""


class _RegionKeys(msgspec.Struct):
    use: str = ""
    names: dict[str, str] = {}
    name: object = ""


class _PlaceKeys(msgspec.Struct):
    pass


class _LampKeys(msgspec.Struct):
    pole: str = ""
    gateway: str = ""
    bus: str = ""
    unit: Annotated[int, msgspec.Meta(ge=0, le=247)] = 0
    profile: str = "generic"
    lamp_type: str = "led-40"
    groups: tuple[Annotated[str, msgspec.Meta(pattern=ID_PATTERN)], ...] = ()


class _ReceiverKeys(msgspec.Struct):
    height_m: Annotated[float, msgspec.Meta(ge=-20, le=300)] = DEFAULT_HEIGHT_M
    gateway: str = ""
    format: Literal["", "openmqttgateway", "espresense"] = ""
    topic: str = ""


_LAMP = ("kind", "id", "pole")  # what everybody may know of a lamp
_Keys = _PathKeys | _RegionKeys | _PlaceKeys | _LampKeys | _ReceiverKeys
_KEYS: Mapping[str, type[_Keys]] = {
    "path": _PathKeys,
    "area": _RegionKeys,
    "receiver": _ReceiverKeys,
    "lamp": _LampKeys,
    "zone": _RegionKeys,
    "lot": _RegionKeys,
    "camera": _PlaceKeys,
    "shelter": _PlaceKeys,
}


def load_site(file: Path) -> Site:
    """Read `file`. Raises SiteError with a line for each problem, all at once."""
    return build_site(read_document(file), file)


def build_site(document: Document, file: Path) -> Site:
    """The site of a document that `file` held. Raises SiteError as load_site does."""
    findings = list(document.findings)
    crs = _crs(document, findings)
    found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    for feature in document.features:
        keys = _keys(feature, findings)
        shapes = [_shape(feature.kind, part) for part in feature.parts]
        findings += [fault for made in shapes for fault in _shape_findings(feature, made)]
        if findings:
            continue
        for number, made in enumerate(shapes):
            part_id = feature.id if len(shapes) == 1 else f"{feature.id}-{number}"
            in_metres = shapely.transform(made, lambda lonlat: turn(lonlat, WGS84, crs))
            found[feature.kind].append(_part(feature.kind, part_id, keys, in_metres))
    if findings:
        raise SiteError("\n".join(finding.line(file) for finding in findings))
    return Site(
        name=str(document.properties.get("name", file.parent.name)),
        crs=crs,
        paths=tuple(found["path"]),
        areas=tuple(found["area"]),
        zones=tuple(found["zone"]),
        lots=tuple(found["lot"]),
        receivers=tuple(found["receiver"]),
        lamps=tuple(found["lamp"]),
        cameras=tuple(found["camera"]),
        shelters=tuple(found["shelter"]),
        plan=_plan(document.raw),
    )


def _crs(document: Document, findings: list[Finding]) -> str:
    named = document.properties.get("crs")
    lonlat = np.array([at for feature in document.features for at in feature.positions()])
    try:
        return site_crs(None if named is None else str(named), lonlat.reshape(-1, 2))
    except ValueError as error:
        remedy = "name the projected system of the place, or leave crs out: then one is chosen"
        findings.append(Finding("properties.crs", f"{named} {error}", remedy))
        return DEFAULT_CRS


def _keys(feature: Feature, findings: list[Finding]) -> _Keys:
    """The properties that this kind has, typed; those that are null count as absent."""
    given = {key: value for key, value in feature.known.items() if value is not None}
    wanted = _KEYS[feature.kind]
    try:
        keys = msgspec.convert(given, wanted)
    except msgspec.ValidationError as error:
        what = str(error).replace("`", "").replace("$.", "").replace(" - at ", " in ")
        findings.append(Finding(feature.label, what, "mend that property, or remove it"))
        return wanted()
    if isinstance(keys, _ReceiverKeys):
        findings += (Finding(feature.label, *fault) for fault in _receiver_faults(keys))
    if isinstance(keys, _LampKeys):
        findings += (Finding(feature.label, *fault) for fault in _lamp_faults(keys))
    return keys


def _lamp_faults(keys: _LampKeys) -> Iterator[tuple[str, str]]:
    if keys.gateway and not re.fullmatch(ID_PATTERN, keys.gateway):
        yield f"gateway {keys.gateway!r} is no gateway's id", "use letters, digits, _ . and -"
    if len({bool(keys.gateway), bool(keys.bus), bool(keys.unit)}) > 1:
        yield (
            "has only a part of gateway, bus and unit",
            "give all three to a lamp that is driven, none to one that is not",
        )


def _receiver_faults(keys: _ReceiverKeys) -> Iterator[tuple[str, str]]:
    if keys.gateway and not re.fullmatch(ID_PATTERN, keys.gateway):
        yield f"gateway {keys.gateway!r} is no gateway's id", "use letters, digits, _ . and -"
    if bool(keys.format) != bool(keys.topic):
        yield (
            "has only one of format and topic",
            "give both to a receiver that speaks MQTT, neither to a local adapter",
        )
    if set(keys.topic) & set("+#") or keys.topic.strip("/") != keys.topic:
        yield (
            f"topic {keys.topic!r} is a pattern",
            "write the receiver's own prefix, as home/OMG_p001",
        )
    if keys.topic.split("/")[0] == "machimori":
        yield f"topic {keys.topic} is Machimori's own", "receivers speak outside machimori/"


def _shape(kind: str, part: Any) -> shapely.Geometry:
    match GEOMETRIES[kind]:
        case "Point":
            return shapely.Point(part)
        case "LineString":
            return shapely.LineString(part)
        case _:
            return shapely.Polygon(part[0], part[1:])


def _shape_findings(feature: Feature, made: shapely.Geometry) -> Iterator[Finding]:
    if not made.is_valid:
        reason = shapely.is_valid_reason(made)
        yield Finding(feature.label, f"crosses itself ({reason})", "draw its border again")


def _part(
    kind: str, part_id: str, keys: _Keys, made: Any
) -> PathLine | Region | Place | Lamp | Receiver:
    match keys:
        case _PathKeys():
            return PathLine(part_id, keys.use, np.asarray(made.coords))
        case _RegionKeys():
            name = str(keys.name or "")
            names = keys.names or ({"ja": name, "en": name} if name else {})
            return Region(part_id, kind, keys.use, names, made)
        case _ReceiverKeys():
            source = ReceiverSource(part_id, keys.format, keys.topic) if keys.format else None
            return Receiver(part_id, (made.x, made.y), keys.height_m, keys.gateway, source)
        case _LampKeys():
            return Lamp(
                part_id,
                (made.x, made.y),
                keys.pole,
                keys.gateway,
                keys.bus,
                keys.unit,
                keys.profile,
                keys.lamp_type,
                keys.groups,
            )
        case _:
            return Place(part_id, kind, (made.x, made.y))


def _plan(raw: Mapping[str, Any]) -> bytes:
    """What a resident may see: no receivers and cameras, and not how a lamp is reached."""
    shown = [
        feature | {"properties": {k: v for k, v in feature["properties"].items() if k in _LAMP}}
        if feature["properties"]["kind"] == "lamp"
        else feature
        for feature in raw["features"]
        if feature["properties"]["kind"] not in {"receiver", "camera"}
    ]
    text = json.dumps({"type": "FeatureCollection", "features": shown}, ensure_ascii=False)
    return text.encode(errors="replace")  # JSON can escape half a character, UTF-8 cannot
