"""What goes into a bus and what comes out of it, as data; bus.py does the work.

`Failure` tells apart what Modbus libraries surface as one and the same exception, because each
means another errand: a dead node, a bad joint, a wrong address switch, a wrong profile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Failure(StrEnum):
    """Why a request was not answered as it should be."""

    SILENCE = "silence"  # not one byte came
    TRUNCATED = "truncated"  # the answer began, and did not end
    CRC = "crc"  # an answer of the right shape whose check sum is wrong
    NOISE = "noise"  # bytes that are no answer at all
    WRONG_UNIT = "wrong_unit"  # a whole answer, of another unit
    WRONG_ANSWER = "wrong_answer"  # a whole answer of the right unit, to another question
    EXCEPTION = "exception"  # the unit refused: its profile does not fit it
    BUS_DOWN = "bus_down"  # the adapter is gone, or its port could not be opened


@dataclass(frozen=True, slots=True)
class Line:
    """One RS-485 line, as `settings.BusSettings` says it.

    `timeout_s` is how long an answer may take to begin; after one that did not come whole the line
    is left alone for `quiet_s`. `round_s` is the least time from one round of polls to the next.
    """

    name: str
    device: str
    baud: int = 19200
    parity: str = "N"
    stop_bits: int = 1
    timeout_s: float = 0.1
    quiet_s: float = 0.3
    round_s: float = 1.0

    @property
    def character_s(self) -> float:
        """One character on the wire: 11 bits (start, 8, parity or a second stop bit, stop)."""
        return 11 / self.baud

    @property
    def gap_s(self) -> float:
        """The silence between two frames (Modbus over Serial Line V1.02, 2.5.1.1): 3.5
        characters, and from 19,200 baud up never less than 1.75 ms."""
        return max(3.5 * self.character_s, 0.00175)


@dataclass(frozen=True, slots=True)
class Polled:
    """One block of one lamp's registers was asked for; `at` in UTC seconds.

    `values` has the quantities of that block only: a quantity that is not in it was not asked for
    now. A value that the lamp could not read is None, and `masked` says why. With `failure` both
    are empty.
    """

    lamp: str
    at: float
    values: Mapping[str, float | bool | None] = field(default_factory=dict)
    masked: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class NodeCommand:
    """What a lamp's node is to be told; what is None is left as it is.

    `level` and `fallback_level` in percent; with `level` goes `ramp_s`. A node without a register
    for one of these is not told it. `ref` is the sender's own, and comes back.
    """

    lamp: str
    level: float | None = None
    ramp_s: float = 0.0
    fallback_level: float | None = None
    watchdog_s: float | None = None
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Commanded:
    """What became of a command: the node took every write of it, or `failure`."""

    command: NodeCommand
    at: float
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class BusState:
    """How a bus is: `problem` says why it is not `up`, and what to do.

    `silent_s` is None before the first answer, `round_s` (the time that the last whole round of
    polls took) before the first round.
    """

    up: bool
    problem: str
    silent_s: float | None
    round_s: float | None
    backing_off: tuple[str, ...]  # lamps that did not answer lately, and are asked seldom


@dataclass(frozen=True, slots=True)
class Found:
    """What a scan found at `unit`: the profile that knows it, or "" where something answered that
    no profile knows; `failure` says what was wrong with an answer."""

    unit: int
    profile: str
    serial: int | None
    failure: Failure | None
