"""The one clock of a process: real, or simulated and shared by settings.

A simulated clock reads `start + (real time − anchor) × rate`, so every process that is given the
same three numbers tells the same time.
"""

import time
from dataclasses import dataclass

EARLIEST_TRUE_TIME = 1_767_225_600.0  # 2026-01-01: a gateway that reads less has not been set


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


@dataclass(frozen=True, slots=True)
class Clock:
    """Tells UTC (Unix seconds) and a monotonic time (seconds); both run at `rate`."""

    start: float | None = None
    anchor: float = 0.0
    rate: float = 1.0

    @property
    def setting(self) -> ClockSetting:
        """What it goes by."""
        return NO_SETTING

    def utc(self) -> float:
        """Now, in Unix seconds."""
        if self.start is None:
            return time.time()
        return self.start + (time.time() - self.anchor) * self.rate

    def monotonic(self) -> float:
        """Seconds that only grow, for intervals; never compared across processes."""
        return time.monotonic() * self.rate

    def synced(self) -> bool:
        """Whether `utc` can be true at all: a Pi without a battery clock boots in 1970."""
        return self.utc() >= EARLIEST_TRUE_TIME
