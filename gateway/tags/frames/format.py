"""What a frame format is, and what decoding gives: a frame, or one of few countable reasons."""

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from gateway.model import Advert, Rejected

NOT_OURS = Rejected("not_ours")
TOO_SHORT = Rejected("too_short")
BAD_LENGTH = Rejected("bad_length")
BAD_VERSION = Rejected("bad_version")
BAD_URL = Rejected("bad_url")


class Frame(Protocol):
    """What every format's frame tells.

    `identifier` is empty for frames that identify nobody (URL, TLM). `tx_power_dbm` is the power
    received at `tx_power_at_m` metres, as the sender claims; None where the frame has none.
    """

    format: ClassVar[str]
    tx_power_at_m: ClassVar[int]

    @property
    def identifier(self) -> str: ...
    @property
    def tx_power_dbm(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Decoded:
    """An advert that one of the formats read; `frame` is that format's own dataclass.

    `tx_power_dbm` holds for `tx_power_at_m` metres: 1 for iBeacon and AltBeacon, 0 for Eddystone.
    """

    format: str
    identifier: str
    tx_power_dbm: int | None
    tx_power_at_m: int
    frame: Frame


@dataclass(frozen=True, slots=True)
class Format:
    """Where in an advert a format's payloads are, and what reads one; `decode` never raises."""

    payloads: Callable[[Advert], Iterable[bytes]]
    decode: Callable[[bytes], Frame | Rejected]


def unpack(layout: struct.Struct, payload: bytes) -> tuple[Any, ...] | Rejected:
    """The fields of `layout`, which must be all of `payload`."""
    if len(payload) < layout.size:
        return TOO_SHORT
    if len(payload) > layout.size:
        return BAD_LENGTH
    return layout.unpack(payload)
