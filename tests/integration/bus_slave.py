"""A line of Modbus nodes on a pseudo-terminal, in a process of its own: bytes paced as on a wire,
or not, and what goes wrong on a wire.

Every register of every unit says who and where it is (`truth`), so an answer that is taken for
another's shows. `python -m tests.integration.bus_slave '{"units": [1, 2], …}'` prints the device on
its first line, then a line of JSON for each write that reached a node, for each fault made, and
for each time that the machine was too busy to keep the pace.
"""

import contextlib
import dataclasses
import json
import os
import pty
import random
import select
import signal
import struct
import sys
import time
import tty
from dataclasses import dataclass

from pymodbus.framer.rtu import FramerRTU

TURNAROUND_S = 0.002
# A sleep that took so much longer than it should: the machine had no time for this process.
STALL_S = 0.005


@dataclass(frozen=True)
class Slaves:
    """What the process is told. Rates are of requests, each in 0 to 1; `late_s` from the end of the
    request; `baud` 0 sends whole frames at once."""

    units: tuple[int, ...]
    baud: int = 0
    silent: tuple[int, ...] = ()
    seed: int = 1
    noise: float = 0.0
    dropped: float = 0.0
    lost: float = 0.0
    late: float = 0.0
    strange: float = 0.0
    late_s: tuple[float, float] = (0.0, 0.0)
    refused: tuple[int, ...] = ()

    def as_json(self) -> str:
        """For the command line."""
        return json.dumps(dataclasses.asdict(self))


def truth(unit: int, function: int, address: int) -> int:
    """What stands in a register: no two registers of small units and addresses are alike."""
    return (unit * 263 + function * 101 + address * 7919) & 0xFFFF


def framed(body: bytes) -> bytes:
    """A frame with its check sum."""
    return body + FramerRTU.compute_CRC(body).to_bytes(2)


class Line:
    """The node's end of the line."""

    def __init__(self, slaves: Slaves) -> None:
        self.slaves = slaves
        self.random = random.Random(slaves.seed)
        self.master, slave = pty.openpty()
        self.device = os.ttyname(slave)
        tty.setraw(self.master)
        self.slave = slave
        self.written: dict[tuple[int, int], int] = {}

    def serve(self) -> None:
        """Answer requests until standard input ends: until whoever started this is gone."""
        buffer = b""
        while sys.stdin not in select.select([self.master, sys.stdin], [], [])[0]:
            buffer += os.read(self.master, 256)
            arrived = time.monotonic()
            while (size := self._size(buffer)) and len(buffer) >= size:
                request, buffer = buffer[:size], buffer[size:]
                self._answer(request, arrived)
            if size == 0:
                buffer = b""

    def _size(self, buffer: bytes) -> int:
        if len(buffer) < 8:
            return 8
        if buffer[1] == 16:
            return 9 + buffer[6]
        return 8 if buffer[1] in (3, 4, 6) else 0

    def _answer(self, request: bytes, arrived: float) -> None:
        if FramerRTU.compute_CRC(request[:-2]) != int.from_bytes(request[-2:]):
            return
        unit, function, address, count = struct.unpack(">BBHH", request[:6])
        if unit not in self.slaves.units or unit in self.slaves.silent:
            return
        character_s = 11 / self.slaves.baud if self.slaves.baud else 0.0
        ready = arrived + len(request) * character_s
        answer = self._body(request, unit, function, address, count)
        if function in (6, 16):
            self._tell({"write": [unit, address, *self._values(request)], "at": ready})
        frame = framed(answer)
        if self.slaves.baud:
            ready += 3.5 * character_s + TURNAROUND_S
        self._send(self._spoilt(frame), self._delayed(ready), character_s)

    def _body(self, request: bytes, unit: int, function: int, address: int, count: int) -> bytes:
        if address in self.slaves.refused:
            return bytes((unit, function | 0x80, 2))
        if function in (6, 16):
            for offset, value in enumerate(self._values(request)):
                self.written[unit, address + offset] = value
            return request[:6]
        words = [truth(unit, function, address + offset) for offset in range(count)]
        return bytes((unit, function, 2 * count)) + struct.pack(f">{count}H", *words)

    def _values(self, request: bytes) -> list[int]:
        if request[1] == 6:
            return [int.from_bytes(request[4:6])]
        return list(struct.unpack(f">{request[6] // 2}H", request[7:-2]))

    def _delayed(self, ready: float) -> float:
        if self.random.random() < self.slaves.late:
            self._tell({"fault": "late"})
            return ready + self.random.uniform(*self.slaves.late_s)
        return ready

    def _spoilt(self, frame: bytes) -> bytes:
        chance = self.random.random()
        for fault in ("lost", "dropped", "noise", "strange"):
            rate = getattr(self.slaves, fault)
            if chance < rate:
                self._tell({"fault": fault})
                return self._spoil(fault, frame)
            chance -= rate
        return frame

    def _spoil(self, fault: str, frame: bytes) -> bytes:
        at = self.random.randrange(len(frame))
        match fault:
            case "lost":
                return b""
            case "dropped":
                return frame[:at]
            case "strange":
                return framed(bytes((frame[0] % 247 + 1,)) + frame[1:-2])
            case _:
                spoilt = bytes((frame[at] ^ 1 << self.random.randrange(8),))
                return frame[:at] + spoilt + frame[at + 1 :]

    def _send(self, frame: bytes, ready: float, character_s: float) -> None:
        self._sleep_until(ready)
        if not character_s:
            os.write(self.master, frame)
            return
        for sent, byte in enumerate(frame, 1):
            self._sleep_until(ready + sent * character_s)
            os.write(self.master, bytes((byte,)))

    def _sleep_until(self, at: float) -> None:
        if (wait_s := at - time.monotonic()) > 0:
            time.sleep(wait_s)
            if (now := time.monotonic()) > at + STALL_S:
                self._tell({"stall": [at, now]})

    def _tell(self, what: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def main(told: str) -> None:
    """Serve; an interrupt of the terminal is for whoever started this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = Line(Slaves(**{key: _hashable(value) for key, value in json.loads(told).items()}))
    if line.slaves.baud:  # a wire is never late because a machine is busy
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    sys.stdout.write(line.device + "\n")
    sys.stdout.flush()
    line.serve()


def _hashable(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


if __name__ == "__main__":
    main(sys.argv[1])
