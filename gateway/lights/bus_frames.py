"""Modbus RTU frames as bytes: which of them answer a request, and what is wrong with the others.

Frames as in Modbus over Serial Line V1.02, 2.5.1, and Modbus Application Protocol V1.1b3, 6. Only
what is asked by machimori is known: functions 3, 4, 6 and 16. Pure; the check sum is pymodbus's.
"""

from dataclasses import dataclass

from pymodbus.framer.rtu import FramerRTU

from gateway.lights.bus_words import Failure
from gateway.lights.profiles import Block, Write

READS = (3, 4)
WRITES = (6, 16)
REFUSED = 0x80
SHORTEST = 5  # unit, function, exception code, check sum


@dataclass(frozen=True, slots=True)
class Expected:
    """The answer to one request: how it begins, its bytes in all, and those of the request.

    A node's refusal begins with `refusal`, and is `SHORTEST` long.
    """

    head: bytes
    size: int
    request_size: int

    @property
    def refusal(self) -> bytes:
        """How the exception answer to the request begins."""
        return bytes((self.head[0], self.head[1] | REFUSED))


def answer_to_read(unit: int, block: Block) -> Expected:
    """What answers a read of `block`."""
    head = bytes((unit, block.function, 2 * block.count))
    return Expected(head, 5 + 2 * block.count, 8)


def answer_to_write(unit: int, write: Write) -> Expected:
    """What answers `write`: function 6 repeats the request, 16 says how many it took."""
    told = write.registers[0] if write.function == 6 else len(write.registers)
    head = bytes((unit, write.function)) + write.address.to_bytes(2) + told.to_bytes(2)
    return Expected(head, 8, 8 if write.function == 6 else 9 + 2 * len(write.registers))


def answer_in(received: bytes, expected: Expected) -> bytes | None:
    """The whole frame that answers the request, or refuses it, wherever it begins; None as yet.

    A line without bias resistors puts a false byte before a frame: that is no reason to lose it.
    """
    if len(received) < SHORTEST:
        return None
    return _frame(received, expected.head, expected.size) or _frame(
        received, expected.refusal, SHORTEST
    )


def _frame(received: bytes, head: bytes, size: int) -> bytes | None:
    at = received.find(head)
    while 0 <= at <= len(received) - size:
        frame = received[at : at + size]
        if sound(frame):
            return frame
        at = received.find(head, at + 1)
    return None


def sound(frame: bytes) -> bool:
    """Whether the last two bytes are the check sum of those before."""
    return FramerRTU.compute_CRC(frame[:-2]) == int.from_bytes(frame[-2:])


def judge(received: bytes, expected: Expected) -> Failure:
    """Why `received`, in which no answer was found, is none."""
    if not received:
        return Failure.SILENCE
    stranger = _any_frame(received)
    if stranger is not None:
        same_unit = stranger[0] == expected.head[0]
        return Failure.WRONG_ANSWER if same_unit else Failure.WRONG_UNIT
    begins = expected.head[:2].startswith(received[:2])
    if begins and len(received) < expected.size:
        return Failure.TRUNCATED
    if begins or len(received) == expected.size:
        return Failure.CRC
    return Failure.NOISE


def _any_frame(received: bytes) -> bytes | None:
    """The first sound frame of any unit."""
    for at in range(len(received) - SHORTEST + 1):
        size = _size(received, at)
        if size and at + size <= len(received) and sound(received[at : at + size]):
            return received[at : at + size]
    return None


def _size(received: bytes, at: int) -> int:
    """How long an answer is that begins at `at`; 0 where none does."""
    function = received[at + 1]
    if function in READS:
        return SHORTEST + received[at + 2]
    if function in WRITES:
        return 8
    return SHORTEST if function & REFUSED else 0
