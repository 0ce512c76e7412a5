"""The one clock of a process: steady, and set only when there is reason to believe the machine's.

UTC is an offset plus the monotonic time. A step of the machine's clock changes nothing by itself:
once a second `look` compares, and what it follows is a new `ClockSetting`, so times captured before
can be moved by exactly the difference.

A simulated clock reads `start + (real time − anchor) × rate`, so every process that is given the
same three numbers tells the same time.
"""

import ctypes
import struct
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

EARLIEST_TRUE_TIME = 1_767_225_600.0  # 2026-01-01: a gateway that reads less has not been set
STEP_S = 0.5  # a smaller difference is no step: time servers move a clock by slowing it
LOOKS = 2  # for which a difference stands, where a time server vouches for the machine's clock
STANDS_S = 60.0  # the same, where none does: somebody may set it wrongly, and back
BEHIND_S = 5.0  # by which a clock may be behind the newest time on the disk, and be right
AGREES_S = 30.0
SAME_S, AGAIN_S = 2.0, 5.0  # of two words of other clocks: how near they are, and how far apart

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """What a process goes by: UTC is `offset_s` + the monotonic time of `boot`.

    `known` says whether that UTC is believed. Times captured under another setting of the same boot
    differ by the offsets, exactly; of another boot's nothing more can be learned.
    """

    boot: str = ""
    offset_s: float = 0.0
    known: bool = True


NO_SETTING = ClockSetting()
"""Where it does not matter, or was never kept."""


class Machine(Protocol):
    """What the machine tells of time."""

    @property
    def boot(self) -> str:
        """Another with each start of the machine: `steady` begins anew with it."""
        ...

    def wall(self) -> float:
        """Unix seconds, right or wrong."""
        ...

    def steady(self) -> float:
        """Seconds that only grow."""
        ...

    def synchronised(self) -> bool:
        """Whether a time server vouches for `wall`."""
        ...


_UNSYNCHRONISED = 0x40  # STA_UNSYNC of <sys/timex.h>
_TIMEX_BYTES = 512  # more than struct timex of any Linux
_STATUS = struct.Struct("@Illll i")  # modes, offset, freq, maxerror, esterror, status


