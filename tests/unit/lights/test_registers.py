"""Registers: what their bits say, and how numbers become them."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lights.registers import MASKED, NOT_A_NUMBER, Bit, Kind, Number, WordOrder

BIG, LITTLE = WordOrder.BIG, WordOrder.LITTLE


@pytest.mark.parametrize(
    ("number", "registers", "value"),
    [
        (Number(0, Kind.UINT16, BIG, 0.1), [1005], 100.5),
        (Number(0, Kind.INT16, BIG, 0.1), [0xFFFF], -0.1),
        (Number(0, Kind.UINT32, BIG, 0.001), [1, 2], 65.538),
        (Number(0, Kind.UINT32, LITTLE, 0.001), [1, 2], 131.073),
        (Number(0, Kind.INT32, LITTLE, 0.001), [0xFFFF, 0xFFFF], -0.001),
        (Number(0, Kind.FLOAT32, BIG), [0x4366, 0x8000], 230.5),
        (Number(0, Kind.FLOAT32, LITTLE), [0x8000, 0x4366], 230.5),
    ],
)
def test_a_number_is_read_by_its_kind_its_word_order_and_its_scale(
    number: Number, registers: list[int], value: float
) -> None:
    assert number.read(registers, 0) == (value, "")


def test_a_counter_without_a_scale_stays_a_whole_number() -> None:
    value, _ = Number(0, Kind.UINT32, BIG).read([0, 7], 0)
    assert value == 7
    assert isinstance(value, int)


def test_full_light_of_254_steps_is_one_hundred_and_not_a_hair_more() -> None:
    assert Number(0, Kind.UINT16, BIG, 0.39370078740157477).read([254], 0) == (100.0, "")


@pytest.mark.parametrize(
    ("number", "registers"),
    [
        (Number(0, Kind.UINT16, BIG, 0.1, 0xFFFF), [0xFFFF]),
        (Number(0, Kind.INT16, BIG, 0.1, 0x8000), [0x8000]),
        (Number(0, Kind.INT32, LITTLE, 0.001, 0x80000000), [0, 0x8000]),
    ],
)
def test_a_mask_is_nothing_with_a_reason(number: Number, registers: list[int]) -> None:
    assert number.read(registers, 0) == (None, MASKED)


@pytest.mark.parametrize("real", [math.nan, math.inf, -math.inf])
def test_a_float_that_is_no_number_is_nothing_with_a_reason(real: float) -> None:
    registers = struct.unpack(">2H", struct.pack(">f", real))
    assert Number(0, Kind.FLOAT32, BIG).read(registers, 0) == (None, NOT_A_NUMBER)


@pytest.mark.parametrize(
    ("bit", "register", "yes"),
    [
        (Bit(0, 4), 0b10000, True),
        (Bit(0, 4), 0b01111, False),
        (Bit(0, 0, inverted=True), 0, True),
        (Bit(0, 0, inverted=True), 1, False),
    ],
)
def test_a_bit_says_yes_or_no(bit: Bit, register: int, *, yes: bool) -> None:
    assert bit.read([register], 0) == (yes, "")


@given(
    kind=st.sampled_from([Kind.UINT16, Kind.UINT32, Kind.INT32]),
    order=st.sampled_from([BIG, LITTLE]),
    raw=st.integers(min_value=0, max_value=60_000),
)
def test_what_is_written_reads_the_same(kind: Kind, order: WordOrder, raw: int) -> None:
    number = Number(0, kind, order, 0.1)
    assert number.read(number.write(raw * 0.1), 0)[0] == pytest.approx(raw * 0.1, abs=1e-6)


def test_the_least_light_is_not_darkness_and_a_short_watchdog_is_not_none() -> None:
    assert Number(0, Kind.UINT16, BIG, 0.39370078740157477).write(0.1) == (1,)
    assert Number(0, Kind.UINT16, BIG, 60.0).write(10.0) == (1,)
    assert Number(0, Kind.UINT16, BIG, 60.0).write(0.0) == (0,)


def test_what_is_too_great_for_a_register_becomes_its_greatest() -> None:
    assert Number(0, Kind.UINT16, BIG).write(1e6) == (0xFFFF,)
    assert Number(0, Kind.INT16, BIG).write(-1e6) == (0x8000,)
