"""What an advertisement says: raw AD structures as BlueZ reads them."""

import struct
import uuid
from dataclasses import dataclass, field
from functools import lru_cache

BASE_UUID = "-0000-1000-8000-00805f9b34fb"

FLAGS = 0x01
UUID16_LISTS, UUID32_LISTS, UUID128_LISTS = (0x02, 0x03), (0x04, 0x05), (0x06, 0x07)
SHORT_NAME, COMPLETE_NAME, TX_POWER = 0x08, 0x09, 0x0A
SERVICE_DATA = {0x16: 2, 0x20: 4, 0x21: 16}
"""Octets of the UUID before the data, by type of AD structure."""
SERVICE_DATA_16 = 0x16
MANUFACTURER = 0xFF


@dataclass(slots=True)
class Said:
    """One advertisement's content; do not change what `said` returned.

    `structures` are (type, payload); `services` maps a whole UUID to service data.
    """

    structures: tuple[tuple[int, bytes], ...]
    flags: bytes = b""
    name: str = ""
    tx_power_dbm: int | None = None
    uuids: list[str] = field(default_factory=list)
    manufacturer: dict[int, bytes] = field(default_factory=dict)
    services: dict[str, bytes] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def said(data: bytes) -> Said:
    """Read AD structures; what is cut short ends the reading, as in BlueZ."""
    found = Said(tuple(_structures(data)))
    for kind, payload in found.structures:
        if kind == FLAGS:
            found.flags = payload
        elif kind in (SHORT_NAME, COMPLETE_NAME):
            found.name = payload.decode("utf-8", "replace")
        elif kind == TX_POWER and payload:
            found.tx_power_dbm = int.from_bytes(payload[:1], "little", signed=True)
        elif kind == MANUFACTURER and len(payload) >= 2:
            found.manufacturer[int.from_bytes(payload[:2], "little")] = payload[2:]
        elif kind in SERVICE_DATA and len(payload) >= SERVICE_DATA[kind]:
            size = SERVICE_DATA[kind]
            found.services[_whole(payload[:size])] = payload[size:]
        else:
            found.uuids += _listed(kind, payload)
    return found


def _structures(data: bytes) -> list[tuple[int, bytes]]:
    found, start = [], 0
    while start < len(data):
        length = data[start]
        end = start + 1 + length
        if length == 0 or end > len(data):
            break
        found.append((data[start + 1], data[start + 2 : end]))
        start = end
    return found


def _listed(kind: int, payload: bytes) -> list[str]:
    for kinds, size in ((UUID16_LISTS, 2), (UUID32_LISTS, 4), (UUID128_LISTS, 16)):
        if kind in kinds:
            whole = len(payload) // size * size
            return [_whole(part) for (part,) in struct.iter_unpack(f"{size}s", payload[:whole])]
    return []


def _whole(octets: bytes) -> str:
    """The whole UUID, in BlueZ's spelling, of 2, 4 or 16 octets in the air's order."""
    if len(octets) == 16:
        return str(uuid.UUID(bytes=octets[::-1]))
    return f"{int.from_bytes(octets, 'little'):08x}{BASE_UUID}"
