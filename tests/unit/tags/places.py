"""Small sites to locate tags on, and what receivers there would read; nothing random."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from gateway.model import Reading, Window
from gateway.site import PathLine, Receiver, Region, Site
from gateway.tags.levels import Level
from gateway.tags.motion import Moves
from gateway.tags.propagation import Radio, expected_dbm
from gateway.tags.weighing import Heard

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


def heard_at(place: Site, levels: Mapping[str, Level]) -> Heard:
    """`levels` as the filter takes them: by the receivers' numbers, the strongest first."""
    numbers = {receiver.id: number for number, receiver in enumerate(place.receivers)}
    rows = sorted(levels.items(), key=lambda row: -row[1].mean_dbm)
    return Heard(
        receivers=np.array([numbers[receiver] for receiver, _ in rows], dtype=np.int32),
        dbm=np.array([level.mean_dbm for _, level in rows], dtype=np.float32),
        packets=np.array([level.packets for _, level in rows], dtype=np.float32),
    )


def alive_at(place: Site, *receivers: str) -> NDArray[np.bool_]:
    """Which of the site's receivers live, by their numbers; all where none is named."""
    living = [not receivers or receiver.id in receivers for receiver in place.receivers]
    return np.array(living, dtype=bool)


def window(place: Site, second: int, heard: Mapping[str, Mapping[str, Level]]) -> Window:
    """The window of one gateway that owns all receivers, `heard` by identifier."""
    readings = tuple(
        Reading(receiver, identifier, level.mean_dbm, round(level.mean_dbm), level.packets)
        for identifier, levels in heard.items()
        for receiver, level in levels.items()
    )
    return Window(second, tuple(receiver.id for receiver in place.receivers), readings)


def matrix_of(moves: Moves) -> NDArray[np.float64]:
    """The whole transition matrix (states, states) of half a second, from a row to a column."""
    cells, out = len(moves.first) - 1, len(moves.stays) - 1
    matrix = np.diag(moves.stays.astype(float))
    matrix[:, out] += moves.leaves
    for edge, head in enumerate(places_of(moves)[cells:out].tolist()):
        matrix[cells + edge, head] += moves.stops[edge]
        matrix[out, cells + edge] += moves.doors[edge]
        ways = slice(moves.onto[edge], moves.onto[edge + 1])
        np.add.at(matrix[:, cells + edge], moves.sources[ways], moves.weights[ways])
    return matrix


def places_of(moves: Moves) -> NDArray[np.intp]:
    """The place of each state: a cell, or out of coverage, which is the last."""
    cells = len(moves.first) - 1
    heads = np.repeat(np.arange(cells), np.diff(moves.first))
    return np.concatenate([np.arange(cells), heads, [cells]])
