"""A device as bluetoothd remembers it: what changed is told, what stayed is not."""

from collections.abc import Mapping
from typing import TypeVar

from dbus_fast import Variant

from firmware_sim.bluez.said import Said

Properties = dict[str, Variant]
_Key = TypeVar("_Key", int, str)

_FALSE = (
    "Paired",
    "Bonded",
    "Connected",
    "Trusted",
    "Blocked",
    "LegacyPairing",
    "ServicesResolved",
)
UNKNOWN_RSSI_DBM = 0
"""BlueZ's own word for "no RSSI": the property is absent then."""


class Device:
    """One address at one adapter: the properties of its `org.bluez.Device1`."""

    def __init__(self, adapter_path: str, address: str, *, public: bool) -> None:
        self.path = f"{adapter_path}/dev_{address.replace(':', '_')}"
        self.address = address
        self.heard_s = 0.0
        self._rssi_dbm = UNKNOWN_RSSI_DBM
        self._manufacturer: dict[int, bytes] = {}
        self._services: dict[str, bytes] = {}
        self.properties: Properties = {
            "Address": Variant("s", address),
            "AddressType": Variant("s", "public" if public else "random"),
            "Alias": Variant("s", address.replace(":", "-")),
            "Adapter": Variant("o", adapter_path),
            "UUIDs": Variant("as", []),
        } | {name: Variant("b", False) for name in _FALSE}

    def hear(
        self, said: Said, rssi_dbm: int | None, *, threshold_db: int, duplicates: bool
    ) -> Properties:
        """Take one advert; the properties to tell. With `duplicates` (a client's DuplicateData)
        data is told also where it stayed as it was, and only the data of this advert."""
        changed: Properties = {}
        if rssi_dbm is not None and self._rssi_told(rssi_dbm, threshold_db):
            changed["RSSI"] = Variant("n", rssi_dbm)
        if said.manufacturer and _take(self._manufacturer, said.manufacturer, duplicates):
            data = {company: Variant("ay", value) for company, value in self._manufacturer.items()}
            changed["ManufacturerData"] = Variant("a{qv}", data)
        if said.services and _take(self._services, said.services, duplicates):
            services = {service: Variant("ay", value) for service, value in self._services.items()}
            changed["ServiceData"] = Variant("a{sv}", services)
        self._seldom(said, changed)
        self.properties.update(changed)
        return changed

    def forget_strength(self) -> list[str]:
        """Discovery ended: what is known of the signal's strength is void; the names to tell."""
        self._rssi_dbm = UNKNOWN_RSSI_DBM
        gone: list[str] = [name for name in ("RSSI", "TxPower") if name in self.properties]
        for name in gone:
            del self.properties[name]
        return gone

    def _rssi_told(self, rssi_dbm: int, threshold_db: int) -> bool:
        known = self._rssi_dbm != UNKNOWN_RSSI_DBM
        if known and abs(rssi_dbm - self._rssi_dbm) < threshold_db:
            return False
        self._rssi_dbm = rssi_dbm
        return True

    def _seldom(self, said: Said, changed: Properties) -> None:
        """What a tag says alike for years: only a difference is told."""
        news: Properties = {}
        known = self.properties["UUIDs"].value
        if said.uuids and not set(said.uuids) <= set(known):
            news["UUIDs"] = Variant("as", sorted({*known, *said.uuids}))
        if said.name:
            news["Name"] = news["Alias"] = Variant("s", said.name)
        if said.tx_power_dbm is not None:
            news["TxPower"] = Variant("n", said.tx_power_dbm)
        if said.flags:
            news["AdvertisingFlags"] = Variant("ay", said.flags)
        for name, value in news.items():
            if self.properties.get(name) != value:
                changed[name] = value


def _take(known: dict[_Key, bytes], heard: Mapping[_Key, bytes], duplicates: bool) -> bool:
    """Whether to tell the data `known` after `heard` came to it."""
    if duplicates:
        known.clear()
    elif all(known.get(key) == value for key, value in heard.items()):
        return False
    known.update(heard)
    return True
