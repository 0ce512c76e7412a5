"""The plan of a site as the ground of a figure: areas, lots, zones, paths and receivers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from gateway.report.drawing import BLUE, INK, LINE, PURPLE, legible
from gateway.site import Points, Region, Site

PANEL_INCHES = (6.0, 4.8)
BAR_INCHES, TITLE_INCHES = 1.0, 0.4
MARGIN = 0.12
LEAST_MARGIN_M, LEAST_VIEW_M = 2.0, 20.0
LETTER, LINE_HEIGHT = 0.0125, 0.034  # of a panel's width and height
SCALE_SHARE = 0.25
_PAPER = {"boxstyle": "square,pad=0.08", "facecolor": "#ffffffb0", "edgecolor": "none"}


@dataclass(frozen=True, slots=True)
class View:
    """The piece of the site that a panel shows, metres."""

    west: float
    south: float
    east: float
    north: float

    def meets(self, points: Points) -> bool:
        """Whether the box around `points` (n, 2) meets this one."""
        low, high = points.min(axis=0), points.max(axis=0)
        return bool(
            low[0] < self.east
            and high[0] > self.west
            and low[1] < self.north
            and high[1] > self.south
        )

    def shares(self, xy: tuple[float, float]) -> tuple[float, float]:
        """How far right and up `xy` lies: 0 to 1 inside."""
        return (
            (xy[0] - self.west) / (self.east - self.west),
            (xy[1] - self.south) / (self.north - self.south),
        )


def everything(site: Site) -> Points:
    """Points around all that is on the site."""
    lines = [path.points for path in site.paths]
    places = np.array([receiver.xy for receiver in site.receivers]).reshape(-1, 2)
    return np.concatenate([*lines, places, *map(_outline, (*site.areas, *site.zones))])


def draw_ground(axes: Axes, site: Site, around: Points, *, named: bool = True) -> None:
    """Draw the piece of the site that shows `around` (n, 2), true to scale; `named` receivers."""
    view = _view(around)
    axes.set_xlim(view.west, view.east)
    axes.set_ylim(view.south, view.north)
    axes.set_aspect("equal")
    axes.set(xticks=[], yticks=[], facecolor="#fcfdfd")
    for spine in axes.spines.values():
        spine.set(visible=True, color=LINE)
    _fill(axes, site.areas, view, face="#e9efe6", edge="none")
    _fill(axes, site.lots, view, face="#eef0f2", edge="none")
    _fill(axes, site.zones, view, face="#0067a60d", edge="#0067a666")
    near = [path.points for path in site.paths if view.meets(path.points)]
    axes.add_collection(LineCollection(near, colors="#c3ccd1", linewidths=0.9, zorder=2), False)
    labels = _Labels(axes, view)
    _name_zones(labels, site)
    _draw_receivers(axes, view, labels if named else None, site)
    _draw_scale(axes, view)


def _outline(region: Region) -> Points:
    return np.asarray(region.polygon.exterior.coords)


def _view(around: Points) -> View:
    """A rectangle of the panel's shape around points, with some room."""
    low, high = around.min(axis=0), around.max(axis=0)
    middle, size = (low + high) / 2, high - low
    size = np.maximum(size * (1 + 2 * MARGIN), size + 2 * LEAST_MARGIN_M)
    shape = (PANEL_INCHES[0] - BAR_INCHES) / (PANEL_INCHES[1] - TITLE_INCHES)
    high_m = max(size[1], size[0] / shape, LEAST_VIEW_M)
    half = np.array([high_m * shape, high_m]) / 2
    west, south = (middle - half).tolist()
    east, north = (middle + half).tolist()
    return View(west, south, east, north)


def _fill(axes: Axes, regions: Sequence[Region], view: View, *, face: str, edge: str) -> None:
    outlines = [outline for outline in map(_outline, regions) if view.meets(outline)]
    drawn = PolyCollection(outlines, facecolors=face, edgecolors=edge, linewidths=0.8, zorder=1)
    axes.add_collection(drawn, autolim=False)


@dataclass(frozen=True, slots=True)
class _Labels:
    """Words on a plan, none over another: one that has no room is left out."""

    axes: Axes
    view: View
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def put(self, xy: tuple[float, float], text: str, *, colour: str) -> None:
        """Write `text` to the right of `xy`, left of it, above or below: where there is room."""
        right, up = self.view.shares(xy)
        wide = sum(2.0 if ord(letter) > 0x2E80 else 1.0 for letter in text) * LETTER
        for along, above in (
            (0.012, 0.0),
            (-wide - 0.012, 0.0),
            (-wide / 2, 0.04),
            (-wide / 2, -0.04),
        ):
            left, middle = right + along, up + above
            box = (left, middle - LINE_HEIGHT / 2, left + wide, middle + LINE_HEIGHT / 2)
            if self._is_free(box):
                self.taken.append(box)
                self.axes.text(
                    left, middle, text, color=colour, fontsize=7, va="center", zorder=8,
                    transform=self.axes.transAxes, bbox=_PAPER,
                )  # fmt: skip
                return

    def _is_free(self, box: tuple[float, float, float, float]) -> bool:
        inside = box[0] >= 0 and box[1] >= 0.07 and box[2] <= 1 and box[3] <= 0.93
        return inside and not any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
            for other in self.taken
        )


def _name_zones(labels: _Labels, site: Site) -> None:
    for zone in site.zones:
        outline = _outline(zone)
        if labels.view.meets(outline):
            west, north = outline[:, 0].min(), outline[:, 1].max()
            inset = (labels.view.north - labels.view.south) * 0.025
            corner = (max(west, labels.view.west), min(north, labels.view.north) - inset)
            labels.put(corner, legible(zone.names.get("ja", ""), zone.id), colour=BLUE)


def _draw_receivers(axes: Axes, view: View, labels: _Labels | None, site: Site) -> None:
    shown = [one for one in site.receivers if view.meets(np.array([one.xy]))]
    places = np.array([receiver.xy for receiver in shown]).reshape(-1, 2)
    axes.plot(*places.T, "^", color=PURPLE, ms=5, mec="white", mew=0.6, zorder=6)
    if labels is not None:
        for receiver in shown:
            labels.put(receiver.xy, legible(receiver.id, "?"), colour=PURPLE)


def _draw_scale(axes: Axes, view: View) -> None:
    """A bar of a round length, at the lower right."""
    wide_m = view.east - view.west
    steps = [number * 10**power for power in range(5) for number in (1, 2, 5)]
    length_m = max(step for step in steps if step <= max(wide_m * SCALE_SHARE, 1))
    right = 0.97
    left = right - length_m / wide_m
    axes.plot([left, right], [0.035] * 2, color=INK, lw=2, transform=axes.transAxes, zorder=9)
    axes.text(
        right, 0.045, f"{length_m} m", transform=axes.transAxes, ha="right", va="bottom",
        fontsize=8, bbox=_PAPER, zorder=9,
    )  # fmt: skip
