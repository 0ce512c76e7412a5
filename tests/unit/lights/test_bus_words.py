"""The timing of a line."""

import pytest

from gateway.lights.bus_words import Line


def test_the_silence_between_frames_is_of_three_and_a_half_characters() -> None:
    assert Line("b", "x", baud=9600).gap_s == pytest.approx(3.5 * 11 / 9600)


def test_on_a_fast_line_it_is_never_shorter_than_the_specification_says() -> None:
    assert Line("b", "x", baud=115_200).gap_s == 0.00175
