"""GeoJSON as plain checked data, before any geometry: what is wrong is found here, all at once.

Nothing here raises for what a file holds: the reader hands back the features that are whole and a
Finding for each that is not.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from reprlib import repr as brief
from statistics import median
from typing import Any, TypeGuard

GEOMETRIES: Mapping[str, str] = {
    "path": "LineString",
    "area": "Polygon",
    "receiver": "Point",
    "lamp": "Point",
    "zone": "Polygon",
    "lot": "Polygon",
    "camera": "Point",
    "shelter": "Point",
}
"""Every kind of feature and the geometry that it has."""

NAMELESS = frozenset({"path", "area"})
"""Kinds that need no id, and may come in several parts."""

SITE_RADIUS_KM = 20.0

_DEPTH = {"Point": 0, "LineString": 1, "Polygon": 2}
_CORNERS = {"Point": 1, "LineString": 2, "Polygon": 3}
_LONGEST_ID = 64
_WGS84 = ("CRS84", "4326", "WGS84", "WGS 84")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with what was configured: where, what, and what to do about it."""

    where: str
    what: str
    remedy: str
    warning: bool = False

    def line(self, file: Path) -> str:
        """`file: where: what: remedy`, for people and for grep."""
        level = "warning" if self.warning else "error"
        return ": ".join(
            part for part in (str(file), self.where, level, self.what, self.remedy) if part
        )


@dataclass(frozen=True, slots=True)
class Feature:
    """A whole feature: known kind, unique id, coordinates in range.

    `parts` holds the coordinates of each part (one, but for a nameless Multi geometry), nested as
    GeoJSON nests those of a Point, LineString or Polygon; positions are (lon, lat). `label` names
    the feature to people. `id` is made of kind and place in the file where it has none.
    """

    kind: str
    id: str
    label: str
    parts: tuple[Any, ...]
    known: Mapping[str, Any]

    def positions(self) -> Iterator[tuple[float, float]]:
        """Every (lon, lat) of every part."""
        depth = _DEPTH[GEOMETRIES[self.kind]]
        return (position for part in self.parts for position in _flat(part, depth))


@dataclass(frozen=True, slots=True)
class Document:
    """A FeatureCollection: its own properties, its whole features, and what was wrong."""

    properties: Mapping[str, Any]
    features: tuple[Feature, ...]
    findings: tuple[Finding, ...]
    raw: Mapping[str, Any]


