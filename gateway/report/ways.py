"""The ways of tags on the plan of their site, as a figure.

A way is coloured by time and broken where nothing was known; circles said to hold the tag with
68 % are drawn now and then; the truth, where there is one, is dotted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from gateway.model import Position
from gateway.report.drawing import INK, QUIET, TIME_COLOURS, style
from gateway.report.ground import PANEL_INCHES, draw_ground, everything
from gateway.report.scoring import LONGEST_GAP_S, Floats, Truth, places_of
from gateway.site import Points, Site

HOLE_S = 3.0
OUTING_GAP_S = 60.0
CIRCLES = 24
MOST_PANELS = 12
COLUMNS = 2


@dataclass(frozen=True, slots=True)
class Way:
    """Positions of one tag, by time, with no pause of more than a minute, and where they are."""

    tag: str
    positions: Sequence[Position]
    places: Points

    @property
    def at(self) -> Floats:
        """When (n,)."""
        return np.array([position.at for position in self.positions])

    @property
    def title(self) -> str:
        """Whose way, and when."""
        first, last = (datetime.fromtimestamp(self.positions[k].at, UTC) for k in (0, -1))
        return f"{self.tag}, {first:%Y-%m-%d %H:%M:%S}–{last:%H:%M:%S} UTC"


def ways_of(positions: Sequence[Position], site: Site) -> list[Way]:
    """The positions of each tag, parted at pauses of more than a minute; the longest ones first."""
    by_tag: dict[str, list[Position]] = {}
    for position in sorted(positions, key=lambda one: one.at):
        by_tag.setdefault(position.tag, []).append(position)
    ways = []
    for tag, own in by_tag.items():
        cuts = np.flatnonzero(np.diff([one.at for one in own]) > OUTING_GAP_S) + 1
        for part in np.split(np.arange(len(own)), cuts):
            chosen = [own[k] for k in part.tolist()]
            ways.append(Way(tag, chosen, places_of(chosen, site)))
    return sorted(ways, key=lambda way: (-len(way.positions), way.tag, way.positions[0].at))


def plot_ways(ways: Sequence[Way], site: Site, truths: Mapping[str, Truth]) -> Figure:
    """A panel for each of the first twelve `ways`; says how many there are if they are more."""
    shown = sorted(ways[:MOST_PANELS], key=lambda way: (way.positions[0].at, way.tag))
    columns = min(max(len(shown), 1), COLUMNS)
    rows = max(ceil(len(shown) / columns), 1)
    wide, high = PANEL_INCHES
    with style():
        figure = Figure(figsize=(wide * columns, high * rows + 0.4), layout="constrained")
        if len(ways) > len(shown):
            left_out = f"the {len(shown)} longest of {len(ways)} ways"
            figure.suptitle(left_out, x=0.01, ha="left", fontsize=10)
        for index, way in enumerate(shown):
            axes = figure.add_subplot(rows, columns, index + 1)
            draw_way(axes, way, site, truths.get(way.tag))
        if not shown:
            draw_ground(figure.add_subplot(), site, everything(site))
    return figure


def draw_way(axes: Axes, way: Way, site: Site, truth: Truth | None) -> None:
    """One way on its piece of the plan."""
    seen = [way.places]
    since, until = way.at[0], way.at[-1]
    true = None if truth is None else _during(truth, since, until)
    if true is not None:
        seen.append(true.xy)
    draw_ground(axes, site, np.concatenate(seen))
    axes.set_title(way.title)
    shown = np.unique(np.linspace(0, len(way.places) - 1, CIRCLES).round().astype(int))
    widths = 2 * np.array([position.radius68_m for position in way.positions])[shown]
    colours = Normalize(0, max(until - since, 1.0))
    hues = ScalarMappable(colours, TIME_COLOURS)
    circles = EllipseCollection(
        widths, widths, np.zeros(len(shown)), units="xy", offsets=way.places[shown],
        offset_transform=axes.transData, facecolors="none", linewidths=0.7, alpha=0.45,
        edgecolors=hues.to_rgba(way.at[shown] - since), zorder=4,
    )  # fmt: skip
    axes.add_collection(circles, autolim=False)
    whole = np.diff(way.at) <= HOLE_S
    pieces = np.stack([way.places[:-1], way.places[1:]], axis=1)[whole]
    line = LineCollection(
        list(pieces), array=(way.at[:-1] - since)[whole], cmap=TIME_COLOURS, norm=colours,
        linewidths=2.2, capstyle="round", zorder=5,
    )  # fmt: skip
    axes.add_collection(line, autolim=False)
    axes.plot(*way.places[0], "o", color=INK, mfc="white", ms=6, zorder=7, label="begin")
    axes.plot(*way.places[-1], "s", color=INK, mfc="white", ms=5.5, zorder=7, label="end")
    if true is not None and len(true.at):
        parts = np.split(true.xy, np.flatnonzero(np.diff(true.at) > LONGEST_GAP_S) + 1)
        for number, part in enumerate(parts):
            label = "_" if number else "truth"
            axes.plot(*part.T, ":", color=INK, lw=1.1, zorder=6, label=label)
    legend = axes.legend(
        loc="upper left", ncols=3, handlelength=1.6, borderaxespad=0.2, columnspacing=1,
        frameon=True, edgecolor="none", framealpha=0.85,
    )  # fmt: skip
    legend.set_zorder(10)
    bar = axes.figure.colorbar(hues, ax=axes, shrink=0.75, pad=0.01, aspect=30)
    bar.set_label("seconds since the beginning", color=QUIET)
    bar.outline.set_visible(False)


def _during(truth: Truth, since: float, until: float) -> Truth:
    chosen = (truth.at >= since - 1) & (truth.at <= until + 1)
    return Truth(truth.at[chosen], truth.xy[chosen])
