"""The words: immutable, and the same on both ends of a wire."""

import re
from dataclasses import is_dataclass

import msgspec
import pytest

from gateway import model
from gateway.model import (
    ID_PATTERN,
    Alert,
    AlertKind,
    AlertState,
    EdgeOrders,
    Gap,
    Position,
    Presence,
    Press,
    Reading,
    ReceiverSource,
    UnusableError,
    Window,
)

ON_THE_WIRE = (
    Window(1_770_000_000, ("r-1", "r-2"), (Reading("r-1", "ibeacon:x:1:2", -71.5, -68, 4),)),
    Press(1_770_000_000.25, "r-1", "uid:aa:bb", -80, synced=False),
    Gap(10.0, 20.5, "restart", from_seq=3, to_seq=9),
    EdgeOrders((ReceiverSource("r-1", "espresense", "kitchen"),), ("uid:aa:bb",)),
    Position(5.0, "t-1", 140.9, 37.0, 4.5, 9.0, 3, Presence.TRACKED, (("school", 0.93),)),
    Alert("a-1", AlertKind.SOS, AlertState.RAISED, 5.0, 6.0, tag="t-1"),
)


@pytest.mark.parametrize("word", ON_THE_WIRE, ids=lambda word: type(word).__name__)
def test_what_travels_comes_back_as_it_was(word: object) -> None:
    assert msgspec.json.decode(msgspec.json.encode(word), type=type(word)) == word


def test_every_word_is_frozen_and_has_slots() -> None:
    words = [word for word in vars(model).values() if isinstance(word, type) and is_dataclass(word)]
    assert len(words) >= 8
    for word in words:
        assert vars(word)["__dataclass_params__"].frozen, word
        assert "__slots__" in vars(word), word


def test_nobody_changes_a_position() -> None:
    position = next(word for word in ON_THE_WIRE if isinstance(word, Position))
    with pytest.raises(AttributeError):
        position.lon = 0.0  # type: ignore[misc] # that it is refused is the point


@pytest.mark.parametrize("name", ["gw-07", "hub", "a", "A.b_c-9", "x" * 64])
def test_an_id_is_one_level_of_a_topic(name: str) -> None:
    assert re.match(ID_PATTERN, name)


@pytest.mark.parametrize("name", ["", "gw/07", "+", "#", "-gw", "gw 07", "門", "x" * 65])
def test_what_would_break_a_topic_is_no_id(name: str) -> None:
    assert not re.match(ID_PATTERN, name)


def test_what_only_a_person_can_mend_ends_with_code_2() -> None:
    assert UnusableError("x").exit_code == 2
