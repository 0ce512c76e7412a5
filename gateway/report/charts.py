"""The charts of a report: errors, reliability, zones and the levels of each receiver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gateway.model import Crossing, ZoneEvent
from gateway.report.drawing import (
    BLUE,
    GREEN,
    INK,
    LINE,
    ORANGE,
    PURPLE,
    QUIET,
    RED,
    legible,
    style,
)
from gateway.report.ground import draw_ground
from gateway.report.receivers import ReceiverFit
from gateway.report.scoring import Floats, Score, ZoneTruth
from gateway.site import Points, Site

MODE_COLOURS = {"live": BLUE, "confirmed": ORANGE, "route": GREEN}
HONEST = {"68": (0.60, 0.76), "95": (0.91, 0.985)}
"""What share of the positions the two circles may hold and still be called true."""

SQUARES = 40
BINS = 8
DOTS = 300
NEAREST_M = 1.0
FIT_COLUMNS = 4


def error_chart(scores: Mapping[str, Score]) -> Figure:
    """The share of positions within an error, by mode."""
    with style():
        figure = Figure(figsize=(6, 3.6), layout="constrained")
        axes = figure.add_subplot(
            xlabel="error, m", ylabel="share of positions", ylim=(0, 1.02), title="Error"
        )
        far = max(float(np.percentile(score.errors, 98)) for score in scores.values())
        for mode, score in scores.items():
            errors = np.sort(score.errors)
            share = np.arange(1, len(errors) + 1) / len(errors)
            label = f"{mode}: half within {score.median:.1f} m, 90 % within {score.p90:.1f} m"
            axes.plot(errors, share, color=MODE_COLOURS[mode], lw=1.8, label=label)
        for level in (0.5, 0.9):
            axes.axhline(level, color=QUIET, lw=0.8, ls=":")
        axes.set_xlim(0, max(far, 1.0))
        axes.grid(visible=True)
        axes.legend(loc="lower right")
    return figure


def reliability_chart(scores: Mapping[str, Score], radii: Mapping[str, Floats]) -> Figure:
    """Left: how often the circles held the tag. Right: whether a large circle means a large error.

    `radii` has the 68 % radii of the errors of `scores`, (n,), by mode.
    """
    with style():
        figure = Figure(figsize=(9.6, 3.6), layout="constrained")
        held, sizes = figure.subplots(1, 2, width_ratios=(1, 1.1))
        _draw_held(held, scores)
        _draw_sizes(sizes, scores, radii)
    return figure


def _draw_held(axes: Axes, scores: Mapping[str, Score]) -> None:
    for row, (low, high) in enumerate(HONEST.values()):
        axes.fill_between([low, high], row - 0.42, row + 0.42, color="#00714f22", lw=0)
    for index, (mode, score) in enumerate(scores.items()):
        for row, share in enumerate((score.coverage68, score.coverage95)):
            height = row + 0.25 * (1 - index)
            axes.plot([0, share], [height] * 2, color=LINE, lw=1)
            axes.plot(share, height, "o", color=MODE_COLOURS[mode], label="_" if row else mode)
            axes.annotate(
                f"{share:.0%}", (share, height), xytext=(-6, 0), textcoords="offset points",
                ha="right", va="center", fontsize=8,
            )  # fmt: skip
    axes.set_yticks([0, 1], ["68 % circle", "95 % circle"])
    axes.set(xlim=(0, 1.02), ylim=(-0.5, 1.5), xlabel="share of positions inside the circle")
    axes.set_title("Circles that held the tag (green: as they should)")
    axes.legend(loc="upper left")


def _draw_sizes(axes: Axes, scores: Mapping[str, Score], radii: Mapping[str, Floats]) -> None:
    most = 1.0
    for mode, score in scores.items():
        order = np.argsort(radii[mode], kind="stable")
        parts = [part for part in np.array_split(order, BINS) if len(part)]
        said = [float(radii[mode][part].mean()) for part in parts]
        was = [float(np.percentile(score.errors[part], 68)) for part in parts]
        axes.plot(said, was, "o-", color=MODE_COLOURS[mode], lw=1.2, ms=4, label=mode)
        most = max(most, *said, *was)
    axes.plot([0, most], [0, most], ":", color=INK, lw=1, label="true")
    axes.set(xlabel="68 % radius that was said, m", ylabel="68 % of the errors within, m")
    axes.set(xlim=(0, most * 1.05), ylim=(0, most * 1.05))
    axes.set_title("A small circle must mean a small error")
    axes.grid(visible=True)
    axes.legend(loc="upper left")


def error_map(places: Points, errors: Floats, site: Site, mode: str) -> Figure:
    """The median error in each square of the plan; `places` (n, 2) are the true ones, metres."""
    low, high = places.min(axis=0), places.max(axis=0)
    side_m = max(float((high - low).max()) / SQUARES, 1.0)
    squares, of = np.unique(((places - low) // side_m).astype(int), axis=0, return_inverse=True)
    medians = np.array([np.median(errors[of.ravel() == k]) for k in range(len(squares))])
    middles = low + (squares + 0.5) * side_m
    with style():
        figure = Figure(figsize=(6.6, 4.8), layout="constrained")
        axes = figure.add_subplot(title=f"Error by place ({mode})")
        draw_ground(axes, site, places, named=False)
        most = max(float(np.percentile(medians, 95)), 1.0)
        size = side_m * figure.get_figwidth() * 72 * 0.8 / float(np.diff(axes.get_xlim())[0])
        drawn = axes.scatter(
            middles[:, 0], middles[:, 1], c=medians, s=max(size, 3.0) ** 2, marker="s",
            cmap="inferno_r", vmin=0, vmax=most, zorder=5, alpha=0.9, linewidths=0,
        )  # fmt: skip
        bar = figure.colorbar(drawn, ax=axes, shrink=0.8, pad=0.01, extend="max")
        bar.set_label("median error, m", color=QUIET)
    return figure


def fit_chart(fits: Sequence[ReceiverFit]) -> Figure:
    """Levels against distance, a panel a receiver, with the model's curve."""
    columns = min(FIT_COLUMNS, len(fits))
    rows = ceil(len(fits) / columns)
    with style():
        figure = Figure(figsize=(2.7 * columns, 2.1 * rows + 0.3), layout="constrained")
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, fit in zip(panels, fits, strict=False):
            _draw_fit(axes, fit)
        for axes in panels[len(fits) :]:
            axes.set_axis_off()
        figure.supxlabel("distance, m", color=QUIET, fontsize=9)
        figure.supylabel("level, dBm", color=QUIET, fontsize=9)
    return figure


