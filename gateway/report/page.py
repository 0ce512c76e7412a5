"""The report as one HTML page that needs nothing else: no network, no script, no font."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from math import isfinite
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure

from gateway import __version__
from gateway.model import Position
from gateway.report.charts import (
    HONEST,
    ZoneTime,
    error_chart,
    error_map,
    fit_chart,
    reliability_chart,
    zone_chart,
)
from gateway.report.drawing import legible, svg_of
from gateway.report.judgement import (
    Errors,
    Material,
    availability_of,
    errors_by_mode,
    reception_of,
    zone_scores,
)
from gateway.report.receivers import FEW, ReceiverFit, Reception
from gateway.report.ways import MOST_PANELS, plot_ways, ways_of
from gateway.site import Region

MOST_FITS = 24
MOST_ZONE_LINES = 16
MOST_EVENTS = 200
LEAST_PROBABILITY = 0.05
LEAST_AVAILABLE = 0.9


def render(material: Material) -> str:
    """The whole page."""
    style = _file("report.css")
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page.filters |= {"clock": _clock, "number": _number, "share": _share, "picture": _picture}
    errors = errors_by_mode(material)
    reception = reception_of(material)
    return page.from_string(_file("report.html.j2")).render(
        version=__version__,
        style=style,
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
        material=material,
        **_summary(material, errors, reception),
        **_way_part(material),
        **_error_part(material, errors),
        **_receiver_part(reception),
        **_zone_part(material),
    )


def _file(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def _number(value: float | None, digits: int = 1) -> str:
    return "–" if value is None or not isfinite(value) else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "–" if value is None or not isfinite(value) else f"{value:.0%}"


def _picture(figure: Figure) -> str:
    """The address of a figure that is its own content: what is in it cannot meet the page."""
    return f"data:image/svg+xml;base64,{b64encode(svg_of(figure)).decode()}"


def _summary(
    material: Material, errors: Mapping[str, Errors], reception: Reception
) -> dict[str, Any]:
    seconds = [window.second for window in material.windows]
    available = availability_of(material)
    return {
        "since": min(seconds),
        "until": max(seconds) + 1,
        "seconds": sum(bool(window.readings) for window in material.windows),
        "tags": {one.identifier for window in material.windows for one in window.readings},
        "packets": sum(fit.packets for fit in reception.receivers),
        "receivers_heard": sum(fit.packets > 0 for fit in reception.receivers),
        "available": available,
        "doubts": list(_doubts(material, errors, reception, available)),
    }


def _doubts(
    material: Material,
    errors: Mapping[str, Errors],
    reception: Reception,
    available: float | None,
) -> Iterator[tuple[str, str]]:
    """Where and what: everything that a technician should look at."""
    for fit in reception.receivers:
        for doubt in fit.doubts:
            yield f"receiver {fit.receiver.id}", doubt
    if available is not None and available < LEAST_AVAILABLE:
        yield "coverage", f"a position was there in only {available:.0%} of the seconds"
    if "live" in errors:
        score = errors["live"].score
        for level, share in (("68", score.coverage68), ("95", score.coverage95)):
            low, high = HONEST[level]
            if not low <= share <= high:
                word = "too small" if share < low else "larger than they need be"
                wanted = f"not {low:.0%} to {high:.1%}"
                yield "circles", f"{level} % circles held the tag in {share:.1%}, {wanted}: {word}"
    for remark in material.remarks:
        where, _, what = remark.partition(": ")
        yield where, what


def _way_part(material: Material) -> dict[str, Any]:
    ways = ways_of(material.positions["route"], material.site)
    return {
        "ways": plot_ways(ways, material.site, material.truths.tags),
        "ways_left_out": max(len(ways) - MOST_PANELS, 0),
    }


def _error_part(material: Material, errors: Mapping[str, Errors]) -> dict[str, Any]:
    if not errors:
        return {"errors": errors, "error_pictures": []}
    scores = {mode: one.score for mode, one in errors.items()}
    radii = {mode: one.radius68_m for mode, one in errors.items()}
    mode, first = next(iter(errors.items()))
    by_place = error_map(first.places, first.score.errors, material.site, mode)
    pictures = [
        ("Error of the positions", error_chart(scores)),
        ("Error by place", by_place),
        ("Whether the circles are true", reliability_chart(scores, radii)),
    ]
    return {"errors": errors, "error_pictures": pictures}


def _receiver_part(reception: Reception) -> dict[str, Any]:
    """Those in doubt come first; a panel for those that heard something and have room."""
    heard = [fit for fit in reception.receivers if len(fit.dbm)]
    shown = sorted(heard, key=_most_telling)[:MOST_FITS]
    shown.sort(key=lambda fit: fit.receiver.id)
    every = reception.receivers
    judged = [fit for fit in every if fit.doubts or fit.near >= FEW]
    return {
        "judged": sorted(judged, key=lambda fit: (not fit.doubts, fit.receiver.id)),
        "unjudged": [fit.receiver.id for fit in every if not fit.doubts and fit.near < FEW],
        "fit_picture": fit_chart(shown) if shown else None,
        "fits_left_out": len(heard) - len(shown),
        "tag_offsets": reception.tag_offset_db,
    }


def _most_telling(fit: ReceiverFit) -> tuple[bool, int]:
    return not fit.doubts, -len(fit.dbm)


def _zone_part(material: Material) -> dict[str, Any]:
    lines = _zone_lines(material)
    start = min(window.second for window in material.windows)
    return {
        "zone_scores": zone_scores(material),
        "zone_names": {zone.id: _name(zone) for zone in material.site.zones},
        "zone_picture": zone_chart(lines[:MOST_ZONE_LINES], start) if lines else None,
        "zone_lines_left_out": max(len(lines) - MOST_ZONE_LINES, 0),
        "events": material.events[:MOST_EVENTS],
        "events_left_out": max(len(material.events) - MOST_EVENTS, 0),
    }


def _name(zone: Region) -> str:
    return zone.names.get("ja") or zone.id


def _zone_lines(material: Material) -> list[ZoneTime]:
    """Every tag and zone that had to do with one another; most events first."""
    by_tag: dict[str, list[Position]] = {}
    for position in material.positions["live"]:
        by_tag.setdefault(position.tag, []).append(position)
    truths = {(one.tag, one.zone): one for one in material.truths.zones}
    lines = []
    for tag, positions in by_tag.items():
        said = [dict(position.zones) for position in positions]
        at = np.array([position.at for position in positions])
        for zone in material.site.zones:
            probability = np.array([one.get(zone.id, 0.0) for one in said])
            truth = truths.get((tag, zone.id))
            if probability.max() < LEAST_PROBABILITY and not (truth and truth.inside.any()):
                continue
            told = [one for one in material.events if (one.tag, one.zone) == (tag, zone.id)]
            title = f"{tag}\n{legible(_name(zone), zone.id)}"
            lines.append(ZoneTime(title, at, probability, told, truth))
    return sorted(lines, key=lambda line: (-len(line.events), line.title))
