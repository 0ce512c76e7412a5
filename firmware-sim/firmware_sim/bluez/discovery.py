"""Discovery as bluetoothd merges it from what its clients ask for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dbus_fast import Variant

from firmware_sim.bluez.habits import RSSI_THRESHOLD_DB, Habits
from firmware_sim.bluez.said import Said

_TYPES = {
    "UUIDs": "as",
    "RSSI": "n",
    "Pathloss": "q",
    "Transport": "s",
    "DuplicateData": "b",
    "Discoverable": "b",
    "Pattern": "s",
}
_TRANSPORTS = ("auto", "bredr", "le")
_RSSI_DBM = range(-127, 21)


@dataclass(frozen=True, slots=True)
class Filter:
    """What one client asks for by SetDiscoveryFilter."""

    uuids: frozenset[str] = frozenset()
    rssi_dbm: int | None = None
    pathloss_db: int | None = None
    transport: str = "auto"
    duplicate_data: bool = False
    pattern: str = ""

    def matches(self, said: Said, *, rssi_dbm: int | None, address: str) -> bool:
        """Whether this client wants to know of such an advert."""
        if self.transport == "bredr" or (self.uuids and not self.uuids.intersection(said.uuids)):
            return False
        if not (address.startswith(self.pattern) or said.name.startswith(self.pattern)):
            return False
        if rssi_dbm is None or (self.rssi_dbm is None and self.pathloss_db is None):
            return True
        if self.rssi_dbm is not None:
            return rssi_dbm >= self.rssi_dbm
        tx_dbm = said.tx_power_dbm
        return tx_dbm is not None and tx_dbm - rssi_dbm <= (self.pathloss_db or 0)

    @property
    def by_proximity(self) -> bool:
        """Whether it asks for near ones."""
        return self.rssi_dbm is not None or self.pathloss_db is not None

    def regular(self, habits: Habits, *, le_only: bool) -> bool:
        """Whether bluetoothd takes it for none at all."""
        plain = not (self.uuids or self.by_proximity or self.duplicate_data or self.pattern)
        own_kind = self.transport == "auto" or (self.transport == "le" and le_only)
        return habits.plain_le_is_regular and plain and own_kind


def read_filter(given: Mapping[str, Variant]) -> Filter | None:
    """The filter that a client gave; None where it took its filter back. Raises ValueError."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        if _TYPES.get(name) != value.signature:
            raise ValueError(f"{name} of type {value.signature}")
        values[name] = value.value
    if "RSSI" in values and "Pathloss" in values:
        raise ValueError("RSSI and Pathloss together")
    if values.get("RSSI", 0) not in _RSSI_DBM or values.get("Transport", "le") not in _TRANSPORTS:
        raise ValueError("RSSI or Transport out of range")
    if not values:
        return None
    return Filter(
        uuids=frozenset(uuid.lower() for uuid in values.get("UUIDs", ())),
        rssi_dbm=values.get("RSSI"),
        pathloss_db=values.get("Pathloss"),
        transport=values.get("Transport", "auto"),
        duplicate_data=values.get("DuplicateData", False),
        pattern=values.get("Pattern", ""),
    )


@dataclass(frozen=True, slots=True)
class Discovery:
    """All clients' discoveries together. `filtered` says that bluetoothd asked the kernel for a
    filtered one, which goes on without pauses."""

    active: bool = False
    filtered: bool = False
    duplicate_data: bool = False
    threshold_db: int = RSSI_THRESHOLD_DB
    filters: tuple[Filter | None, ...] = ()

    def wants(self, said: Said, *, rssi_dbm: int | None, address: str) -> bool:
        """Whether any client wants to know of such an advert."""
        return self.active and any(
            one is None or one.matches(said, rssi_dbm=rssi_dbm, address=address)
            for one in self.filters
        )


def merged(filters: Iterable[Filter | None], habits: Habits, *, le_only: bool) -> Discovery:
    """The discovery for the clients that discover now, each with its filter or None."""
    given = tuple(filters)
    some = [one for one in given if one is not None]
    filtered = any(not one.regular(habits, le_only=le_only) for one in some)
    proximity = any(one.by_proximity for one in some)
    every = filtered and (proximity or not habits.rssi_only_by_proximity)
    return Discovery(
        active=bool(given),
        filtered=filtered,
        duplicate_data=any(one.duplicate_data for one in some),
        threshold_db=0 if every else RSSI_THRESHOLD_DB,
        filters=given,
    )
