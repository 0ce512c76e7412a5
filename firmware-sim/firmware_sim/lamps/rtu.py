"""Modbus RTU as the nodes of one line see it: a request's bytes become an answer's. Pure."""

import struct
from collections.abc import Mapping

from firmware_sim.lamps.node import LampNode
from firmware_sim.lamps.registers import (
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    READ_HOLDING,
    READ_INPUT,
    WRITE_ONE,
    WRITE_SEVERAL,
    Refused,
)

BROADCAST = 0
SHORTEST_FRAME = 4


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


_CRC = tuple(_crc_of_byte(value) for value in range(256))


def crc16(frame: bytes) -> bytes:
    """The checksum that ends a frame, low byte first (Modbus over serial line 1.02, 6.2.2)."""
    crc = 0xFFFF
    for byte in frame:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def sealed(body: bytes) -> bytes:
    """A frame: unit, function and data with their checksum."""
    return body + crc16(body)


def unsealed(frame: bytes) -> bytes | None:
    """What a frame says; None where it is no whole frame."""
    if len(frame) < SHORTEST_FRAME or crc16(frame[:-2]) != frame[-2:]:
        return None
    return frame[:-2]


def answer(body: bytes, node: LampNode) -> bytes:
    """What `node` answers to the request `body`, unsealed; its own unit stands first."""
    function = body[1]
    try:
        data = _done(function, body[2:], node)
    except Refused as refused:
        return bytes([node.unit, function | 0x80, refused.code])
    return bytes([node.unit, function]) + data


def tell_all(body: bytes, nodes: Mapping[int, LampNode]) -> None:
    """A broadcast: every node does it, or does not; none answers."""
    for node in nodes.values():
        answer(body, node)


def _done(function: int, data: bytes, node: LampNode) -> bytes:
    try:
        if function in (READ_HOLDING, READ_INPUT):
            address, count = struct.unpack(">HH", data)
            words = node.read(function, address, count)
            return bytes([2 * len(words)]) + struct.pack(f">{len(words)}H", *words)
        if function == WRITE_ONE:
            address, word = struct.unpack(">HH", data)
            node.write(function, address, [word])
            return data
        if function == WRITE_SEVERAL:
            address, count, size = struct.unpack(">HHB", data[:5])
            several = struct.unpack(f">{count}H", data[5:]) if size == 2 * count else ()
            if not several:
                raise Refused(ILLEGAL_VALUE)
            node.write(function, address, several)
            return data[:4]
    except struct.error:
        raise Refused(ILLEGAL_VALUE) from None
    raise Refused(ILLEGAL_FUNCTION)
