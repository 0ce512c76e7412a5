"""Figures as bytes: one look for all, no window, no network, letters only where a font has them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from gateway.model import UnusableError

INK, QUIET, LINE = "#1c2429", "#4d5a62", "#cdd6dc"
BLUE, ORANGE, GREEN, PURPLE, RED = "#0067a6", "#b34700", "#00714f", "#8a3680", "#b00020"
TIME_COLOURS = "viridis"

_JAPANESE = (
    "Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "IPAGothic", "TakaoGothic", "VL Gothic",
    "Hiragino Sans", "Yu Gothic", "Meiryo", "MS Gothic",
)  # fmt: skip
_DOTS_PER_INCH = 150


class DrawingError(UnusableError):
    """A picture cannot be written; the message names the file and what to do."""


@cache
def _fonts() -> list[str]:
    known = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *[name for name in _JAPANESE if name in known][:1]]


@contextmanager
def style() -> Iterator[None]:
    """Everything drawn inside looks alike and comes out the same each time."""
    look: Any = {  # matplotlib's own type for it is a list of all its keys
        "font.family": _fonts(),
        "font.size": 9,
        "text.color": INK,
        "axes.edgecolor": QUIET,
        "axes.labelcolor": QUIET,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.axisbelow": True,
        "grid.color": LINE,
        "grid.linewidth": 0.6,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "svg.hashsalt": "machimori",
    }
    with mpl.rc_context(look):
        yield


def legible(text: str, instead: str) -> str:
    """`text` where this machine has a font for all of it, `instead` elsewhere: no empty boxes."""
    return text if text and all(_has(letter) for letter in text) else instead


@cache
def _has(letter: str) -> bool:
    files = (findfont(FontProperties(family=name)) for name in _fonts())
    return any(get_font(file).get_char_index(ord(letter)) for file in files)


def svg_of(figure: Figure) -> bytes:
    """The figure as SVG; letters are drawn, so that it looks the same where fonts differ."""
    text = BytesIO()
    with style():
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def png_of(figure: Figure) -> bytes:
    """The figure as PNG."""
    pixels = BytesIO()
    with style():
        figure.savefig(pixels, format="png", dpi=_DOTS_PER_INCH)
    return pixels.getvalue()


def write_whole(file: Path, content: bytes) -> None:
    """Whole or not at all: a file that is there is complete. Raises DrawingError."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_bytes(content)
        part.replace(file)
    except OSError as error:
        raise DrawingError(
            f"{file}: cannot be written ({error.strerror}). Name a file in a folder that is yours."
        ) from error
