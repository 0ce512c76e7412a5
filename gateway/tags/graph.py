"""The site's paths as cells that a tag walks through: where it can be, and where it can go next.

A cell is a point of a path, at most 2.5 m from its neighbours; open areas that no path covers get
coarse cells of their own. A state is a cell and a manner: standing in it, or having come into it
along one of its edges, so heading is part of the state and a junction splits it. One more state
says that the tag is out of coverage; it is entered and left mostly at dead ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gateway.site import PathLine, Points, Region, Site, SiteError
from gateway.tags.motion import CELL_M, Counts, Moves, Shorts
from gateway.tags.surroundings import Surroundings

JOIN_M = 0.5
AREA_CELL_M = 4.0
AREA_REACH_M = 6.0

HALF_STEP_S = 0.5
QUICKEST = 0.9
TURN_SHARPNESS = 2.0
OFF_PATH_WEIGHT = 0.3
RETURN_PER_S = 1 / 50

Floats = NDArray[np.float64]
Indexes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Graph:
    """All cells of a site.

    `cells` (n, 2) are metres; `tails` and `heads` (e,) are cell indexes of directed edges (every
    edge is there in both directions); `off_path` (n,) marks the cells of open areas, `ends` (n,)
    those where a path stops; `path` (n,) is the index of the cell's path, -1 on none.
    """

    cells: Points
    tails: Indexes
    heads: Indexes
    off_path: NDArray[np.bool_]
    ends: NDArray[np.bool_]
    path: Counts


def build_graph(site: Site) -> Graph:
    """Cells for `site`. Raises SiteError where there is nothing to walk on."""
    if not site.paths and not site.areas:
        raise SiteError(
            f"{site.name}: no paths and no areas, so there is nowhere a tag can be. "
            "Draw the ways that people walk as features of kind path."
        )
    points, links, path = _path_cells(site.paths)
    cells, links, path = _join(points, links, path)
    off_path = np.zeros(len(cells), dtype=bool)
    for area in site.areas:
        cells, links, off_path = _add_area(area, cells, links, off_path)
    links = np.unique(np.sort(links[links[:, 0] != links[:, 1]], axis=1), axis=0)
    degree = np.bincount(links.ravel(), minlength=len(cells))
    return Graph(
        cells=cells,
        tails=np.concatenate([links[:, 0], links[:, 1]]),
        heads=np.concatenate([links[:, 1], links[:, 0]]),
        off_path=off_path,
        ends=(degree <= 1) & ~off_path,
        path=np.concatenate([path, np.full(len(cells) - len(path), -1)]).astype(np.int32),
    )


def _path_cells(paths: Sequence[PathLine]) -> tuple[Points, Indexes, Indexes]:
    """Points at most CELL_M apart along every path, pairs of neighbours, each point's path."""
    points: list[Points] = []
    links: list[Indexes] = []
    owners: list[Indexes] = []
    count = 0
    for number, path in enumerate(paths):
        line = _with_foreign_ends(path, paths)
        steps = np.hypot(*np.diff(line, axis=0).T)
        parts = np.maximum(np.ceil(steps / CELL_M - 1e-9).astype(int), 1)
        corners = np.concatenate([[0], np.cumsum(parts)])
        along = np.arange(corners[-1] + 1)
        points.append(np.stack([np.interp(along, corners, line[:, k]) for k in (0, 1)], axis=1))
        links.append(count + np.stack([along[:-1], along[1:]], axis=1))
        owners.append(np.full(len(along), number))
        count += len(along)
    if not points:
        return np.empty((0, 2)), np.empty((0, 2), dtype=np.intp), np.empty(0, dtype=np.intp)
    return np.concatenate(points), np.concatenate(links), np.concatenate(owners)


