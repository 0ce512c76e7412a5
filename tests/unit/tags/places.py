"""Small sites to locate tags on, and what receivers there would read; nothing random."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import shapely

from gateway.model import Reading, Window
from gateway.site import PathLine, Receiver, Region, Site
from gateway.tags.levels import Level
from gateway.tags.propagation import Radio, expected_dbm

CRS = "EPSG:6677"


def site(
    *,
    paths: Iterable[Sequence[tuple[float, float]]] = (),
    receivers: Mapping[str, tuple[float, float]] | None = None,
    zones: Mapping[str, tuple[float, float, float, float]] | None = None,
    areas: Iterable[tuple[float, float, float, float]] = (),
    height_m: float = 4.0,
) -> Site:
    """A site in metres; boxes are (west, south, east, north)."""
    return Site(
        name="place",
        crs=CRS,
        paths=tuple(PathLine(f"p{k}", "", np.array(line, float)) for k, line in enumerate(paths)),
        areas=tuple(region(f"a{k}", "area", box) for k, box in enumerate(areas)),
        zones=tuple(region(zone, "zone", box) for zone, box in (zones or {}).items()),
        lots=(),
        receivers=tuple(Receiver(r, xy, height_m, "", None) for r, xy in (receivers or {}).items()),
        lamps=(),
        cameras=(),
        shelters=(),
        plan=b"",
    )


def region(id_: str, kind: str, box: tuple[float, float, float, float]) -> Region:
    """A rectangle."""
    return Region(id_, kind, "", {}, shapely.box(*box))


def road(*, length_m: float = 120.0, poles: int = 5) -> Site:
    """A straight road to the east with poles beside it and a zone over its last 40 m."""
    east = np.linspace(0, length_m, poles)
    return site(
        paths=[[(0, 0), (length_m, 0)]],
        receivers={f"r{k}": (float(x), 3.0) for k, x in enumerate(east)},
        zones={"end": (length_m - 40, -10, length_m + 10, 10)},
    )


def loop(*, side_m: float = 60.0) -> Site:
    """A square way without an end, with a pole at each corner."""
    corners = [(0.0, 0.0), (side_m, 0.0), (side_m, side_m), (0.0, side_m)]
    return site(
        paths=[[*corners, corners[0]]],
        receivers={f"r{k}": corner for k, corner in enumerate(corners)},
    )


def levels_at(
    place: Site, xy: tuple[float, float], *, offset_db: float = 0.0, weakest_dbm: float = -95.0
) -> dict[str, Level]:
    """What the receivers read of a tag at `xy` that is `offset_db` stronger than the usual."""
    point = np.array([xy], dtype=float)
    usual = expected_dbm(place.receivers, [Radio()] * len(place.receivers), point)[0]
    levels = zip((receiver.id for receiver in place.receivers), usual + offset_db, strict=True)
    return {r: Level(float(dbm), 2) for r, dbm in levels if dbm > weakest_dbm}


def window(place: Site, second: int, heard: Mapping[str, Mapping[str, Level]]) -> Window:
    """The window of one gateway that owns all receivers, `heard` by identifier."""
    readings = tuple(
        Reading(receiver, identifier, level.mean_dbm, round(level.mean_dbm), level.packets)
        for identifier, levels in heard.items()
        for receiver, level in levels.items()
    )
    return Window(second, tuple(receiver.id for receiver in place.receivers), readings)
