"""How a firmware puts what it tells into Modbus registers, and takes what it is told. Pure."""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Value = float | int | bool | None
"""What a node tells; None is a quantity that it has and cannot read now ("masked")."""

READ_HOLDING, READ_INPUT, WRITE_ONE, WRITE_SEVERAL = 3, 4, 6, 16
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
MOST_REGISTERS = 125


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