def _with_foreign_ends(path: PathLine, paths: Sequence[PathLine]) -> Points:
    """The path's vertices, and one more wherever another path ends on it between two of them."""
    ends = np.array([p.points[k] for p in paths if p is not path for k in (0, -1)]).reshape(-1, 2)
    line = path.points
    pieces: list[Points] = []
    for start, end in pairwise(line):
        span = end - start
        length = float(np.hypot(*span))
        share = (ends - start) @ span / max(length**2, 1e-12)
        inner = (share * length > JOIN_M) & ((1 - share) * length > JOIN_M)
        feet = start + np.outer(share, span)
        touching = inner & (np.hypot(*(ends - feet).T) <= JOIN_M)
        pieces.append(start[None] + np.outer(np.unique(np.round(share[touching], 6)), span))
        pieces[-1] = np.concatenate([start[None], pieces[-1]])
    return np.concatenate([*pieces, line[-1:]])


def _join(points: Points, links: Indexes, path: Indexes) -> tuple[Points, Indexes, Indexes]:
    """One cell for all points within JOIN_M of each other: that is how paths meet."""
    first = np.arange(len(points))
    order = np.argsort(points[:, 0], kind="stable")
    eastings = points[order, 0]
    stops = np.searchsorted(eastings, eastings + JOIN_M, side="right")
    for position, index in enumerate(order):
        near = order[position + 1 : stops[position]]
        near = near[np.hypot(*(points[near] - points[index]).T) <= JOIN_M]
        if len(near):
            group = np.concatenate([[index], near])
            root = first[group].min()
            first[np.isin(first, first[group])] = root
    kept, renumbered = np.unique(first, return_inverse=True)
    return points[kept], renumbered[links], path[kept]


def _add_area(
    area: Region, cells: Points, links: Indexes, off_path: NDArray[np.bool_]
) -> tuple[Points, Indexes, NDArray[np.bool_]]:
    """Coarse cells for what no path covers of an area, joined to each other and to paths near."""
    grid = area.grid(AREA_CELL_M)
    nearest, distance = _nearest(grid, cells)
    free = distance > AREA_CELL_M * 0.75
    grid, nearest, distance = grid[free], nearest[free], distance[free]
    if not len(grid):
        return cells, links, off_path
    own = len(cells) + np.arange(len(grid))
    near = distance <= AREA_REACH_M
    links = np.concatenate(
        [links, len(cells) + _neighbours(grid), np.stack([nearest[near], own[near]], axis=1)]
    )
    off_path = np.concatenate([off_path, np.ones(len(grid), dtype=bool)])
    return np.concatenate([cells, grid]), links, off_path


def _nearest(points: Points, cells: Points) -> tuple[Indexes, Floats]:
    """The nearest of `cells` to each of `points` (n, 2), and how far it is: inf where none is."""
    index, distance = np.zeros(len(points), dtype=np.intp), np.full(len(points), np.inf)
    if len(cells):
        for row, point in enumerate(points):
            away = np.hypot(cells[:, 0] - point[0], cells[:, 1] - point[1])
            index[row] = away.argmin()
            distance[row] = away[index[row]]
    return index, distance


def _neighbours(grid: Points) -> Indexes:
    """Pairs (k, 2) of points that lie beside each other on a grid of AREA_CELL_M."""
    squares = np.rint((grid - grid.min(axis=0)) / AREA_CELL_M).astype(np.intp)
    index = {(int(x), int(y)): k for k, (x, y) in enumerate(squares)}
    found = [
        (k, index[beside])
        for (x, y), k in index.items()
        for beside in ((x + 1, y), (x, y + 1))
        if beside in index
    ]
    return np.array(found, dtype=np.intp).reshape(-1, 2)


