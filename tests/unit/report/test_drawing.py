from io import BytesIO
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from gateway.report.drawing import DrawingError, legible, png_of, style, svg_of, write_whole


def figure() -> Figure:
    with style():
        made = Figure(figsize=(2, 1), layout="constrained")
        made.add_subplot(title="one").plot([0, 1], [1, 0])
    return made


def test_a_figure_comes_out_the_same_each_time() -> None:
    assert svg_of(figure()) == svg_of(figure())
    assert png_of(figure()) == png_of(figure())


def test_an_svg_names_nothing_outside_itself() -> None:
    drawn = svg_of(figure()).decode()
    assert "<script" not in drawn
    assert "url(http" not in drawn


def test_letters_that_no_font_has_are_replaced() -> None:
    assert legible("gate 1", "zone-1") == "gate 1"
    assert legible("\U000e0fff", "zone-1") == "zone-1"
    assert legible("", "zone-1") == "zone-1"


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    write_whole(tmp_path / "out.png", BytesIO(b"picture").getvalue())
    assert [file.name for file in tmp_path.iterdir()] == ["out.png"]
    with pytest.raises(DrawingError, match="cannot be written"):
        write_whole(tmp_path / "absent" / "out.png", b"picture")
