"""`machimori locate … --plot`: the ways that were found, as a picture."""

from collections.abc import Sequence
from pathlib import Path

from gateway.model import Position
from gateway.report.drawing import png_of, svg_of, write_whole
from gateway.report.truth import read_truths
from gateway.report.ways import plot_ways, ways_of
from gateway.site import Site


def plot_positions(file: Path, positions: Sequence[Position], site: Site, folder: Path) -> None:
    """Draw `positions` into `file` (.svg, or else PNG); dotted the truth that `folder` may have.

    Raises DrawingError, TruthError.
    """
    figure = plot_ways(ways_of(positions, site), site, read_truths(folder, site).tags)
    write_whole(file, svg_of(figure) if file.suffix.lower() == ".svg" else png_of(figure))
