"""AltBeacon: 24 bytes behind any company's identifier.

Source: AltBeacon Protocol Specification v1.0, "AltBeacon Protocol Fields".
"""

import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from gateway.model import Rejected
from gateway.tags.frames.format import NO_VALUES, NOT_OURS, Admits, Format, beginnings, unpack

# beacon code; beacon id; reference RSSI at 1 m; for the manufacturer's use
_LAYOUT = struct.Struct(">2s20sbB")
_BEACON_CODE = b"\xbe\xac"
_ORGANISATION_END = 18  # the first 16 bytes of the beacon id say whose it is


@dataclass(frozen=True, slots=True)
class AltBeacon:
    """`beacon_id` is 20 bytes; `tx_power_dbm` is the power received at 1 m."""

    format: ClassVar[str] = "altbeacon"
    tx_power_at_m: ClassVar[int] = 1
    values: ClassVar[Mapping[str, float]] = NO_VALUES

    beacon_id: bytes
    tx_power_dbm: int
    reserved: int

    @property
    def identifier(self) -> str:
        """`alt:{hex}`, 40 digits."""
        return f"alt:{self.beacon_id.hex()}"


def decode(payload: bytes) -> AltBeacon | Rejected:
    """Read the bytes behind the company identifier."""
    if payload[:2] != _BEACON_CODE:
        return NOT_OURS
    fields = unpack(_LAYOUT, payload)
    if isinstance(fields, Rejected):
        return fields
    _, beacon_id, tx_power_dbm, reserved = fields
    return AltBeacon(beacon_id, tx_power_dbm, reserved)


def _admits(allow: Collection[str]) -> Admits | None:
    heads = {_BEACON_CODE + one for one in beginnings(allow, "alt", size=16)}
    return (lambda payload, _: payload[:_ORGANISATION_END] in heads) if heads else None


FORMAT = Format(carrier=None, admits=_admits, decode=lambda payload, _: decode(payload))
