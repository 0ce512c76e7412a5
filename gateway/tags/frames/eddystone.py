"""Eddystone: UID, URL, TLM (plain and encrypted) and EID in service data of UUID 0xFEAA.

Source: the Eddystone Protocol Specification and its pages eddystone-uid, eddystone-url,
tlm-plain, tlm-encrypted and eddystone-eid (github.com/google/eddystone). The first byte is the
frame's type; bytes such as 0x21 or 0x41 (Find Hub) are other people's frames under the same UUID.
"""

import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from gateway.model import Rejected
from gateway.tags.frames import eax
from gateway.tags.frames.format import (
    BAD_LENGTH,
    BAD_URL,
    BAD_VERSION,
    NO_VALUES,
    NOT_OURS,
    TOO_SHORT,
    WRONG_KEY,
    Admits,
    Format,
    beginnings,
    unpack,
)

SERVICE = "feaa"


@dataclass(frozen=True, slots=True)
class Uid:
    """`namespace` is 10 bytes, `instance` 6; `tx_power_dbm` is the power at 0 m."""

    format: ClassVar[str] = "eddystone_uid"
    tx_power_at_m: ClassVar[int] = 0
    values: ClassVar[Mapping[str, float]] = NO_VALUES

    namespace: bytes
    instance: bytes
    tx_power_dbm: int

    @property
    def identifier(self) -> str:
        """`uid:{namespace}:{instance}` in hex."""
        return f"uid:{self.namespace.hex()}:{self.instance.hex()}"


@dataclass(frozen=True, slots=True)
class Url:
    """An address for the public, expanded; it identifies nobody. `tx_power_dbm` is at 0 m."""

    format: ClassVar[str] = "eddystone_url"
    tx_power_at_m: ClassVar[int] = 0
    values: ClassVar[Mapping[str, float]] = NO_VALUES
    identifier: ClassVar[str] = ""

    url: str
    tx_power_dbm: int


@dataclass(frozen=True, slots=True)
class Tlm:
    """A tag's own state. None means that the tag does not know.

    `adverts` counts frames since power-on, `uptime_s` has a resolution of 0.1 s. Which tag it is
    only the Bluetooth address tells.
    """

    format: ClassVar[str] = "eddystone_tlm"
    tx_power_at_m: ClassVar[int] = 0
    identifier: ClassVar[str] = ""
    tx_power_dbm: ClassVar[None] = None

    battery_mv: int | None
    temperature_c: float | None
    adverts: int
    uptime_s: float

    @property
    def values(self) -> Mapping[str, float]:
        """What the tag knows: `battery_v`, `temperature_c`, `adverts`, `uptime_s`."""
        values: dict[str, float] = {"adverts": self.adverts, "uptime_s": self.uptime_s}
        if self.battery_mv is not None:
            values["battery_v"] = self.battery_mv / 1000
        if self.temperature_c is not None:
            values["temperature_c"] = self.temperature_c
        return values


@dataclass(frozen=True, slots=True)
class EncryptedTlm:
    """A `Tlm` that only the holder of the tag's identity key reads: `data` is 12 bytes."""

    format: ClassVar[str] = "eddystone_etlm"
    tx_power_at_m: ClassVar[int] = 0
    identifier: ClassVar[str] = ""
    tx_power_dbm: ClassVar[None] = None
    values: ClassVar[Mapping[str, float]] = NO_VALUES

    data: bytes
    salt: int
    check: int

    @property
    def payload(self) -> bytes:
        """The frame as it was sent: what `decode` takes."""
        return _ETLM.pack(_ETLM_HEAD, self.data, self.salt, self.check)


@dataclass(frozen=True, slots=True)
class Eid:
    """`eid` is 8 bytes that change with time; `tx_power_dbm` is the power at 0 m."""

    format: ClassVar[str] = "eddystone_eid"
    tx_power_at_m: ClassVar[int] = 0
    values: ClassVar[Mapping[str, float]] = NO_VALUES

    eid: bytes
    tx_power_dbm: int

    @property
    def identifier(self) -> str:
        """`eid:{hex}`, 16 digits."""
        return f"eid:{self.eid.hex()}"


EddystoneFrame = Uid | Url | Tlm | EncryptedTlm | Eid

# Each layout begins with the frame's type, and TLM's with the version too.
_UID = struct.Struct(">xb10s6s")
_UID_RESERVED_SIZE = 2  # to be zero; older tags leave these bytes out
_TLM = struct.Struct(">xxHhII")
_ETLM = struct.Struct(">2s12sHH")
_ETLM_HEAD = b"\x20\x01"
_EID = struct.Struct(">xb8s")

_BATTERY_UNKNOWN = 0
_TEMPERATURE_UNKNOWN = -0x8000

