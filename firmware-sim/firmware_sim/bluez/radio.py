"""An adapter's controller under Linux: when it listens, and which adverts it tells bluetoothd."""

from firmware_sim.bluez.habits import PAUSE_S, SCAN_S, Controller


class Radio:
    """What comes through from the air.

    `stuck`: nothing comes, and nobody is told; `stubborn`: only the plug heals that.
    `deaf_to_rssi`: adverts come without their RSSI.
    """

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self.stuck = self.stubborn = False
        self.deaf_to_rssi = False
        self._began_s = 0.0
        self._turn = 0
        self._told: set[str] = set()

    def begin(self, now_s: float) -> None:
        """The kernel starts a discovery at `now_s`, a monotonic time."""
        self._began_s, self._turn = now_s, 0
        self._told.clear()

    def hears(
        self, address: str, *, now_s: float, monitored: bool, discovering: bool, filtered: bool
    ) -> bool:
        """Whether an advert of `address` comes through: with a monitor always, in a discovery
        unless it pauses, or told this address in this turn already and filters duplicates."""
        if self.stuck or not (monitored or discovering):
            return False
        if monitored:
            return True
        pause_s = 0.0 if filtered else PAUSE_S
        turn, within_s = divmod(now_s - self._began_s, SCAN_S + pause_s)
        if within_s >= SCAN_S:
            return False
        return self.controller.duplicates == "none" or self._first(address, int(turn))

    def cycle_power(self) -> None:
        """Off and on, or bluetoothd anew, which does the same."""
        self.stuck = self.stuck and self.stubborn

    def replug(self) -> None:
        """A fresh start: healed of everything."""
        self.stuck = self.stubborn = self.deaf_to_rssi = False

    def _first(self, address: str, turn: int) -> bool:
        if turn != self._turn:
            self._turn = turn
            self._told.clear()
        if address in self._told:
            return False
        self._told.add(address)
        return True
