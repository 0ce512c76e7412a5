"""By which time old is old: a clock that is wrong must not delete a year of records.

A dead battery or a slip of a finger sets a clock to 2099, and what is deleted then is gone.
"""

from collections.abc import Callable

import structlog

from gateway.clock import Clock

LEAP_S = 2 * 86_400.0
PATIENCE_S = 7 * 86_400.0

_log = structlog.get_logger()


class SweepTime:
    """The clock's, unless it leapt ahead by more than LEAP_S and no time server vouches for it.

    Then it is the time of before plus that for which we have run since: what lies before the leap
    is kept for as long as the settings say, of time that has passed in truth. A hub that was off
    for long and knows no time server leaps, too: nobody having set the clock right for PATIENCE_S,
    it is believed, for personal data must not be kept for ever.
    """

    def __init__(self, clock: Clock, *, vouched: Callable[[], bool]) -> None:
        self._clock = clock
        self._vouched = vouched
        self._known: tuple[float, float] | None = None
        self._leapt_at: float | None = None

    def begin(self, newest: float | None) -> None:
        """`newest`: what the time was when we swept last, in this process or an earlier one."""
        if newest is not None:
            self._known = (newest, self._clock.monotonic())

    def now(self) -> float:
        """To be asked often: between two calls no leap is seen as such if they are days apart."""
        utc, passed = self._clock.utc(), self._clock.monotonic()
        known, since = self._known or (utc, passed)
        expected = known + passed - since
        if utc - expected <= LEAP_S or self._vouched() or self._stood_long(passed):
            self._known, self._leapt_at = (utc, passed), None
            return utc
        if self._leapt_at is None:
            self._leapt_at = passed
            _log.error(
                "the clock is days ahead of what was stored last, and no time server vouches for "
                "it: nothing more is deleted for that. Set it right, or give it a time server",
                days=round((utc - expected) / 86_400),
            )
        return expected

    def _stood_long(self, passed: float) -> bool:
        return self._leapt_at is not None and passed - self._leapt_at >= PATIENCE_S
