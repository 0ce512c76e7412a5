"""BTHome v2, plain and encrypted: sensors and buttons in service data of UUID 0xFCD2.

Source: bthome.io, pages /format and /encryption. A payload is a byte of device information and then
objects, each an id and a value, least significant byte first. Objects have no length, so a reading
ends at the first id that is unknown or value that is cut; what stood before it holds.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from gateway.model import Rejected
from gateway.tags.frames.bthome_objects import (
    BUTTON,
    BUTTON_EVENTS,
    DIMMER,
    DIMMER_DIRECTIONS,
    FLAGS,
    NUMBERS,
    PACKET,
    SIZES,
    WORDS,
)
from gateway.tags.frames.format import (
    BAD_ADDRESS,
    BAD_VERSION,
    NO_VALUES,
    NOT_SEALED,
    TOO_SHORT,
    WRONG_KEY,
    Admits,
    Format,
)

SERVICE = "fcd2"
# What is behind so many is not read, which bounds the work; 31 bytes of advertising hold 13.
MAX_OBJECTS = 16

_ENCRYPTED = 0x01
_ADDRESS_INCLUDED = 0x02  # of drafts; "reserved" now, and then its bytes would read as objects
_ON_TRIGGER = 0x04
_VERSION = 2

_COUNTER_SIZE = _CHECK_SIZE = 4
_SEALED_MIN_SIZE = 1 + 2 + _COUNTER_SIZE + _CHECK_SIZE
_UUID_AS_SENT = b"\xd2\xfc"


@dataclass(frozen=True, slots=True)
class Bthome:
    """What a sensor or button says.

    `values` by name (`temperature_c`, `opening`, …); the second of one name is `temperature_c_2`.
    `buttons` has an event for each button of the sender, "" where that one was left alone;
    `dimmers` the steps of each, to the left below 0. `packet` changes with each new message.
    `words` has `text`, `raw` (hex) and `firmware`. `on_trigger` is a sender without an interval.
    """

    format: ClassVar[str] = "bthome"
    tx_power_at_m: ClassVar[int] = 0
    tx_power_dbm: ClassVar[None] = None

    address: str
    values: Mapping[str, float]
    buttons: tuple[str, ...] = ()
    dimmers: tuple[int, ...] = ()
    packet: int | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    on_trigger: bool = False

    @property
    def identifier(self) -> str:
        """`bthome:{address}`, in lower case with colons."""
        return f"bthome:{self.address.lower()}"

    @property
    def pressed(self) -> bool:
        """Whether it tells of a button."""
        return any(self.buttons)


@dataclass(frozen=True, slots=True)
class SealedBthome:
    """An encrypted frame. `payload` is all of it, as sent; `counter` grows with each new message.

    Who sent it only the holder of the key knows, for addresses are not told from others'.
    """

    format: ClassVar[str] = "bthome_sealed"
    tx_power_at_m: ClassVar[int] = 0
    tx_power_dbm: ClassVar[None] = None
    identifier: ClassVar[str] = ""
    values: ClassVar[Mapping[str, float]] = NO_VALUES

    payload: bytes
    counter: int


def decode(payload: bytes, address: str) -> Bthome | SealedBthome | Rejected:
    """Read the service data behind the UUID, sent from `address` ("A4:C1:38:8D:18:B2")."""
    if not payload:
        return TOO_SHORT
    information = payload[0]
    if information >> 5 != _VERSION or information & _ADDRESS_INCLUDED:
        return BAD_VERSION
    if not information & _ENCRYPTED:
        return _read(payload[1:], address, information)
    if len(payload) < _SEALED_MIN_SIZE:
        return TOO_SHORT
    return SealedBthome(payload, int.from_bytes(payload[-8:-4], "little"))


def open_sealed(payload: bytes, *, key: bytes, address: str) -> Bthome | Rejected:
    """Read an encrypted frame with the sender's 16-byte key.

    Rejected("wrong_key") where another's key, or another's address, made it.
    """
    sealed = _sealed(payload, address)
    if isinstance(sealed, Rejected):
        return sealed
    nonce, ciphertext = sealed
    try:
        objects = AESCCM(key, _CHECK_SIZE).decrypt(nonce, ciphertext, None)
    except InvalidTag:
        return WRONG_KEY
    return _read(objects, address, payload[0])


def trial(payload: bytes, address: str, keys: Sequence[bytes]) -> int | None:
    """Which of `keys` opens an encrypted frame: its index; None where none does."""
    sealed = _sealed(payload, address)
    if isinstance(sealed, Rejected):
        return None
    nonce, ciphertext = sealed
    for index, key in enumerate(keys):
        try:
            AESCCM(key, _CHECK_SIZE).decrypt(nonce, ciphertext, None)
        except InvalidTag:
            continue
        return index
    return None


def _sealed(payload: bytes, address: str) -> tuple[bytes, bytes] | Rejected:
    """Nonce, and ciphertext with its check."""
    frame = decode(payload, address)
    if isinstance(frame, Rejected):
        return frame
    if isinstance(frame, Bthome):
        return NOT_SEALED
    try:
        sender = bytes.fromhex(address.replace(":", ""))
    except ValueError:
        sender = b""
    if len(sender) != 6:
        return BAD_ADDRESS
    nonce = sender + _UUID_AS_SENT + payload[:1] + payload[-8:-4]
    return nonce, payload[1:-8] + payload[-4:]


def _read(objects: bytes, address: str, information: int) -> Bthome:
    values: dict[str, float] = {}
    words: dict[str, str] = {}
    buttons, dimmers = [], []
    packet = None
    times_told: dict[str, int] = {}
    for kind, raw in _split(objects):
        number = NUMBERS.get(kind)
        if number is not None:
            name, _, per, signed, times = number
            value = int.from_bytes(raw, "little", signed=signed) * times / per
            values[_again(name, times_told) if name in values else name] = value
        elif kind in FLAGS:
            name = FLAGS[kind]
            values[_again(name, times_told) if name in values else name] = int(raw[0] != 0)
        elif kind == PACKET:
            packet = raw[0]
        elif kind == BUTTON:
            buttons.append(BUTTON_EVENTS.get(raw[0], f"event_{raw[0]}"))
        elif kind == DIMMER:
            dimmers.append(DIMMER_DIRECTIONS.get(raw[0], 0) * raw[1])
        else:
            name, _, read = WORDS[kind]
            words[_again(name, times_told) if name in words else name] = read(raw)
    return Bthome(
        address=address,
        values=values,
        buttons=tuple(buttons),
        dimmers=tuple(dimmers),
        packet=packet,
        words=words,
        on_trigger=bool(information & _ON_TRIGGER),
    )


def _again(name: str, times_told: dict[str, int]) -> str:
    """The name of the second, third … of `name`."""
    number = times_told[name] = times_told.get(name, 1) + 1
    return f"{name}_{number}"


def _split(objects: bytes) -> Iterator[tuple[int, bytes]]:
    """Each object's id and value, as far as they can be told apart."""
    end = 0
    for _ in range(MAX_OBJECTS):
        if end >= len(objects):
            return
        kind, start = objects[end], end + 1
        if kind not in SIZES:
            return
        size = SIZES[kind]
        if size is None:
            if start == len(objects):
                return
            size, start = objects[start], start + 1
        end = start + size
        if end > len(objects):
            return
        yield kind, objects[start:end]


def _admits(allow: Collection[str]) -> Admits | None:
    """Encrypted frames of all senders under `bthome`; those of a known address in any case."""
    addresses = {
        rest.lower()
        for name, colon, rest in (one.partition(":") for one in allow)
        if name == "bthome" and colon
    }
    encrypted = "bthome" in allow
    if not addresses and not encrypted:
        return None

    def admits(payload: bytes, address: str) -> bool:
        if encrypted and payload and payload[0] & _ENCRYPTED:
            return True
        return address.lower() in addresses

    return admits


FORMAT = Format(carrier=SERVICE, admits=_admits, decode=decode)
