"""The RS-485 line: nodes answer Modbus RTU on a pseudo-terminal at the pace of a real wire.

A pseudo-terminal hands bytes over at once. Here time passes as on copper: 11 bits a byte, a frame
ends with 3.5 characters of silence, a node takes 2 ms to turn around, and no byte of an answer can
be read before the wire would have brought it: bytes are handed over in pieces of at most 8 ms, as
a serial adapter does, each at the moment of its last byte. A request that begins during an answer,
or less than 1.5 characters after it, is no frame to the nodes. Two answers at once wait for each
other (on copper both would be lost): that is the harder case for a master, who may mistake them.
The thread asks for real-time priority (root has it): on two busy cores it handed answers over
0.2 ms late at most 99 times of 100, without it 4 ms.
"""

import os
import random
import select
import termios
import threading
import time
import tty
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from firmware_sim.lamps.node import Fault, LampNode
from firmware_sim.lamps.rtu import BROADCAST, answer, tell_all, unsealed
from firmware_sim.lamps.trouble import Trouble, spoilt
from firmware_sim.lamps.weather import Surroundings

BITS_A_BYTE = 11
FRAME_SILENCE_CHARS, GLUE_CHARS = 3.5, 1.5
TURNAROUND_S = 0.002
PIECE_S = 0.008
LONGEST_STEP_S = 60.0  # nodes that nobody asks still feel the weather change
SPEEDS = {
    getattr(termios, f"B{baud}"): baud
    for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take on the line, seconds."""

    byte_s: float
    silence_s: float
    turnaround_s: float

    @classmethod
    def of(cls, baud: int, *, paced: bool) -> Self:
        """A wire's pace at `baud`; not paced, everything happens at once."""
        byte_s = BITS_A_BYTE / baud if paced else 0.0
        return cls(byte_s, FRAME_SILENCE_CHARS * byte_s, TURNAROUND_S if paced else 0.0)

    def poll_s(self, registers: int) -> float:
        """The least that one read of `registers` takes, both frames' silence included."""
        return (8 + 5 + 2 * registers) * self.byte_s + 2 * self.silence_s + self.turnaround_s


class Line:
    """What is on the line now: bytes of a request that come in, answers that go out.

    Driven by `heard(bytes, now)` and `due(now)`; times are monotonic seconds.
    """

    def __init__(
        self,
        nodes: Sequence[LampNode],
        *,
        pace: Pace,
        surroundings: Callable[[float], Surroundings],
        utc: Callable[[], float],
        seed: int,
    ) -> None:
        self.nodes = {node.unit: node for node in nodes}
        if len(self.nodes) < len(nodes):
            raise ValueError("two nodes of one line have the same unit: give each its own")
        self.trouble = Trouble()
        self.counts: Counter[str] = Counter()
        self.surroundings = surroundings
        self._pace = pace
        self._utc = utc
        self._chance = random.Random(seed)
        self._request = bytearray()
        self._glued = False  # the request began while an answer was on the line, or too soon after
        self._heard_until = 0.0  # when the last byte of the request was on the wire
        self._free_at = 0.0  # when the last byte of the last answer was on the wire
        self._waiting: list[tuple[float, int, bytes]] = []
        self._pieces: deque[tuple[float, bytes]] = deque()

    def live(self, node: LampNode) -> None:
        """Bring `node` to the present."""
        now = self._utc()
        while node.at < now:
            step = now if now - node.at > 1e9 else min(now, node.at + LONGEST_STEP_S)
            node.advance(step, surroundings=self.surroundings(step))

    def live_all(self) -> None:
        """Bring every node to the present."""
        for node in self.nodes.values():
            self.live(node)

    def heard(self, data: bytes, now: float) -> None:
        """Bytes of the master that began to come at `now`."""
        if not self._request:
            self._glued = now < self._free_at + GLUE_CHARS * self._pace.byte_s
        self._request += data
        self._heard_until = max(self._heard_until, now) + len(data) * self._pace.byte_s

    def next_at(self) -> float | None:
        """When `due` must be called next."""
        moments = []
        if self._request:
            moments.append(self._heard_until + self._pace.silence_s)
        if self._pieces:
            moments.append(self._pieces[0][0])
        elif self._waiting:
            moments.append(self._waiting[0][0])
        return min(moments, default=None)

    def due(self, now: float) -> bytes:
        """What the master may read from now on, after all that has happened until `now`."""
        ended = self._heard_until + self._pace.silence_s
        if self._request and now >= ended:
            frame, self._request = bytes(self._request), bytearray()
            self._handle(frame, ended)
        out = b""
        while True:
            if not self._pieces and self._waiting and self._waiting[0][0] <= now:
                start, _, answered = heappop(self._waiting)
                self._cut(answered, max(start, self._free_at + self._pace.silence_s))
            if not self._pieces or self._pieces[0][0] > now:
                return out
            out += self._pieces.popleft()[1]

    def forget(self) -> None:
        """The line was cut: what was on it is lost."""
        self._request.clear()
        self._waiting.clear()
        self._pieces.clear()

    def _handle(self, frame: bytes, at: float) -> None:
        body = unsealed(frame)
        if body is None or self._glued:
            self.counts["glued" if self._glued else "garbled"] += 1
            return
        self.counts["requests"] += 1
        if body[0] == BROADCAST:
            self.live_all()
            tell_all(body, self.nodes)
            return
        node = self.nodes.get(body[0])
        if node is None:
            self.counts["nobody"] += 1
            return
        self.live(node)
        if node.answers:
            self._answer(node, body, at + self._pace.turnaround_s)
        elif Fault.SILENCE in node.faults and node.powered:
            self.counts["silence"] += 1
            answer(body, node)  # it hears and obeys: only its answer is lost

    def _answer(self, node: LampNode, body: bytes, start: float) -> None:
        fault = self.trouble.strikes(node, self._chance)
        self.counts[fault.value if fault else "answers"] += 1
        said = answer(body, node)
        if fault is Fault.SILENCE:
            return
        if fault is Fault.LATE:
            start += self.trouble.delay_s(self._chance)
        entry = (start, self.counts["requests"], spoilt(said, fault, self._chance))
        heappush(self._waiting, entry)

    def _cut(self, frame: bytes, start: float) -> None:
        """An answer in pieces, each with the moment of its last byte."""
        byte_s = self._pace.byte_s
        size = max(1, int(PIECE_S / byte_s)) if byte_s else len(frame)
        for end in range(size, len(frame) + size, size):
            piece = frame[end - size : end]
            done = min(end, len(frame))
            self._pieces.append((start + done * byte_s, piece))
        self._free_at = start + len(frame) * byte_s


class SerialSlaves:
    """The nodes of one line on a pseudo-terminal, in a thread of their own.

    `link` becomes a symbolic link to the end that a master opens. A master that opens it at
    another speed is not understood. Whatever touches the nodes or the line from outside goes
    through `do`, which runs it between two frames.
    """

    def __init__(
        self,
        nodes: Sequence[LampNode],
        *,
        link: Path,
        baud: int = 19_200,
        paced: bool = True,
        surroundings: Callable[[float], Surroundings] = lambda _utc: Surroundings(),
        utc: Callable[[], float] = time.time,
        seed: int = 0,
    ) -> None:
        self.link = link
        self.baud = baud
        self.pace = Pace.of(baud, paced=paced)
        self.line = Line(nodes, pace=self.pace, surroundings=surroundings, utc=utc, seed=seed)
        self._jobs: deque[Callable[[], None]] = deque()
        self._wake, self._woken = -1, -1
        self._ours, self._theirs = -1, -1
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=f"line {link.name}", daemon=True)

    def __enter__(self) -> Self:
        self._woken, self._wake = os.pipe()
        self._plug()
        self.line.live_all()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped = True
        os.write(self._wake, b"!")
        self._thread.join()
        self._unplug()
        os.close(self._wake)
        os.close(self._woken)

    @property
    def counts(self) -> Counter[str]:
        """What became of requests, by name: requests, answers, nobody, garbled, glued, noise, …"""
        return self.do(lambda: Counter(self.line.counts))

    def do(self, job: Callable[[], Result]) -> Result:
        """What `job` returns, run in the line's own thread."""
        done: Future[Result] = Future()

        def run() -> None:
            done.set_running_or_notify_cancel()
            try:
                done.set_result(job())
            except (ValueError, KeyError, OSError) as error:
                done.set_exception(error)

        self._jobs.append(run)
        os.write(self._wake, b"!")
        return done.result(timeout=10.0)

    def node(self, unit: int) -> LampNode:
        """The node `unit`, to be touched within `do`."""
        return self.line.nodes[unit]

    def unplug(self) -> None:
        """The adapter is pulled out: whoever has it open loses it."""
        self.do(self._unplug)

    def plug(self) -> None:
        """The adapter is put in again."""
        self.do(self._plug)

    def _plug(self) -> None:
        if self._ours >= 0:
            return
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        attributes = termios.tcgetattr(self._theirs)
        attributes[4] = attributes[5] = getattr(termios, f"B{self.baud}")
        termios.tcsetattr(self._theirs, termios.TCSANOW, attributes)
        os.set_blocking(self._ours, False)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(self._theirs))

    def _unplug(self) -> None:
        if self._ours < 0:
            return
        self.link.unlink(missing_ok=True)
        os.close(self._ours)
        os.close(self._theirs)
        self._ours = self._theirs = -1
        self.line.forget()

    def _run(self) -> None:
        if self.pace.byte_s:  # copper does not wait for a busy processor
            with suppress(PermissionError):
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        while not self._stopped:
            self._write(self.line.due(time.monotonic()))
            until = self.line.next_at()
            rest_s = None if until is None else max(0.0, until - time.monotonic())
            watched = [self._woken] if self._ours < 0 else [self._woken, self._ours]
            ready, _, _ = select.select(watched, [], [], rest_s)
            if self._ours in ready:
                self._read(time.monotonic())
            if self._woken in ready:
                os.read(self._woken, 64)
                while self._jobs:
                    self._jobs.popleft()()

    def _read(self, now: float) -> None:
        data = os.read(self._ours, 4096)
        if SPEEDS.get(termios.tcgetattr(self._theirs)[4]) != self.baud:
            self.line.counts["other_speed"] += 1
            return
        self.line.heard(data, now)

    def _write(self, data: bytes) -> None:
        if not data or self._ours < 0:
            return
        try:
            os.write(self._ours, data)
        except BlockingIOError:  # nobody reads: an adapter that is full throws away, too
            self.line.counts["overrun"] += 1