class _FaultError(Exception):
    """What is wrong with one feature, and what to do; never leaves this module."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def read_document(file: Path) -> Document:
    """Read and check `file`; a file that cannot be read is a finding too."""
    try:
        raw = json.loads(file.read_text(encoding="utf-8-sig"), parse_constant=_no_constant)
    except OSError as error:
        return _broken(f"cannot be read ({error.strerror})", "check `site` in the settings")
    except RecursionError:
        return _broken("is nested too deeply", "export it as GeoJSON again")
    except ValueError as error:
        return _broken(f"is not JSON ({error})", "mend that place, or export it as GeoJSON again")
    try:
        properties, items = _collection(raw)
    except _FaultError as fault:
        return _broken(fault.what, fault.remedy)
    features: list[Feature] = []
    findings: list[Finding] = []
    taken: dict[tuple[str, str], int] = {}
    for number, item in enumerate(items):
        try:
            features.append(_feature(number, item, taken))
        except _FaultError as fault:
            findings.append(Finding(_label(number, item), fault.what, fault.remedy))
    findings += _strays(features)
    return Document(properties, tuple(features), tuple(findings), raw)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")


def _broken(what: str, remedy: str) -> Document:
    return Document({}, (), (Finding("", what, remedy),), {"features": []})


def _collection(raw: object) -> tuple[Mapping[str, Any], list[Any]]:
    if not isinstance(raw, dict) or raw.get("type") != "FeatureCollection":
        raise _FaultError("is not a GeoJSON FeatureCollection", "export it as GeoJSON")
    declared = str(raw.get("crs", "CRS84"))
    if not any(name in declared for name in _WGS84):
        raise _FaultError(f"is not in WGS84 (crs {declared})", "export it as GeoJSON in EPSG:4326")
    properties, features = raw.get("properties"), raw.get("features")
    if not isinstance(properties or {}, dict):
        raise _FaultError("properties is not an object", "write it as {…}, or remove it")
    if not isinstance(features, list) or not features:
        raise _FaultError("has no features", "draw at least the paths and the receivers")
    return properties or {}, features


def _label(number: int, item: object) -> str:
    known = item.get("properties") if isinstance(item, dict) else None
    known = known if isinstance(known, dict) else {}
    words = (known[key] for key in ("kind", "id") if known.get(key) is not None)
    name = " ".join(word if _is_plain(word) else brief(word) for word in words)
    return f"{name or 'feature'} (features[{number}])"


def _is_plain(word: object) -> TypeGuard[str]:
    return isinstance(word, str) and word.isprintable() and len(word) <= _LONGEST_ID


def _feature(number: int, item: object, taken: dict[tuple[str, str], int]) -> Feature:
    if not isinstance(item, dict) or item.get("type") != "Feature":
        raise _FaultError("is not a GeoJSON Feature", "remove it, or export the file again")
    known, geometry = item.get("properties"), item.get("geometry")
    if not isinstance(known, dict):
        raise _FaultError("has no properties", "give it a kind")
    kind = _kind(known)
    feature_id = _id(kind, known) or f"{kind}-{number}"
    if (first := taken.setdefault((kind, feature_id), number)) != number:
        raise _FaultError(
            f"has the id of features[{first}]", f"give one {kind} of the two another id"
        )
    if not isinstance(geometry, dict):
        raise _FaultError("has no geometry", f"draw it as a {GEOMETRIES[kind]}, or remove it")
    return Feature(kind, feature_id, _label(number, item), _parts(kind, geometry), known)


def _kind(known: Mapping[str, Any]) -> str:
    kind = known.get("kind")
    if isinstance(kind, str) and kind in GEOMETRIES:
        return kind
    what = "has no kind" if kind is None else f"has the unknown kind {brief(kind)}"
    near = get_close_matches(str(kind), GEOMETRIES, n=1)
    guess = f" (did you mean {near[0]}?)" if near else ""
    raise _FaultError(what, f"use one of {', '.join(GEOMETRIES)}{guess}")


def _id(kind: str, known: Mapping[str, Any]) -> str:
    """The id as text, "" where it needs none; a number is taken as its digits."""
    given = known.get("id")
    if given is None and kind in NAMELESS:
        return ""
    if given is None:
        raise _FaultError("has no id", f"give it an id that no other {kind} has")
    text = given if isinstance(given, str) else brief(given)
    wrong = isinstance(given, bool) or not isinstance(given, str | int)
    if wrong or not text or not _is_plain(text) or text != text.strip():
        raise _FaultError(
            f"has the unusable id {brief(given)}", "use a word of 1 to 64 letters and digits"
        )
    if set(text) & set("/+#"):
        raise _FaultError(
            f"has an id with / + or # in it ({text})", "leave those out: ids go into topics"
        )
    return text


def _parts(kind: str, geometry: Mapping[str, Any]) -> tuple[Any, ...]:
    wanted, given = GEOMETRIES[kind], geometry.get("type")
    coordinates = geometry.get("coordinates")
    if given == f"Multi{wanted}" and isinstance(coordinates, list):
        if len(coordinates) > 1 and kind not in NAMELESS:
            raise _FaultError(
                f"is a {given} of {len(coordinates)} parts",
                f"draw each part as a {kind} of its own",
            )
        parts = coordinates
    elif given == wanted:
        parts = [coordinates]
    else:
        raise _FaultError(f"is a {given}, and a {kind} is a {wanted}", f"draw it as a {wanted}")
    if not parts:
        raise _FaultError("is empty", "draw it, or remove it")
    return tuple(_nested(part, _DEPTH[wanted], _CORNERS[wanted]) for part in parts)


def _nested(value: object, depth: int, corners: int) -> Any:
    """Coordinates as tuples, each position (lon, lat); a height behind them is left out."""
    if depth == 0:
        return _position(value)
    if not isinstance(value, list) or not value:
        raise _FaultError("is empty", "draw it, or remove it")
    inner = tuple(_nested(item, depth - 1, corners) for item in value)
    if depth == 1 and len(set(inner)) < corners:
        raise _FaultError(
            f"has fewer than {corners} different corners", "draw it again, or remove it"
        )
    return inner


def _position(value: object) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) < 2 or not all(map(_is_number, value[:2])):
        raise _FaultError(
            f"has {brief(value)} where a position belongs", "write [longitude, latitude]"
        )
    lon, lat = float(value[0]), float(value[1])
    if abs(lon) <= 180 and abs(lat) <= 90:
        return lon, lat
    if abs(lon) <= 90 and abs(lat) <= 180:
        raise _FaultError(f"lies at latitude {lat:g}", "swap the two: longitude comes first")
    raise _FaultError(f"lies at [{lon:g}, {lat:g}], nowhere on Earth", "write degrees of WGS84")


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -1e9 < value < 1e9  # false for infinity too


def _flat(nested: Any, depth: int) -> Iterator[tuple[float, float]]:
    if depth == 0:
        yield nested
        return
    for inner in nested:
        yield from _flat(inner, depth - 1)


def _strays(features: list[Feature]) -> list[Finding]:
    """Features too far from the rest to belong to one neighbourhood."""
    firsts = [next(islice(feature.positions(), 1)) for feature in features]
    if not firsts:
        return []
    middle = (median(lon for lon, _ in firsts), median(lat for _, lat in firsts))
    found = []
    for feature in features:
        lon, lat = max(feature.positions(), key=lambda position: _apart_km(position, middle))
        if (away_km := _apart_km((lon, lat), middle)) <= SITE_RADIUS_KM:
            continue
        swapped = _apart_km((lat, lon), middle) <= SITE_RADIUS_KM
        remedy = "swap the two: longitude comes first" if swapped else "mend or remove it"
        what = f"lies {away_km:,.0f} km from the rest, at [{lon:g}, {lat:g}]"
        found.append(Finding(feature.label, what, remedy))
    return found


def _apart_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance (haversine, mean radius)."""
    (lon1, lat1), (lon2, lat2) = (tuple(map(math.radians, place)) for place in (one, other))
    half = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * 6371.0 * math.asin(math.sqrt(min(1.0, half)))
