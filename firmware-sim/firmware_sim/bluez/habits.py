"""What bluetoothd and the kernel do with adverts, by version and controller.

Measured against real bluetoothd 5.66 and 5.82 on Debian's kernel with virtual controllers; what
holds from 5.88 on is read from BlueZ's source. `make test-bluez` measures it again.
"""

from dataclasses import dataclass, replace
from typing import Literal

Version = tuple[int, int]
Duplicates = Literal["none", "address"]

SCAN_S = 10.24
"""The kernel ends a discovery by itself; bluetoothd starts it again: at once where it is filtered,
and otherwise after `PAUSE_S`."""
PAUSE_S = 5.0
RSSI_THRESHOLD_DB = 8
"""A change of RSSI below it is kept from clients, unless discovery is filtered."""
TEMPORARY_S = 30.0
"""A device that nobody paired is forgotten so long after its last advert."""
PATTERNS_MOST = 7
"""A monitor with more ends bluetoothd, 5.66 and 5.82 alike: it keeps the length of its command to
the kernel, 1 + 34 octets a pattern, in eight bits."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What one version of bluetoothd does.

    `plain_le_is_regular`: on an LE-only controller a filter that only says "le" is no filter.
    `service_data_behind_uuid`: a monitor's pattern of service data starts behind the UUID (before:
    with it), and patterns of lists of UUIDs match nothing.
    `rssi_only_by_proximity`: every RSSI is told only where a client filters by RSSI or path loss
    (before: by anything).
    """

    plain_le_is_regular: bool = False
    service_data_behind_uuid: bool = False
    rssi_only_by_proximity: bool = False


_FIRST = Habits()
_REGULAR = replace(_FIRST, plain_le_is_regular=True)
_BEHIND = replace(_REGULAR, service_data_behind_uuid=True)
_PROXIMITY = replace(_BEHIND, rssi_only_by_proximity=True)

HABITS: tuple[tuple[Version, Habits], ...] = (
    ((5, 88), _PROXIMITY),
    ((5, 71), _BEHIND),
    ((5, 67), _REGULAR),
    ((5, 56), _FIRST),
)
"""Newest first: each from that version on."""


def habits_of(version: Version) -> Habits:
    """The habits of bluetoothd `version`. Raises ValueError before 5.56, which has no monitors."""
    for since, habits in HABITS:
        if version >= since:
            return habits
    raise ValueError(f"BlueZ {version[0]}.{version[1]} is older than any that is simulated: 5.56")


@dataclass(frozen=True, slots=True)
class Controller:
    """The radio under an adapter. With `duplicates` "address" it tells each address once a scan
    while the kernel asks it to filter duplicates."""

    le_only: bool = False
    duplicates: Duplicates = "none"
