"""What is wrong with a site that can be read: nobody would find it out before the field does."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gateway.geojson import Document, Finding
from gateway.site import DEFAULT_HEIGHT_M, Points, Region, Site
from gateway.tags.graph import JOIN_M, Graph, build_graph

FAR_M = 60.0
USUAL_SPACING_M = 30.0
NEIGHBOURS = 4
ONE_POLE_M = 2.0


def site_findings(site: Site, document: Document) -> Iterator[Finding]:
    """Everything about the town alone: its ways, receivers and zones."""
    yield from _receiver_findings(site, document)
    if not site.paths and not site.areas:
        yield Finding(
            "", "has no paths", "draw the ways that people walk, as features of kind path"
        )
        return
    graph = build_graph(site)
    yield from _far_receivers(site, graph)
    yield from _pieces(site, graph)
    for zone in site.zones:
        yield from _zone_findings(zone, site, graph)


def _receiver_findings(site: Site, document: Document) -> Iterator[Finding]:
    if not site.receivers:
        yield Finding("", "has no receivers", "draw where the antennas are, as kind receiver")
    for feature in document.features:
        if feature.kind == "receiver" and feature.known.get("height_m") is None:
            yield Finding(
                feature.label,
                f"has no height_m ({DEFAULT_HEIGHT_M:g} m is assumed)",
                "give the antenna's height above the ground",
                warning=True,
            )
    spoken = Counter((r.source.format, r.source.topic) for r in site.receivers if r.source)
    for receiver in site.receivers:
        label = f"receiver {receiver.id}"
        if receiver.source is None:
            continue
        if spoken[receiver.source.format, receiver.source.topic] > 1:
            what = f"shares the topic {receiver.source.topic} with another receiver"
            yield Finding(label, what, "give each the topic that it sends on")
        if not receiver.gateway:
            yield Finding(
                label, "has a topic and no gateway, so nobody listens", "give its gateway"
            )


def _far_receivers(site: Site, graph: Graph) -> Iterator[Finding]:
    for receiver in site.receivers:
        away_m = float(_distances_m(np.array([receiver.xy]), graph.cells).min())
        if away_m > FAR_M:
            what = f"stands {away_m:.0f} m from the nearest path"
            yield Finding(
                f"receiver {receiver.id}", what, "mend its place, or draw the paths there"
            )


def _pieces(site: Site, graph: Graph) -> Iterator[Finding]:
    """One finding for each piece of the ways that no walk joins to the largest."""
    piece_of = _components(graph)
    largest = np.bincount(piece_of).argmax()
    members: dict[int, list[str]] = defaultdict(list)
    for path in site.paths:
        first = int(_distances_m(path.points[:1], graph.cells).argmin())
        members[int(piece_of[first])].append(path.id)
    for piece in np.unique(piece_of):
        if piece == largest:
            continue
        own, others = graph.cells[piece_of == piece], graph.cells[piece_of != piece]
        gap_m = min(float(_distances_m(own[k : k + 1], others).min()) for k in range(len(own)))
        names = members[int(piece)]
        where = f"path {names[0]}" if names else "area"
        more = f" (with {', '.join(names[1:4])}{', …' if names[4:] else ''})" if names[1:] else ""
        place = site.to_lonlat(own[:1])[0]
        yield Finding(
            where,
            f"is not connected with the other paths{more}; it begins at "
            f"[{place[0]:.6f}, {place[1]:.6f}] and the nearest is {gap_m:.1f} m away",
            f"let its end meet another path within {JOIN_M:g} m, or remove it",
        )


def _components(graph: Graph) -> NDArray[np.intp]:
    """For each cell the lowest index of the cells that can be reached from it; shape (n,)."""
    lowest = np.arange(len(graph.cells))
    while True:
        before = lowest.copy()
        np.minimum.at(lowest, graph.heads, before[graph.tails])
        lowest = lowest[lowest]
        if np.array_equal(lowest, before):
            return lowest


def _zone_findings(zone: Region, site: Site, graph: Graph) -> Iterator[Finding]:
    label = f"zone {zone.id}"
    if not zone.contains(graph.cells).any():
        yield Finding(
            label,
            "has no path and no area inside, so nobody is ever found in it",
            "widen it to where people walk, or draw the path",
        )
    spacing_m = _spacing_m(zone, site)
    width_m = zone.width_m()
    if width_m < spacing_m / 2:
        yield Finding(
            label,
            f"is {width_m:.0f} m wide, too narrow to be decided where receivers stand "
            f"{spacing_m:.0f} m apart",
            f"widen it to {spacing_m / 2:.0f} m, or put receivers closer",
            warning=True,
        )


def _spacing_m(zone: Region, site: Site) -> float:
    """How far apart the receivers around `zone` stand: the median over those nearest to it."""
    places = np.array([receiver.xy for receiver in site.receivers]).reshape(-1, 2)
    if len(places) < 2:
        return USUAL_SPACING_M
    middle = zone.grid(ONE_POLE_M).mean(axis=0, keepdims=True)
    near = places[np.argsort(_distances_m(middle, places)[0])[:NEIGHBOURS]]
    apart = _distances_m(near, places)
    apart[apart < ONE_POLE_M] = np.inf
    nearest = apart.min(axis=1)
    nearest = nearest[np.isfinite(nearest)]
    return float(np.median(nearest)) if len(nearest) else USUAL_SPACING_M


def _distances_m(points: Points, others: Points) -> NDArray[np.float64]:
    """Shape (n, m)."""
    return np.asarray(np.linalg.norm(points[:, None] - others[None], axis=-1))