_URL_HEADER_SIZE = 3
_URL_ENCODED_MAX = 17
_SCHEMES = ("http://www.", "https://www.", "http://", "https://")
_DOMAINS = (".com", ".org", ".edu", ".net", ".info", ".biz", ".gov")
_EXPANSIONS = (*(f"{domain}/" for domain in _DOMAINS), *_DOMAINS)
_TEXT: Mapping[int, str] = {
    **dict(enumerate(_EXPANSIONS)),
    **{code: chr(code) for code in range(0x21, 0x7F)},
}


def _uid(payload: bytes) -> Uid | Rejected:
    with_reserved = len(payload) == _UID.size + _UID_RESERVED_SIZE
    fields = unpack(_UID, payload[: _UID.size] if with_reserved else payload)
    if isinstance(fields, Rejected):
        return fields
    tx_power_dbm, namespace, instance = fields
    return Uid(namespace, instance, tx_power_dbm)


def _url(payload: bytes) -> Url | Rejected:
    if len(payload) < _URL_HEADER_SIZE:
        return TOO_SHORT
    if len(payload) > _URL_HEADER_SIZE + _URL_ENCODED_MAX:
        return BAD_LENGTH
    _, tx_power_dbm, scheme = struct.unpack_from(">BbB", payload)
    parts = [_TEXT.get(code) for code in payload[_URL_HEADER_SIZE:]]
    if scheme >= len(_SCHEMES) or None in parts:
        return BAD_URL
    return Url(_SCHEMES[scheme] + "".join(part for part in parts if part), tx_power_dbm)


def _plain_tlm(payload: bytes) -> Tlm | Rejected:
    fields = unpack(_TLM, payload)
    if isinstance(fields, Rejected):
        return fields
    battery_mv, temperature, adverts, tenths = fields
    return Tlm(
        battery_mv=None if battery_mv == _BATTERY_UNKNOWN else battery_mv,
        temperature_c=None if temperature == _TEMPERATURE_UNKNOWN else temperature / 256,
        adverts=adverts,
        uptime_s=tenths / 10,
    )


def _encrypted_tlm(payload: bytes) -> EncryptedTlm | Rejected:
    fields = unpack(_ETLM, payload)
    if isinstance(fields, Rejected):
        return fields
    return EncryptedTlm(*fields[1:])


def _tlm(payload: bytes) -> Tlm | EncryptedTlm | Rejected:
    if len(payload) < 2:
        return TOO_SHORT
    read = _TLM_VERSIONS.get(payload[1])
    return BAD_VERSION if read is None else read(payload)


def _eid(payload: bytes) -> Eid | Rejected:
    fields = unpack(_EID, payload)
    if isinstance(fields, Rejected):
        return fields
    tx_power_dbm, eid = fields
    return Eid(eid, tx_power_dbm)


_TLM_VERSIONS: Mapping[int, Callable[[bytes], Tlm | EncryptedTlm | Rejected]] = {
    0x00: _plain_tlm,
    0x01: _encrypted_tlm,
}
_FRAMES: Mapping[int, Callable[[bytes], EddystoneFrame | Rejected]] = {
    0x00: _uid,
    0x10: _url,
    0x20: _tlm,
    0x30: _eid,
}


def decode(payload: bytes) -> EddystoneFrame | Rejected:
    """Read the service data behind the UUID."""
    read = _FRAMES.get(payload[0]) if payload else None
    return NOT_OURS if read is None else read(payload)


def open_etlm(
    frame: EncryptedTlm, *, identity_key: bytes, exponent: int, beacon_time: int
) -> Tlm | Rejected:
    """Read `frame` with the tag's 16-byte identity key.

    `exponent` is that of the tag's rotation, `beacon_time` in seconds any moment of the slot in
    which it was sent. Rejected("wrong_key") where key or slot is another; of 65,536 wrong ones one
    is not found out, for the check has 16 bits.
    """
    slot = (beacon_time >> exponent << exponent) & 0xFFFFFFFF
    plain = eax.opened(
        frame.data,
        frame.check.to_bytes(2, "big"),
        key=identity_key,
        nonce=slot.to_bytes(4, "big") + frame.salt.to_bytes(2, "big"),
    )
    return WRONG_KEY if plain is None else _plain_tlm(b"\x20\x00" + plain)


def _admits(allow: Collection[str]) -> Admits | None:
    """Telemetry names nobody: it is looked at where any tag is that may have sent it."""
    namespaces = beginnings(allow, "uid", size=10)
    eids = "eid" in allow
    if not namespaces and not eids:
        return None

    def admits(payload: bytes, _: str) -> bool:
        frame = payload[:1]
        if frame == b"\x30":
            return eids
        if frame == b"\x00":
            return payload[2:12] in namespaces
        return frame == b"\x20"

    return admits


FORMAT = Format(carrier=SERVICE, admits=_admits, decode=lambda payload, _: decode(payload))
