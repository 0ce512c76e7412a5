"""AltBeacon: 24 bytes behind any company's identifier.

Source: AltBeacon Protocol Specification v1.0, "AltBeacon Protocol Fields".
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from gateway.model import Advert, Rejected
from gateway.tags.frames.format import NOT_OURS, Format, unpack

# beacon code; beacon id; reference RSSI at 1 m; for the manufacturer's use
_LAYOUT = struct.Struct(">2s20sbB")
_BEACON_CODE = b"\xbe\xac"


@dataclass(frozen=True, slots=True)
class AltBeacon:
    """`beacon_id` is 20 bytes; `tx_power_dbm` is the power received at 1 m."""

    format: ClassVar[str] = "altbeacon"
    tx_power_at_m: ClassVar[int] = 1

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


def _payloads(advert: Advert) -> Iterable[bytes]:
    return advert.manufacturer.values()


FORMAT = Format(payloads=_payloads, decode=decode)