def _draw_fit(axes: Axes, fit: ReceiverFit) -> None:
    chosen = np.arange(0, len(fit.dbm), max(len(fit.dbm) // DOTS, 1))
    colour = RED if fit.doubts else PURPLE
    axes.plot(fit.distance_m[chosen], fit.dbm[chosen], ".", color=colour, ms=3.2, alpha=0.45, mew=0)
    farthest = max(float(fit.distance_m.max(initial=NEAREST_M)), 10.0)
    curve = np.geomspace(NEAREST_M, farthest, 60)
    model = fit.radio.power_dbm - 10 * fit.radio.exponent * np.log10(curve)
    axes.plot(curve, model, color=INK, lw=1.3)
    axes.set_title(legible(fit.receiver.id, "?"), color=colour, fontsize=9)
    axes.set(xscale="log", ylim=(-105, -30))
    axes.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"], minor=False)
    axes.minorticks_off()
    axes.set_xlim(NEAREST_M, None)
    axes.grid(visible=True)


@dataclass(frozen=True, slots=True)
class ZoneTime:
    """One tag and one zone: P(zone) (n,) at `at` (n,), the events, and the truth if known."""

    title: str
    at: Floats
    probability: Floats
    events: Sequence[ZoneEvent]
    truth: ZoneTruth | None


def zone_chart(lines: Sequence[ZoneTime], start: float) -> Figure:
    """P(zone) over time, a strip a tag and zone."""
    with style():
        figure = Figure(figsize=(9.6, 0.85 * len(lines) + 0.6), layout="constrained")
        strips = figure.subplots(len(lines), 1, sharex=True, squeeze=False).ravel()
        for axes, line in zip(strips, lines, strict=True):
            _draw_zone(axes, line, start)
        clock = datetime.fromtimestamp(start, UTC)
        strips[-1].set_xlabel(f"minutes since {clock:%Y-%m-%d %H:%M:%S} UTC")
    return figure


def _draw_zone(axes: Axes, line: ZoneTime, start: float) -> None:
    if line.truth is not None:
        for session in line.truth.sessions():
            minutes = (session.at - start) / 60
            axes.fill_between(minutes, 0, session.inside, step="mid", color="#00000018", lw=0)
    holes = np.flatnonzero(np.diff(line.at) > 3.0) + 1
    minutes = np.insert((line.at - start) / 60, holes, np.nan)
    axes.plot(minutes, np.insert(line.probability, holes, np.nan), color=BLUE, lw=1)
    for event in line.events:
        enters = event.event is Crossing.ENTER
        axes.plot(
            (event.at - start) / 60, 1.16 if enters else -0.16, "v" if enters else "^",
            color=GREEN if enters else RED, ms=5, clip_on=False,
        )  # fmt: skip
    axes.set(ylim=(-0.3, 1.3), yticks=[0, 1])
    axes.set_ylabel(line.title, rotation=0, ha="right", va="center", fontsize=8)
