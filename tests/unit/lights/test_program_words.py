import pytest

from gateway.lights.documents import DynamicControl, Operation, Wave
from gateway.lights.dynamic import Photocell
from gateway.lights.program_words import (
    dynamic_words,
    offset_words,
    operation_words,
    photocell_words,
)


@pytest.mark.parametrize(
    ("operation", "value", "words"),
    [
        (Operation.SET, 80, "80 %"),
        (Operation.MAX, 80, "at least 80 %"),
        (Operation.MIN, 12.5, "at most 12.5 %"),
        (Operation.ADD, 20, "20 % more"),
        (Operation.SUB, 20, "20 % less"),
        (Operation.MUL, 0.5, "× 0.5"),
    ],
)
def test_an_operation_is_said_in_words(operation: Operation, value: float, words: str) -> None:
    control = DynamicControl(operation=operation, value=value, hold_time=1)
    assert operation_words(control) == words


def test_a_dynamic_control_says_where_what_and_how_long() -> None:
    control = DynamicControl(
        operation=Operation.MAX, value=80, hold_time=60, sensor="entrance", wave=Wave(hops=3)
    )
    assert (
        dynamic_words(control) == "motion at entrance and 3 lamps around: at least 80 %, held 60 s"
    )


def test_a_photocell_says_whose_it_is() -> None:
    assert photocell_words(Photocell("self", 10, 20, 60)) == (
        "its photocell: on below 10 lx, off above 20 lx"
    )
    assert photocell_words(Photocell("lamp-7", 10, 20, 60)).startswith("photocell of lamp-7:")


def test_an_offset_has_its_sign_and_none_where_there_is_none() -> None:
    assert (offset_words(-30), offset_words(7.5), offset_words(0)) == (" -30 min", " +7.5 min", "")
