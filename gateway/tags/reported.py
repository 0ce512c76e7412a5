"""What a remote receiver may report, and what the formats of their messages have in common.

A receiver that decoded for us has its fields put back into a frame, which is then read as if it
came from the air, so that a tag has one identifier whoever hears it. The power is not passed on.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from gateway.model import Advert, Rejected

RSSI_MIN_DBM = -127
RSSI_MAX_DBM = 20


@dataclass(frozen=True, slots=True)
class Heard:
    """A device that a receiver heard: what came from the air, as far as it is passed on.

    `values` are those that the receiver read itself, by the names of `model.TagState`.
    """

    advert: Advert
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Alive:
    """A message that shows that a receiver works, and names no device.

    `is_state` where it comes from time to time, whatever is heard. `number` is what the receiver
    counts of adverts, or of scans that found anybody: while it rises, it hears. `unfit` says what
    in its settings keeps tags from being heard, and what to do; None where nothing is said of them.
    """

    receiver: str
    is_state: bool = False
    number: int | None = None
    unfit: str | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """A receiver's last will: it is not connected any more."""

    receiver: str


Report = Heard | Alive | Gone | Rejected
Air = tuple[Mapping[int, bytes], Mapping[str, bytes]]
"""Manufacturer and service data, as an advert has them."""

NOTHING: Air = ({}, {})
NONE = msgspec.Raw(b"")
"""A field that was not there."""
_APPLE = 0x004C
_ALTBEACON = 0xBEAC  # the only company whose AltBeacons ESPresense names

_VALUES_WITHIN: Mapping[str, tuple[float, float]] = {
    "battery_percent": (0, 100),
    "battery_v": (0.1, 60),
    "temperature_c": (-100, 200),
    "humidity_percent": (0, 100),
}
_NUMBER_DECODER = msgspec.json.Decoder(float)

Fields = TypeVar("Fields")


def decode(decoder: msgspec.json.Decoder[Fields], payload: bytes) -> Fields | Rejected:
    """A message's JSON. Reasons: bad_shape, not_json."""
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError:
        return Rejected("bad_shape")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Rejected("not_json")


def last_will(receiver: str, payload: bytes, at: float) -> Report:
    """`online` or `offline`, in any case. Reason: bad_status."""
    match payload.lower():
        case b"offline":
            return Gone(receiver)
        case b"online":
            return Alive(receiver)
    return Rejected("bad_status")


def whole_dbm(rssi: float | None) -> int | Rejected:
    """0 and 127 are what radios say when they do not know. Reasons: no_rssi, bad_rssi."""
    if rssi is None:
        return Rejected("no_rssi")
    whole = round(rssi)
    if whole == 0 or not RSSI_MIN_DBM <= whole <= RSSI_MAX_DBM:
        return Rejected("bad_rssi")
    return whole


def address_of(text: str) -> str:
    """In the spelling of `Advert`; empty where it is none."""
    if len(text) == 17:
        return text.upper()
    if len(text) == 12:
        upper = text.upper()
        return ":".join(upper[at : at + 2] for at in range(0, 12, 2))
    return ""


def values_of(times: float = 1.0, **told: msgspec.Raw) -> dict[str, float]:
    """Those that are numbers, `times` as told, and can be true: what is wrong costs only itself."""
    values = {}
    for name, raw in told.items():
        if raw:
            try:
                value = _NUMBER_DECODER.decode(raw) * times
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # "unavailable", null or the like
            low, high = _VALUES_WITHIN[name]
            if low <= value <= high:
                values[name] = value
    return values


def ibeacon_of(uuid: str, major: int | str, minor: int | str) -> Air | Rejected:
    """Reason: bad_identifier."""
    beacon_id = _beacon_id(uuid, major, minor)
    if beacon_id is None:
        return Rejected("bad_identifier")
    return {_APPLE: b"\x02\x15" + beacon_id + b"\0"}, {}


def altbeacon_of(uuid: str, major: str, minor: str) -> Air | Rejected:
    """Reason: bad_identifier."""
    beacon_id = _beacon_id(uuid, major, minor)
    if beacon_id is None:
        return Rejected("bad_identifier")
    return {_ALTBEACON: b"\xbe\xac" + beacon_id + b"\0\0"}, {}


def uid_of(namespace: str, instance: str) -> Air:
    """Of 20 and 12 digits."""
    return {}, {"feaa": b"\0\0" + bytes.fromhex(namespace + instance)}


def _beacon_id(uuid: str, major: int | str, minor: int | str) -> bytes | None:
    """The 20 bytes of both iBeacon and AltBeacon; None where the fields do not fill them."""
    try:
        beacon_id = bytes.fromhex(uuid.replace("-", ""))
        beacon_id += struct.pack(">HH", int(major), int(minor))
    except (ValueError, struct.error):
        return None
    return beacon_id if len(beacon_id) == 20 else None
