"""Whether the lamps of one feeder have mains: one lamp that is silent is broken, all are a cut."""

from collections.abc import Collection

FEWEST = 3  # of fewer lamps nothing can be told
DARK_SHARE, POWERED_SHARE = 0.8, 0.5
LOST_RATIO = 0.5  # of the nominal voltage


class Segment:
    """The lamps that are fed together, commonly those of one bus.

    Tell it the polls that were not answered at all, and every answer. A bus whose adapter is gone
    says nothing about the mains: do not tell its polls. Once it looks unpowered it does so until
    half of its lamps have answered: they come back one by one.
    """

    def __init__(self, lamps: Collection[str], *, nominal_voltage_v: float = 200.0) -> None:
        self._lamps = frozenset(lamps)
        self._least_v = LOST_RATIO * nominal_voltage_v
        self._dark: set[str] = set()
        self._powered = True

    @property
    def powered(self) -> bool:
        """False while nearly all of its lamps are silent, or say that they have no mains."""
        return self._powered

    def answered(self, lamp: str, supply_voltage_v: float | None) -> None:
        """It answered; where it says no voltage, it must have some."""
        if supply_voltage_v is not None and supply_voltage_v < self._least_v:
            self._dark.add(lamp)
        else:
            self._dark.discard(lamp)
        self._decide()

    def missed(self, lamp: str) -> None:
        """A poll of it was not answered."""
        if lamp in self._lamps:
            self._dark.add(lamp)
        self._decide()

    def follow(self, lamps: Collection[str]) -> None:
        """Other lamps are fed by it now."""
        self._lamps = frozenset(lamps)
        self._dark &= self._lamps
        self._decide()

    def _decide(self) -> None:
        if len(self._lamps) < FEWEST:
            self._powered = True
            return
        share = len(self._dark) / len(self._lamps)
        self._powered = share <= POWERED_SHARE if not self._powered else share < DARK_SHARE
