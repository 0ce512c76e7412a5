"""What the firmwares of three vendors put into which Modbus register. Pure: numbers to words.

Written from the vendors' side, apart from the gateway's own register maps: a test reads the one
by the other.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Value = float | int | bool | None
"""What a node tells; None is a quantity that it has and cannot read now ("masked")."""

READ_HOLDING, READ_INPUT, WRITE_ONE, WRITE_SEVERAL = 3, 4, 6, 16
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
MOST_REGISTERS = 125


class Firmware(StrEnum):
    """Whose node it is."""

    GENERIC = "generic"
    ARC254 = "arc254"
    MIRI = "miri"


class Refused(Exception):  # noqa: N818 - it is no error of the node's: it is its answer
    """The node answers with a Modbus exception of this code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Number:
    """A value in one or two registers: raw = value × `per_unit`, `mask` where it has none."""

    address: int
    kind: Literal["H", "h", "I", "i", "f"]  # as struct calls them
    quantity: str
    per_unit: float = 1.0
    mask: int = 0

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return struct.calcsize(f">{self.kind}") // 2


@dataclass(frozen=True, slots=True)
class Bit:
    """One bit of a register; `inverted` where 0 says yes."""

    address: int
    bit: int
    quantity: str
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Registers that one request may read together."""

    function: int
    start: int
    count: int
    numbers: tuple[Number, ...] = ()
    bits: tuple[Bit, ...] = ()
    constants: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """All of one firmware. `settings` are what a master may write, and read back."""

    low_word_first: bool
    write_functions: tuple[int, ...]
    blocks: tuple[Block, ...]
    settings: tuple[Block, ...]

    @property
    def quantities(self) -> frozenset[str]:
        """What the firmware tells at all."""
        numbers = {number.quantity for block in self.blocks for number in block.numbers}
        return frozenset(numbers | {bit.quantity for block in self.blocks for bit in block.bits})

    def read(
        self, function: int, address: int, count: int, *, told: Mapping[str, Value], serial: int
    ) -> list[int]:
        """The words of `count` registers from `address` on. Raises Refused."""
        if function not in (READ_HOLDING, READ_INPUT):
            raise Refused(ILLEGAL_FUNCTION)
        if not 1 <= count <= MOST_REGISTERS:
            raise Refused(ILLEGAL_VALUE)
        for block in (*self.blocks, *self.settings):
            offset = address - block.start
            if block.function == function and 0 <= offset <= block.count - count:
                return self._words(block, told, serial)[offset : offset + count]
        raise Refused(ILLEGAL_ADDRESS)

    def written(self, function: int, address: int, words: Sequence[int]) -> dict[str, float]:
        """What a write sets, by the names of the settings. Raises Refused."""
        if function not in self.write_functions:
            raise Refused(ILLEGAL_FUNCTION)
        known = {number.address: number for block in self.settings for number in block.numbers}
        found: dict[str, float] = {}
        left = list(words)
        while left:
            number = known.get(address)
            if number is None or number.words > len(left):
                raise Refused(ILLEGAL_ADDRESS)
            raw, left = left[: number.words], left[number.words :]
            found[number.quantity] = self._decode(number, raw) / number.per_unit
            address += number.words
        return found

    def _words(self, block: Block, told: Mapping[str, Value], serial: int) -> list[int]:
        words = [0] * block.count
        if block.constants:
            words[: len(block.constants)] = block.constants
            words[len(block.constants) :] = self._ordered(serial >> 16, serial & 0xFFFF)
        for number in block.numbers:
            at = number.address - block.start
            words[at : at + number.words] = self._encode(number, told[number.quantity])
        for bit in block.bits:
            words[bit.address - block.start] |= (
                bool(told[bit.quantity]) is not bit.inverted
            ) << bit.bit
        return words

    def _ordered(self, high: int, low: int) -> list[int]:
        return [low, high] if self.low_word_first else [high, low]

    def _encode(self, number: Number, value: Value) -> list[int]:
        if number.kind == "f":
            bits = struct.pack(">f", math.nan if value is None else value * number.per_unit)
            return self._ordered(*struct.unpack(">HH", bits))
        raw = number.mask if value is None else _whole(number, value * number.per_unit)
        if number.words == 1:
            return [raw & 0xFFFF]
        return self._ordered(raw >> 16 & 0xFFFF, raw & 0xFFFF)

    def _decode(self, number: Number, words: Sequence[int]) -> float:
        ordered = words if not self.low_word_first else words[::-1]
        raw = b"".join(word.to_bytes(2, "big") for word in ordered)
        return float(struct.unpack(f">{number.kind}", raw)[0])


def _whole(number: Number, raw: float) -> int:
    """Rounded; a counter of 32 bits begins anew where it is full, a reading stops at its end."""
    if number.kind == "I":
        return round(raw) % number.mask  # the mask itself is no count
    low, high = {"H": (0, 0xFFFE), "h": (-0x7FFF, 0x7FFF), "i": (-0x7FFFFFFF, 0x7FFFFFFF)}[
        number.kind
    ]
    return max(low, min(high, round(raw)))


def _generic() -> RegisterMap:
    none, long_none = 0xFFFF, 0xFFFFFFFF
    state = Block(
        READ_HOLDING,
        0,
        10,
        numbers=(
            Number(1, "H", "feedback_level", 10, none),
            Number(2, "H", "actual_level", 10, none),
            Number(3, "H", "active_power_w", 10, none),
            Number(4, "H", "supply_voltage_v", 10, none),
            Number(5, "H", "lamp_current_a", 1000, none),
            Number(6, "H", "power_factor", 1000, none),
            Number(7, "h", "temperature_c", 10, 0x8000),
            Number(8, "H", "illuminance_lx", 1, none),
            Number(9, "H", "tilt_deg", 10, none),
        ),
        bits=(
            Bit(0, 1, "door_open"),
            Bit(0, 2, "breaker_tripped"),
            Bit(0, 3, "leakage"),
            Bit(0, 4, "motion"),
            Bit(0, 6, "autonomous"),
        ),
    )
    meters = Block(
        READ_HOLDING,
        16,
        10,
        numbers=(
            Number(16, "I", "active_energy_kwh", 1000, long_none),
            Number(18, "I", "operating_hours_h", 10, long_none),
            Number(20, "I", "switch_on_counter", 1, long_none),
            Number(22, "H", "supply_loss_count", 1, none),
            Number(23, "H", "frequency_hz", 100, none),
            Number(24, "H", "apparent_power_va", 10, none),
            Number(25, "H", "lamp_voltage_v", 10, none),
        ),
    )
    commands = Block(
        READ_HOLDING,
        100,
        2,
        numbers=(Number(100, "H", "level", 10), Number(101, "H", "ramp_s", 10)),
    )
    settings = Block(
        READ_HOLDING,
        110,
        2,
        numbers=(Number(110, "H", "fallback_level", 10), Number(111, "H", "watchdog_s", 1)),
    )
    who = Block(READ_HOLDING, 64, 4, constants=(0x4D4D, 0x0001))
    return RegisterMap(
        False, (WRITE_ONE, WRITE_SEVERAL), (state, meters, who), (commands, settings)
    )


def _arc254() -> RegisterMap:
    state = Block(
        READ_INPUT,
        1000,
        16,
        numbers=(
            Number(1000, "f", "supply_voltage_v"),
            Number(1002, "f", "lamp_current_a"),
            Number(1004, "f", "active_power_w"),
            Number(1006, "f", "power_factor"),
            Number(1008, "f", "temperature_c"),
            Number(1010, "f", "illuminance_lx"),
            Number(1012, "H", "feedback_level", 2.54, 255),
            Number(1013, "H", "actual_level", 2.54, 255),
        ),
        bits=(
            Bit(1014, 0, "motion"),
            Bit(1014, 8, "door_open"),
            Bit(1014, 12, "autonomous"),
        ),
    )
    meters = Block(
        READ_INPUT,
        1100,
        8,
        numbers=(
            Number(1100, "f", "active_energy_kwh"),
            Number(1102, "f", "operating_hours_h"),
            Number(1104, "I", "switch_on_counter", 1, 0xFFFFFFFF),
            Number(1106, "H", "supply_loss_count", 1, 0xFFFF),
        ),
    )
    commands = Block(READ_HOLDING, 2000, 1, numbers=(Number(2000, "H", "level", 2.54),))
    settings = Block(
        READ_HOLDING,
        2010,
        2,
        numbers=(
            Number(2010, "H", "fallback_level", 2.54),
            Number(2011, "H", "watchdog_s", 1 / 60),
        ),
    )
    who = Block(READ_INPUT, 1900, 4, constants=(0x4147, 0x00FE))
    return RegisterMap(True, (WRITE_ONE,), (state, meters, who), (commands, settings))


def _miri() -> RegisterMap:
    def thousandths(address: int, quantity: str) -> Number:
        return Number(address, "i", quantity, 1000, 0x80000000)

    state = Block(
        READ_HOLDING,
        0x200,
        20,
        numbers=(
            thousandths(0x200, "feedback_level"),
            thousandths(0x202, "actual_level"),
            thousandths(0x204, "active_power_w"),
            thousandths(0x206, "apparent_power_va"),
            thousandths(0x208, "supply_voltage_v"),
            thousandths(0x20A, "lamp_current_a"),
            thousandths(0x20C, "power_factor"),
            thousandths(0x20E, "temperature_c"),
            thousandths(0x210, "tilt_deg"),
        ),
        bits=(
            Bit(0x212, 0, "door_open", inverted=True),
            Bit(0x212, 1, "breaker_tripped", inverted=True),
            Bit(0x212, 2, "motion"),
            Bit(0x213, 15, "autonomous"),
        ),
    )
    meters = Block(
        READ_HOLDING,
        0x240,
        8,
        numbers=(
            Number(0x240, "I", "active_energy_kwh", 1000, 0xFFFFFFFF),
            Number(0x242, "I", "operating_hours_h", 60, 0xFFFFFFFF),
            Number(0x244, "I", "switch_on_counter", 1, 0xFFFFFFFF),
            thousandths(0x246, "frequency_hz"),
        ),
    )
    commands = Block(
        READ_HOLDING,
        0x300,
        4,
        numbers=(thousandths(0x300, "level"), thousandths(0x302, "ramp_s")),
    )
    settings = Block(
        READ_HOLDING,
        0x310,
        4,
        numbers=(thousandths(0x310, "fallback_level"), thousandths(0x312, "watchdog_s")),
    )
    who = Block(READ_HOLDING, 0x3F0, 4, constants=(0x4D52, 0x0003))
    return RegisterMap(True, (WRITE_SEVERAL,), (state, meters, who), (commands, settings))


REGISTER_MAPS: Mapping[Firmware, RegisterMap] = {
    Firmware.GENERIC: _generic(),
    Firmware.ARC254: _arc254(),
    Firmware.MIRI: _miri(),
}
