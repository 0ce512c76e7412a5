"""MQTT packets out of a stream of bytes, and what a bad broker would do with PUBLISH packets.

Sans I/O: bytes in, packets out. A packet's first byte is its type and flags; then its length, seven
bits a byte, lowest first (MQTT 3.1.1, section 2.2).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

PUBLISH, PUBACK = 3, 4
AT_LEAST_ONCE = 1
_DUP = 0x08
_MORE = 0x80
_LONGEST_LENGTH = 4  # bytes


class NotMqttError(ValueError):
    """The bytes are no MQTT packets."""


@dataclass(slots=True)
class Splitter:
    """Cuts one direction of a connection into packets; keeps the beginning of the last one."""

    _rest: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[bytes]:
        """The packets that are whole now. Raises NotMqttError."""
        self._rest += data
        packets = []
        while (size := _size_of_first(self._rest)) and size <= len(self._rest):
            packets.append(bytes(self._rest[:size]))
            del self._rest[:size]
        return packets


def _size_of_first(data: bytes | bytearray) -> int:
    """Of the first packet, its header included; 0 where too little of it is there to tell."""
    length = 0
    for place in range(_LONGEST_LENGTH):
        if len(data) < place + 2:
            return 0
        digit = data[place + 1]
        length |= (digit & ~_MORE) << (7 * place)
        if not digit & _MORE:
            return place + 2 + length
    raise NotMqttError("a packet's length has more than four bytes")


def kind_of(packet: bytes) -> int:
    """What it is, as MQTT numbers them."""
    return packet[0] >> 4


def is_kept_publish(packet: bytes) -> bool:
    """Whether it is a PUBLISH that may come twice: of QoS 1 or 2."""
    return kind_of(packet) == PUBLISH and (packet[0] >> 1) & 3 >= AT_LEAST_ONCE


def topic_of(packet: bytes) -> str:
    """Of a PUBLISH."""
    begin = next(place for place, digit in enumerate(packet[1:], 2) if not digit & _MORE)
    length = int.from_bytes(packet[begin : begin + 2])
    return packet[begin + 2 : begin + 2 + length].decode()


def as_duplicate(packet: bytes) -> bytes:
    """The PUBLISH as a sender marks it that sends it again."""
    return bytes((packet[0] | _DUP, *packet[1:]))


@dataclass(slots=True)
class Wishes:
    """What is still to be done to PUBLISH packets of QoS 1 in one direction.

    `repeat`: so many are delivered again, each behind the next `behind` others. `swap`: so many are
    exchanged with the PUBLISH after them. `repeated` and `swapped` count what was done.
    """

    repeat: int = 0
    behind: int = 0
    swap: int = 0
    repeated: int = 0
    swapped: int = 0


@dataclass(slots=True)
class Tampering:
    """One direction of one connection, under the `wishes` for that direction."""

    wishes: Wishes
    _copies: list[tuple[int, bytes]] = field(default_factory=list)
    _held: bytes | None = None

    @property
    def is_holding(self) -> bool:
        """Whether a packet waits to be exchanged with the next one."""
        return self._held is not None

    def through(self, packet: bytes) -> Iterator[bytes]:
        """What goes on in the place of `packet`, in order."""
        if not is_kept_publish(packet):
            yield packet
            return
        for passed in self._exchanged(packet):
            yield passed
            yield from self._again(passed)

    def let_go(self) -> bytes:
        """The packet that waits; empty where none does. Call it when no next one comes."""
        packet, self._held = self._held, None
        return packet or b""

    def _exchanged(self, packet: bytes) -> tuple[bytes, ...]:
        if self._held is not None:
            before, self._held = self._held, None
            self.wishes.swapped += 1
            return packet, before
        if self.wishes.swap:
            self.wishes.swap -= 1
            self._held = packet
            return ()
        return (packet,)

    def _again(self, packet: bytes) -> list[bytes]:
        copies = [(wait - 1, copy) for wait, copy in self._copies]
        if self.wishes.repeat:
            self.wishes.repeat -= 1
            copies.append((self.wishes.behind, as_duplicate(packet)))
        self._copies = [(wait, copy) for wait, copy in copies if wait > 0]
        due = [copy for wait, copy in copies if wait <= 0]
        self.wishes.repeated += len(due)
        return due
