"""What tags put on the air, byte for byte."""

import struct
from dataclasses import dataclass
from typing import NamedTuple

SITE_UUID = "7b1f2c58-94e3-4d0a-9c6e-3a2d51f08e47"
NAMESPACE = "6d616368696d6f726900"
POWER_AT_1M_DBM, POWER_AT_0M_DBM = -59, -18
BEACON_MAJOR = 7
EDDYSTONE, BTHOME = "feaa", "fcd2"

_FLAGS, _UUIDS, _SERVICE_DATA, _MANUFACTURER_DATA = 0x01, 0x03, 0x16, 0xFF
_DISCOVERABLE_LE_ONLY = b"\x06"
_POWER_AT_0M = POWER_AT_0M_DBM.to_bytes(1, "big", signed=True)


@dataclass(frozen=True, slots=True)
class Frame:
    """One kind of frame of a tag: the identifier that it carries, or "", and its bytes.

    `manufacturer` starts with the company identifier; `service` is the data of `uuid`. One of both
    is empty.
    """

    identifier: str
    manufacturer: bytes
    service: bytes
    uuid: str = EDDYSTONE

    def advertising_data(self) -> bytes:
        """The whole payload of the advert, at most 31 bytes: flags, UUIDs, data."""
        flags = _structure(_FLAGS, _DISCOVERABLE_LE_ONLY)
        if self.manufacturer:
            return flags + _structure(_MANUFACTURER_DATA, self.manufacturer)
        uuid = bytes.fromhex(self.uuid)[::-1]
        return flags + _structure(_UUIDS, uuid) + _structure(_SERVICE_DATA, uuid + self.service)


class Packet(NamedTuple):
    """An advert: from which address (six bytes, colons), and the frame in it."""

    address: str
    frame: Frame


def ibeacon(minor: int) -> Frame:
    """A frame of the site's iBeacons."""
    body = bytes.fromhex(SITE_UUID.replace("-", "")) + struct.pack(">HH", BEACON_MAJOR, minor)
    data = b"\x4c\x00\x02\x15" + body + POWER_AT_1M_DBM.to_bytes(1, "big", signed=True)
    return Frame(f"ibeacon:{SITE_UUID}:{BEACON_MAJOR}:{minor}", data, b"")


def uid(instance: int) -> Frame:
    """A frame of the site's Eddystone-UIDs."""
    inner = instance.to_bytes(6, "big")
    data = b"\x00" + _POWER_AT_0M + bytes.fromhex(NAMESPACE) + inner + b"\x00\x00"
    return Frame(f"uid:{NAMESPACE}:{inner.hex()}", b"", data)


def eid(identifier: bytes) -> Frame:
    """The Eddystone-EID frame with those eight bytes."""
    return Frame(f"eid:{identifier.hex()}", b"", b"\x30" + _POWER_AT_0M + identifier)


def telemetry(*, battery_v: float, temperature_c: float, adverts: int, uptime_s: float) -> bytes:
    """The twelve bytes behind the version of a plain Eddystone-TLM frame."""
    return struct.pack(
        ">HhII",
        round(battery_v * 1000.0),
        round(temperature_c * 256.0),
        adverts & 0xFFFF_FFFF,
        int(uptime_s * 10.0) & 0xFFFF_FFFF,
    )


def encrypted_telemetry(sealed: bytes, *, salt: bytes) -> Frame:
    """The Eddystone-eTLM frame of twelve encrypted bytes and their tag of two."""
    return Frame("", b"", b"\x20\x01" + sealed[:-2] + salt + sealed[-2:])


def bthome(service: bytes) -> Frame:
    """A BTHome frame; an encrypted one names nobody."""
    return Frame("", b"", service, BTHOME)


def _structure(kind: int, data: bytes) -> bytes:
    return bytes([1 + len(data), kind]) + data
