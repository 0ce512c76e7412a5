"""Which loops go on: the watchdog is fed only while every one of them does."""

import time
from collections.abc import Callable

LONGEST_S = 120.0  # between two beats; rows held in memory take long to reach a slow card


class Pulse:
    """A loop that must go on says so with `beat`; one that has not begun is not waited for.

    Seconds are real ones, also where the clock is simulated.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._beaten_at: dict[str, float] = {}

    def beat(self, loop: str) -> None:
        """`loop` goes on."""
        self._beaten_at[loop] = self._monotonic()

    def standing(self) -> tuple[str, ...]:
        """The loops that stand still."""
        oldest = self._monotonic() - LONGEST_S
        return tuple(loop for loop, at in self._beaten_at.items() if at < oldest)
