"""What may happen to an answer on its way: noise, loss, lateness, a wrong sender. Pure."""

import random
from dataclasses import dataclass

from firmware_sim.lamps.node import Fault, LampNode
from firmware_sim.lamps.rtu import sealed


@dataclass(frozen=True, slots=True)
class Trouble:
    """How often an answer of any node suffers each, 0 to 1, apart from the nodes' own faults.

    A late answer comes `late_s` (from, to) seconds later than it should, and is otherwise right.
    """

    noise: float = 0.0
    silence: float = 0.0
    late: float = 0.0
    wrong_unit: float = 0.0
    truncation: float = 0.0
    late_s: tuple[float, float] = (0.12, 0.36)

    def strikes(self, node: LampNode, chance: random.Random) -> Fault | None:
        """What becomes of this answer of `node`: its own fault, or the line's luck."""
        for fault in LINE_FAULTS:
            if fault in node.faults:
                return fault
        draw = chance.random()
        for fault in LINE_FAULTS:
            draw -= float(getattr(self, fault.value))
            if draw < 0:
                return fault
        return None

    def delay_s(self, chance: random.Random) -> float:
        """How much later than it should an answer comes that is late."""
        return chance.uniform(*self.late_s)


LINE_FAULTS = (Fault.SILENCE, Fault.LATE, Fault.WRONG_UNIT, Fault.TRUNCATION, Fault.NOISE)


def spoilt(body: bytes, fault: Fault | None, chance: random.Random) -> bytes:
    """The frame that goes onto the line in place of `body`'s own. Late and silence are not here."""
    if fault is Fault.WRONG_UNIT:
        return sealed(bytes([body[0] % 247 + 1]) + body[1:])
    frame = bytearray(sealed(body))
    if fault is Fault.TRUNCATION:
        return bytes(frame[: chance.randrange(1, len(frame))])
    if fault is Fault.NOISE:  # up to three bits: the checksum finds every such error
        for bit in chance.sample(range(8 * len(frame)), chance.randint(1, 3)):
            frame[bit // 8] ^= 1 << bit % 8
    return bytes(frame)
