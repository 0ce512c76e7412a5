"""iBeacon: Apple's 25 bytes of manufacturer data, with nothing behind.

Source: Apple, Proximity Beacon Specification R1, section 4 ("Advertising packet").
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from gateway.model import Advert, Rejected
from gateway.tags.frames.format import NOT_OURS, Format, unpack

APPLE = 0x004C

# type, length; proximity UUID; major; minor; power at 1 m
_LAYOUT = struct.Struct(">2s16sHHb")
_TYPE_AND_LENGTH = b"\x02\x15"

# UUIDs (offset, bytes) of sensors that only dress as a beacon: Govee thermometers share one
# identity, and a Tilt hydrometer's major and minor are its readings, so each would be a new tag.
_NOBODYS_UUID = (
    (0, b"INTELLI"),
    (4, bytes.fromhex("c5b14b44b5121370f02d74de")),
)


@dataclass(frozen=True, slots=True)
class IBeacon:
    """`tx_power_dbm` is the power received at 1 m."""

    format: ClassVar[str] = "ibeacon"
    tx_power_at_m: ClassVar[int] = 1

    uuid: UUID
    major: int
    minor: int
    tx_power_dbm: int

    @property
    def identifier(self) -> str:
        """`ibeacon:{uuid}:{major}:{minor}`, the UUID hyphenated and in lower case."""
        return f"ibeacon:{self.uuid}:{self.major}:{self.minor}"


def decode(payload: bytes) -> IBeacon | Rejected:
    """Read the bytes behind Apple's company identifier."""
    if payload[:2] != _TYPE_AND_LENGTH:
        return NOT_OURS
    fields = unpack(_LAYOUT, payload)
    if isinstance(fields, Rejected):
        return fields
    _, uuid, major, minor, tx_power_dbm = fields
    if any(uuid.startswith(mark, at) for at, mark in _NOBODYS_UUID):
        return NOT_OURS
    return IBeacon(UUID(bytes=uuid), major, minor, tx_power_dbm)


def _payloads(advert: Advert) -> Iterable[bytes]:
    payload = advert.manufacturer.get(APPLE)
    return () if payload is None else (payload,)


FORMAT = Format(payloads=_payloads, decode=decode)
