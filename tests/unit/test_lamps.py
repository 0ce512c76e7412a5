"""The words of lamps: the same on both ends of a wire, and by TALQ's names."""

import csv
from pathlib import Path

import msgspec
import pytest

from gateway.lamps import (
    QUANTITIES,
    TALQ_REASON,
    Authority,
    LampEvent,
    LampEventKind,
    LampOrder,
    LampReading,
    LampType,
    Outcome,
    OutcomeState,
    Override,
)
from gateway.lights.documents import AstronomicalPeriod, Calendar, Program
from gateway.lights.orders import LightOrders, Overrides

ORDER = LampOrder("l-1", "bus-1", 7, "generic", "led-40", (1.5, -2.0), ("park",), "all year")
TYPE = LampType("led-40", ((0.0, 0.4), (100.0, 40.0)))
OVERRIDE = Override("o-1", ("l-1",), None, Authority.STAFF, 1.0, 2.0, 3.0)
ON_THE_WIRE = (
    LampReading(5.0, "l-1", Authority.PROGRAM, "evening", active_power_w=0.0, door_open=False),
    LampEvent("l-1", LampEventKind.LAMP_FAILURE, 5.0, {"active_power_w": 0.2}, end=9.0),
    Outcome("o-1", "l-1", 5.0, OutcomeState.FAILED, "no_answer"),
    LightOrders(
        3,
        "Asia/Tokyo",
        140.9,
        37.0,
        (ORDER,),
        (TYPE,),
        (Program("evening", (AstronomicalPeriod(),)),),
        (Calendar("all year", "evening"),),
    ),
    Overrides((OVERRIDE,)),
)


@pytest.mark.parametrize("word", ON_THE_WIRE, ids=lambda word: type(word).__name__)
def test_what_travels_comes_back_as_it_was(word: object) -> None:
    assert msgspec.json.decode(msgspec.json.encode(word), type=type(word)) == word


def test_what_a_lamp_does_not_have_takes_no_room_on_the_wire() -> None:
    assert msgspec.json.encode(LampReading(5.0, "l-1")) == b'{"at":5.0,"lamp":"l-1"}'


def test_quantities_are_what_a_lamp_says_and_not_what_it_was_told() -> None:
    assert {"active_power_w", "feedback_level", "door_open"} <= set(QUANTITIES)
    assert not {"target_level", "authority", "meter_class", "at"} & set(QUANTITIES)


def test_every_authority_has_a_reason_that_talq_knows(shared: Path) -> None:
    with (shared / "data" / "talq" / "commands.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["object"] == "Command"]
    (known,) = (row["values"].split() for row in rows if row["property"] == "reason")
    assert set(TALQ_REASON) == set(Authority)
    assert set(TALQ_REASON.values()) == set(known)


def test_faults_have_the_names_that_talq_gives_them(shared: Path) -> None:
    with (shared / "data" / "talq" / "events.csv").open(encoding="utf-8") as file:
        known = {row["event"] for row in csv.DictReader(file)}
    assert set(LampEventKind) <= known
