"""Degrees to metres and back, in a coordinate system that does not distort the place."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

WGS84 = "EPSG:4326"
DEFAULT_CRS = "EPSG:6677"

Points = NDArray[np.float64]
"""Shape (n, 2): x and y in metres, or lon and lat in degrees where a name says so."""


def turn(points: Points, source: str, target: str) -> Points:
    """Points (n, 2) from one system to the other; degrees are lon first, metres x (east) first."""
    points = np.asarray(points, dtype=float).reshape(-1, 2)
    east, north = _transformer(source, target).transform(points[:, 0], points[:, 1])
    return np.stack([east, north], axis=1)


def site_crs(named: str | None, lonlat: Points) -> str:
    """The metric system for a site at `lonlat` (n, 2).

    The one that it names; else EPSG:6677 (JGD2011, plane IX: Fukushima to Tokyo) where that was
    made for the place; anywhere else a transverse Mercator around the place itself, true to 1 in
    100,000 within 20 km. Its origin is rounded to 0.01°, so that small edits do not move it.

    Raises ValueError, saying what is wrong, for a system that is unknown, not in metres, or made
    for another part of the Earth.
    """
    if named is not None:
        _check(named, lonlat)
        return named
    if _covers(CRS(DEFAULT_CRS), lonlat):
        return DEFAULT_CRS
    lon, lat = np.median(lonlat, axis=0).round(2)
    return f"+proj=tmerc +lat_0={lat:.2f} +lon_0={lon:.2f} +k=1 +datum=WGS84 +units=m"


def _check(named: str, lonlat: Points) -> None:
    try:
        crs = CRS(named)
    except CRSError as error:
        raise ValueError("is no coordinate system that is known") from error
    if not crs.is_projected or any(axis.unit_conversion_factor != 1 for axis in crs.axis_info):
        raise ValueError("is not a projected system in metres")
    if not _covers(crs, lonlat):
        raise ValueError("was made for another part of the Earth than where this site lies")


def _covers(crs: CRS, lonlat: Points) -> bool:
    area = crs.area_of_use
    if area is None:
        return True
    low, high = (area.west, area.south), (area.east, area.north)
    return bool(np.all((lonlat >= low) & (lonlat <= high)))


@cache
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)
