"""What a frame format is, and what decoding gives: a frame, or one of few countable reasons."""

import struct
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from gateway.model import Advert, Rejected

NOT_OURS = Rejected("not_ours")
TOO_SHORT = Rejected("too_short")
BAD_LENGTH = Rejected("bad_length")
BAD_VERSION = Rejected("bad_version")
BAD_URL = Rejected("bad_url")
BAD_ADDRESS = Rejected("bad_address")
NOT_SEALED = Rejected("not_sealed")
WRONG_KEY = Rejected("wrong_key")

NO_VALUES: Mapping[str, float] = MappingProxyType({})


class Frame(Protocol):
    """What every format's frame tells.

    `identifier` is empty for frames that identify nobody (URL, TLM, everything encrypted).
    `tx_power_dbm` is the power received at `tx_power_at_m` metres, as the sender claims; None where
    the frame has none. `values` is what the sender says of itself and its surroundings, in the unit
    that each name ends with (`temperature_c`); flags are 0 or 1.
    """

    format: ClassVar[str]
    tx_power_at_m: ClassVar[int]

    @property
    def identifier(self) -> str: ...
    @property
    def tx_power_dbm(self) -> int | None: ...
    @property
    def values(self) -> Mapping[str, float]: ...


Admits = Callable[[bytes, str], bool]
Decode = Callable[[bytes, str], Frame | Rejected]


@dataclass(frozen=True, slots=True)
class Format:
    """Where in an advert a format's payloads are, which are looked at, and what reads one.

    `carrier` is the UUID of its service data, or the company of its manufacturer data, or None
    where every company may send it. `admits` makes of an allow-list (`model.EdgeOrders.allow`) what
    tells by a payload's first bytes, or its sender's address, whether anybody follows it; None
    where nothing of this format is followed. `decode` takes the payload and the address, and never
    raises.
    """

    carrier: str | int | None
    admits: Callable[[Collection[str]], Admits | None]
    decode: Decode

    def payloads(self, advert: Advert) -> Iterable[bytes]:
        """Those of `advert`, undecoded."""
        return [
            payload
            for key, payload in (*advert.manufacturer.items(), *advert.services.items())
            if key == self.carrier or (self.carrier is None and isinstance(key, int))
        ]


def beginnings(allow: Collection[str], scheme: str, *, size: int) -> frozenset[bytes]:
    """The `size` bytes that stand in hex, hyphenated or not, behind `{scheme}:` in `allow`."""
    found = set()
    for entry in allow:
        name, _, digits = entry.partition(":")
        if name == scheme:
            try:
                found.add(bytes.fromhex(digits.replace("-", "")))
            except ValueError:
                continue  # a beginning that no frame of this format can have
    return frozenset(one for one in found if len(one) == size)


def unpack(layout: struct.Struct, payload: bytes) -> tuple[Any, ...] | Rejected:
    """The fields of `layout`, which must be all of `payload`."""
    if len(payload) == layout.size:
        return layout.unpack(payload)
    return TOO_SHORT if len(payload) < layout.size else BAD_LENGTH
