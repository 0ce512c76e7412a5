"""A weak lamp, or one at another level than it was told? Two levels tell it, one does not."""

from enum import StrEnum

from gateway.lights.fault_stance import Stance

LIKE_POINTS = 15.0  # levels nearer than this are one
LIKE_RATIO = 0.10


class Shape(StrEnum):
    """What power that does not fit looks like. UNCLEAR: only one level has been seen so far."""

    UNCLEAR = "unclear"
    SCALED = "scaled"  # too much or too little alike at two levels: lamp, driver or wrong type
    OTHER_LEVEL = "other level"  # not so: the driver does not do what it is told


class PowerShape:
    """Compares the power, as a share of the expected, over the latest change of level.

    A weak lamp has the same share at both; of one that does not dim the share jumps. A lamp that
    was off in between may have broken meanwhile: then nothing is compared.
    """

    def __init__(self) -> None:
        self.shape = Shape.UNCLEAR
        self._level: float | None = None
        self._share: float | None = None
        self._share_before: float | None = None
        self._judged = False

    def update(self, stance: Stance) -> None:
        """Takes every stance; only settled ones say something."""
        wanted = stance.wanted
        if wanted is None or wanted <= 0 or stance.restarted:
            self._level = self._share = self._share_before = None
            return
        if self._level is None or abs(wanted - self._level) > LIKE_POINTS:
            self._level, self._judged = wanted, False
            self._share_before, self._share = self._share, None
        power_w = stance.reading.active_power_w
        if stance.misfit_wanted is None or power_w is None or not stance.expected_w:
            return
        self._share = power_w / stance.expected_w
        if stance.misfit_wanted == 0:
            self.shape = Shape.UNCLEAR
        elif not self._judged and self._share_before is not None:
            alike = abs(self._share - self._share_before) <= LIKE_RATIO
            self.shape = Shape.SCALED if alike else Shape.OTHER_LEVEL
        self._judged = True
