"""The eight set-ups in which a scan must hear everything, and what bleak alone hears in them.

BlueZ 5.66 is Debian 12's, 5.82 Debian 13's. A Pi's controller is dual; a USB dongle may be LE-only.
"""

from dataclasses import dataclass

from firmware_sim.bluez.beacons import Beacon
from firmware_sim.bluez.habits import Duplicates, Version

TAGS = 10
INTERVAL_S = 0.2
ADVERTS_PER_S = TAGS / INTERVAL_S
BEACONS = tuple(Beacon(number) for number in range(TAGS))
"""Their adverts say which RSSI they came with."""
UNCHANGING = tuple(Beacon(number, truth=False) for number in range(TAGS))
"""As real tags are: with a payload that never changes."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A version of bluetoothd over a kind of controller.

    `active`, `with_rssi`, `passive`: callbacks a second that real BlueZ gave of `ADVERTS_PER_S`
    with unchanging payloads, for bleak's default scan, for one with an RSSI filter, and passive.
    """

    version: Version
    le_only: bool
    duplicates: Duplicates
    active: float
    with_rssi: float
    passive: float

    @property
    def name(self) -> str:
        kind = "le" if self.le_only else "dual"
        return f"{self.version[0]}.{self.version[1]}-{kind}-{self.duplicates}"


SETUPS = (
    Setup((5, 66), False, "none", active=47.9, with_rssi=48.4, passive=0.7),
    Setup((5, 66), False, "address", active=1.0, with_rssi=1.0, passive=0.5),
    Setup((5, 66), True, "none", active=47.6, with_rssi=48.8, passive=1.0),
    Setup((5, 66), True, "address", active=1.0, with_rssi=1.0, passive=1.0),
    Setup((5, 82), False, "none", active=48.3, with_rssi=48.4, passive=0.4),
    Setup((5, 82), False, "address", active=1.0, with_rssi=1.0, passive=0.7),
    Setup((5, 82), True, "none", active=0.5, with_rssi=48.7, passive=0.3),
    Setup((5, 82), True, "address", active=0.5, with_rssi=1.0, passive=0.6),
)