def moves_within(
    graph: Graph, chosen: Indexes, *, exits: NDArray[np.bool_], surroundings: Surroundings
) -> tuple[Moves, Counts]:
    """The transition matrix among the `chosen` cells (n,), sorted indexes; out of coverage beside.

    `exits` (n,) are the cells by which a tag may come and go. The second are keys (states,) that
    name the states across pieces of the graph.
    """
    count = len(chosen)
    local = np.full(len(graph.cells), -1)
    local[chosen] = np.arange(count)
    inside = np.flatnonzero((local[graph.tails] >= 0) & (local[graph.heads] >= 0))
    inside = inside[np.argsort(local[graph.heads[inside]], kind="stable")]
    tails, heads = local[graph.tails[inside]], local[graph.heads[inside]]
    cells, off_path = graph.cells[chosen], graph.off_path[chosen]
    spans = cells[heads] - cells[tails]
    lengths = np.hypot(spans[:, 0], spans[:, 1])
    liking = np.where(off_path[heads] & ~off_path[tails], OFF_PATH_WEIGHT, 1.0)
    moves = _moves(
        _turns(spans, lengths, tails, heads, liking),
        lengths,
        tails,
        heads,
        exits=exits,
        surroundings=surroundings,
    )
    keys = np.concatenate([chosen, len(graph.cells) + inside, [-1]])
    return moves, keys.astype(np.int32)


def _moves(
    turns: tuple[Indexes, Indexes, Floats],
    lengths: Floats,
    tails: Indexes,
    heads: Indexes,
    *,
    exits: NDArray[np.bool_],
    surroundings: Surroundings,
) -> Moves:
    """The states are standing (n), walking (e) and out of coverage; edges are sorted by head."""
    count, edges = len(exits), len(heads)
    leave = np.where(exits, surroundings.exit_per_s * HALF_STEP_S, 0.0)
    stop = surroundings.stop_per_s * HALF_STEP_S
    ways = np.maximum(np.bincount(tails, minlength=count), 1)
    start = surroundings.start_per_s * HALF_STEP_S / ways[tails]
    before, after, share = turns
    advance = np.minimum(surroundings.walk_m_s * HALF_STEP_S / lengths, QUICKEST)
    go = share * advance[after] * (1 - leave[heads] - stop)[before]
    onto = np.concatenate([after, np.arange(edges)])
    order = np.argsort(onto, kind="stable")
    doors = exits[tails]
    back = RETURN_PER_S * HALF_STEP_S if doors.any() else 0.0
    stays = (
        1 - leave - np.bincount(tails, start, count),
        1 - leave[heads] - stop - np.bincount(before, go, edges),
        [1 - back],
    )
    return Moves(
        first=_firsts(heads, count),
        tails=tails.astype(np.int16),
        onto=_firsts(onto[order], edges),
        sources=np.concatenate([count + before, tails])[order].astype(np.int16),
        weights=np.concatenate([go, start])[order].astype(np.float32),
        doors=(doors * back / max(doors.sum(), 1)).astype(np.float32),
        stays=np.concatenate(stays).astype(np.float32),
        stops=np.full(edges, stop, dtype=np.float32),
        leaves=np.concatenate([leave, leave[heads], [0.0]]).astype(np.float32),
    )


def _firsts(groups: Indexes, count: int) -> Shorts:
    """Where each of `count` groups begins in a sorted list of groups; and where the last ends."""
    return np.searchsorted(groups, np.arange(count + 1)).astype(np.int16)


def _turns(
    spans: Points, lengths: Floats, tails: Indexes, heads: Indexes, liking: Floats
) -> tuple[Indexes, Indexes, Floats]:
    """Edge `before` → edge `after`, and the share of those who walk on that take it."""
    before, after = _pairs(heads, tails)
    cosine = (spans[before] * spans[after]).sum(axis=1) / (lengths[before] * lengths[after])
    share = np.exp(TURN_SHARPNESS * (cosine - 1)) * liking[after]
    return before, after, share / np.bincount(before, share, len(heads))[before]


def _pairs(heads: Indexes, tails: Indexes) -> tuple[Indexes, Indexes]:
    """Every (edge into a cell, edge out of that cell): two arrays of edge indexes."""
    order = np.argsort(tails, kind="stable")
    firsts = np.searchsorted(tails[order], np.arange(heads.max(initial=0) + 2))
    ways = np.diff(firsts)[heads]
    before = np.repeat(np.arange(len(heads)), ways)
    within = np.arange(len(before)) - np.repeat(np.cumsum(ways) - ways, ways)
    return before, order[firsts[heads[before]] + within]
