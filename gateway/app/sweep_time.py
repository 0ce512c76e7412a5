"""By which time old is old: a clock that is wrong must not delete a year of records.

A dead battery or a slip of a finger sets a clock to 2099, and what is deleted then is gone.
"""

from collections.abc import Callable

import structlog

from gateway.clock import Clock

LEAP_S = 2 * 86_400.0

_log = structlog.get_logger()


class SweepTime:
    """The clock's, unless it leapt ahead by more than LEAP_S and no time server vouches for it.

    Then it is the time of before plus that for which we have run since: what lies before the leap
    is kept for as long as the settings say, of time that has passed in truth.
    """

    def __init__(self, clock: Clock, *, vouched: Callable[[], bool]) -> None:
        self._clock = clock
        self._vouched = vouched
        self._known: tuple[float, float] | None = None
        self._told = False

    def begin(self, newest: float | None) -> None:
        """`newest`: what the time was, by the database, when it was written last."""
        if newest is not None:
            self._known = (newest, self._clock.monotonic())

    def now(self) -> float:
        """To be asked often: between two calls no leap is seen as such if they are days apart."""
        utc, passed = self._clock.utc(), self._clock.monotonic()
        known, since = self._known or (utc, passed)
        expected = known + passed - since
        if utc - expected <= LEAP_S or self._vouched():
            self._known, self._told = (utc, passed), False
            return utc
        if not self._told:
            self._told = True
            _log.error(
                "the clock is days ahead of what was stored last, and no time server vouches for "
                "it: nothing more is deleted for that. Set it right, or give it a time server",
                days=round((utc - expected) / 86_400),
            )
        return expected
