"""Modbus registers become numbers and bits, and numbers become registers; tables, no cases.

A register is 16 bits, the high byte first on the wire (Modbus Application Protocol V1.1b3, 4.2);
how two of them make one number of 32 bits is each vendor's own: `little` is the low word first.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MASKED = "masked"
NOT_A_NUMBER = "not_a_number"


class Kind(StrEnum):
    """How the bits of a number are meant."""

    UINT16 = "uint16"
    INT16 = "int16"
    UINT32 = "uint32"
    INT32 = "int32"
    FLOAT32 = "float32"


_WORDS = {Kind.UINT16: 1, Kind.INT16: 1, Kind.UINT32: 2, Kind.INT32: 2, Kind.FLOAT32: 2}
_LEAST = {Kind.UINT16: 0, Kind.INT16: -(2**15), Kind.UINT32: 0, Kind.INT32: -(2**31)}
_MOST = {
    Kind.UINT16: 2**16 - 1,
    Kind.INT16: 2**15 - 1,
    Kind.UINT32: 2**32 - 1,
    Kind.INT32: 2**31 - 1,
}
_FLOAT = struct.Struct(">f")


class WordOrder(StrEnum):
    """Which of two registers is the high word: the first (`big`) or the second (`little`)."""

    BIG = "big"
    LITTLE = "little"


@dataclass(frozen=True, slots=True)
class Number:
    """A number at `address`: raw × `scale`; raw `mask` means that it cannot be read now.

    Without a scale an integer stays one (counters).
    """

    address: int
    kind: Kind
    order: WordOrder
    scale: float | None = None
    mask: int | None = None

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return _WORDS[self.kind]

    def read(self, registers: Sequence[int], at: int) -> tuple[float | None, str]:
        """The number whose first register is `registers[at]`, or None and why."""
        raw = registers[at]
        if self.words == 2:
            other = registers[at + 1]
            raw = raw << 16 | other if self.order is WordOrder.BIG else other << 16 | raw
        if raw == self.mask:
            return None, MASKED
        if self.kind is Kind.FLOAT32:
            (real,) = _FLOAT.unpack(raw.to_bytes(4, "big"))
            if not math.isfinite(real):
                return None, NOT_A_NUMBER
            return self._scaled(real), ""
        if _LEAST[self.kind] < 0 and raw > _MOST[self.kind]:
            raw -= 1 << 16 * self.words
        return (raw if self.scale is None else self._scaled(raw)), ""

    def _scaled(self, raw: float) -> float:
        return round(raw * (1.0 if self.scale is None else self.scale), 6)

    def write(self, value: float) -> tuple[int, ...]:
        """The registers that say `value`, as near as they can.

        A value above zero never becomes zero: the least light is not darkness, and a short
        watchdog is not "none". One that is too great for the register becomes its greatest.
        """
        raw = value / (1.0 if self.scale is None else self.scale)
        if self.kind is Kind.FLOAT32:
            bits = int.from_bytes(_FLOAT.pack(raw), "big")
        else:
            whole = round(raw)
            if whole == 0 and raw > 0:
                whole = 1
            whole = min(max(whole, _LEAST[self.kind]), _MOST[self.kind])
            bits = whole & (1 << 16 * self.words) - 1
        if self.words == 1:
            return (bits,)
        high, low = bits >> 16, bits & 0xFFFF
        return (high, low) if self.order is WordOrder.BIG else (low, high)


@dataclass(frozen=True, slots=True)
class Bit:
    """One bit of the register at `address`; `inverted` where 0 says yes."""

    address: int
    bit: int
    inverted: bool = False

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return 1

    def read(self, registers: Sequence[int], at: int) -> tuple[bool, str]:
        """The bit of `registers[at]`."""
        return bool(registers[at] >> self.bit & 1) != self.inverted, ""
