"""iBeacon: Apple's 25 bytes of manufacturer data, with nothing behind.

Source: Apple, Proximity Beacon Specification R1, section 4 ("Advertising packet").
"""

import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from gateway.model import Rejected
from gateway.tags.frames.format import NO_VALUES, NOT_OURS, Admits, Format, beginnings, unpack

APPLE = 0x004C

# type, length; proximity UUID; major; minor; power at 1 m
_LAYOUT = struct.Struct(">2s16sHHb")
_TYPE_AND_LENGTH = b"\x02\x15"
_UUID_END = 18

# UUIDs of sensors that only dress as a beacon: Govee thermometers share one identity, and a Tilt
# hydrometer's major and minor are its readings, so each would be a new tag.
_GOVEE = b"INTELLI"
_TILT_FROM_4 = bytes.fromhex("c5b14b44b5121370f02d74de")


@dataclass(frozen=True, slots=True)
class IBeacon:
    """`uuid` is 16 bytes; `tx_power_dbm` is the power received at 1 m."""

    format: ClassVar[str] = "ibeacon"
    tx_power_at_m: ClassVar[int] = 1
    values: ClassVar[Mapping[str, float]] = NO_VALUES

    uuid: bytes
    major: int
    minor: int
    tx_power_dbm: int

    @property
    def identifier(self) -> str:
        """`ibeacon:{uuid}:{major}:{minor}`, the UUID hyphenated and in lower case."""
        digits = self.uuid.hex()
        return (
            f"ibeacon:{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
            f":{self.major}:{self.minor}"
        )


def decode(payload: bytes) -> IBeacon | Rejected:
    """Read the bytes behind Apple's company identifier."""
    if payload[:2] != _TYPE_AND_LENGTH:
        return NOT_OURS
    fields = unpack(_LAYOUT, payload)
    if isinstance(fields, Rejected):
        return fields
    _, uuid, major, minor, tx_power_dbm = fields
    if uuid.startswith(_GOVEE) or uuid[4:] == _TILT_FROM_4:
        return NOT_OURS
    return IBeacon(uuid, major, minor, tx_power_dbm)


def _admits(allow: Collection[str]) -> Admits | None:
    heads = {_TYPE_AND_LENGTH + uuid for uuid in beginnings(allow, "ibeacon", size=16)}
    return (lambda payload, _: payload[:_UUID_END] in heads) if heads else None


FORMAT = Format(carrier=APPLE, admits=_admits, decode=lambda payload, _: decode(payload))