class ThisMachine:
    """Linux."""

    def __init__(self, *, boot_file: Path = Path("/proc/sys/kernel/random/boot_id")) -> None:
        try:
            self.boot = boot_file.read_text().strip()
        except OSError:
            self.boot = uuid.uuid4().hex  # then nothing is concluded from another process's times

    def wall(self) -> float:
        """Unix seconds, right or wrong."""
        return time.time()

    def steady(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def synchronised(self) -> bool:
        """By the kernel, which forgets it when somebody sets the clock; no, if it is not told."""
        answer = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes = 0: adjtimex(2) only reads
        try:
            state = ctypes.CDLL(None).adjtimex(answer)
        except (OSError, AttributeError):
            return False
        if state < 0:
            return False
        *_, status = _STATUS.unpack_from(answer)
        return not status & _UNSYNCHRONISED


class Clock:
    """Tells UTC (Unix seconds) and a monotonic time (seconds); both run at `rate`."""

    def __init__(
        self,
        start: float | None = None,
        anchor: float = 0.0,
        rate: float = 1.0,
        *,
        machine: Machine | None = None,
    ) -> None:
        self.start = start
        self.anchor = anchor
        self.rate = rate
        self._machine = machine or ThisMachine()
        self._steady = self._machine.steady
        self._utc_rate = 1.0 if start is None else rate
        self._earliest = EARLIEST_TRUE_TIME
        self._followed = self._machine.wall() - self._steady()
        self._setting = self._set(self._followed)
        self._step: _Step | None = None
        self._vouched = False
        self._told: dict[str, _Step] = {}
        self._listeners: list[Callable[[ClockSetting, ClockSetting], None]] = []

    def utc(self) -> float:
        """Now, in Unix seconds."""
        return self._setting.offset_s + self._steady() * self._utc_rate

    def monotonic(self) -> float:
        """Seconds that only grow, for intervals; never compared across processes."""
        return self._steady() * self.rate

    def synced(self) -> bool:
        """Whether `utc` can be true at all: a Pi without a battery clock boots in 1970."""
        return self._setting.known and self.utc() >= EARLIEST_TRUE_TIME

    @property
    def setting(self) -> ClockSetting:
        """What `utc` goes by now."""
        return self._setting

    def on_change(self, told: Callable[[ClockSetting, ClockSetting], None]) -> None:
        """Have `told` called with the old and the new setting, as soon as `utc` goes by the new."""
        self._listeners.append(told)

    def not_before(self, at: float) -> None:
        """It has been `at` already, by what is on the disk: a clock well behind it was not set."""
        self._earliest = max(self._earliest, at - BEHIND_S)
        if not self._setting.known or self._is_plausible(self._setting):
            return
        if not self._machine.synchronised():
            _log.warning(
                "the machine's clock is behind times that it told before: it was not set since the "
                "machine started. Give it a time server",
                behind_s=round(at - self.utc()),
            )
            self._go_by(ClockSetting(self._setting.boot, self._setting.offset_s, known=False))

    def vouched(self) -> bool:
        """Whether a time server vouched for it when `utc` was last set."""
        return self._vouched

    def agree(self, who: str, at: float) -> None:
        """The clock of another machine, `who`, which believes it, reads `at` now.

        One that was not set goes by it: at once where it reads about the same, otherwise when the
        same one says so again after a while, if that is not before what the disk tells.
        """
        if self._setting.known or at < EARLIEST_TRUE_TIME:
            return
        real_s, ahead_s = self._steady(), at - self.utc()
        before = self._told.get(who)
        if abs(ahead_s) <= AGREES_S:
            self._believe()
        elif before is None or abs(ahead_s - before.offset) > SAME_S:
            self._told[who] = _Step(ahead_s, since_s=real_s)
        elif real_s - before.since_s >= AGAIN_S and at >= self._earliest:
            _log.warning("the time is another's; this machine's was not set", of=who, by_s=ahead_s)
            setting = self._setting
            self._go_by(ClockSetting(setting.boot, setting.offset_s + ahead_s, known=True))

    def look(self) -> None:
        """Compare with the machine's clock, once a second, and follow it where there is reason."""
        real_s = self._steady()
        offset = self._machine.wall() - real_s
        if abs(offset - self._followed) <= STEP_S:
            self._step = None
            if not self._setting.known and self._is_believable(self._setting):
                self._believe()
            return
        if self._step is None or abs(offset - self._step.offset) > STEP_S:
            self._step = _Step(offset, since_s=real_s)
            if self._setting.known:
                self._tell_step(offset - self._followed)
        self._step.looks += 1
        if self._is_to_be_followed(self._step, real_s):
            self._follow(offset)

    def _set(self, offset: float, *, known: bool | None = None) -> ClockSetting:
        """The setting by which `wall` is `offset` + `steady`; known where it is plausible."""
        if self.start is not None:
            offset = self.start + (offset - self.anchor) * self.rate
        setting = ClockSetting(self._machine.boot, offset)
        believed = self._is_plausible(setting) if known is None else known
        return ClockSetting(setting.boot, setting.offset_s, believed)

    def _is_plausible(self, setting: ClockSetting) -> bool:
        return self._reads(setting) >= self._earliest

    def _is_believable(self, setting: ClockSetting) -> bool:
        if self._reads(setting) < EARLIEST_TRUE_TIME:
            return False
        return self._is_plausible(setting) or self._machine.synchronised()

    def _reads(self, setting: ClockSetting) -> float:
        return setting.offset_s + self._steady() * self._utc_rate

    def _is_to_be_followed(self, step: "_Step", real_s: float) -> bool:
        setting = self._set(step.offset)
        if self._reads(setting) < EARLIEST_TRUE_TIME:
            return False
        if not self._setting.known and self._is_plausible(setting):
            return True
        if step.looks >= LOOKS and self._machine.synchronised():
            return True
        return real_s - step.since_s >= STANDS_S

    def _follow(self, offset: float) -> None:
        """Somebody set the machine's clock while we ran, so it is better than what we knew."""
        by_s = offset - self._followed
        _log.warning("the machine's clock was set; its time is followed", by_s=round(by_s, 1))
        self._followed, self._step, self._vouched = offset, None, self._machine.synchronised()
        setting = self._set(offset, known=True)
        self._earliest = min(self._earliest, self._reads(setting))
        self._go_by(setting)

    def _believe(self) -> None:
        self._earliest = min(self._earliest, self.utc())
        self._go_by(ClockSetting(self._setting.boot, self._setting.offset_s, known=True))
        _log.info("the machine's clock is believed now")

    def _go_by(self, setting: ClockSetting) -> None:
        before, self._setting = self._setting, setting
        for told in self._listeners:
            told(before, setting)

    def _tell_step(self, by_s: float) -> None:
        _log.warning(
            "the machine's clock jumped; it is followed soon if a time server vouches for it, "
            "otherwise when it has stood for a minute",
            by_s=round(by_s, 1),
        )


@dataclass(slots=True)
class _Step:
    """A difference to the machine's clock, or another's, that has stood since `since_s`."""

    offset: float
    since_s: float
    looks: int = 0
