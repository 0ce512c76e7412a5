"""The objects of BlueZ on the bus: names, properties, and where their changes are told."""

from typing import Protocol

from dbus_fast import Variant

from firmware_sim.bluez.device import Properties

ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
MONITOR_MANAGER = "org.bluez.AdvertisementMonitorManager1"

Interfaces = dict[str, Properties]


class Signals(Protocol):
    """Where an adapter tells what changed; nothing where bluetoothd does not run."""

    def added(self, path: str, interfaces: Interfaces) -> None: ...
    def removed(self, path: str, interfaces: list[str]) -> None: ...
    def changed(self, path: str, interface: str, changed: Properties, gone: list[str]) -> None: ...
    def release(self, client: str, path: str) -> None: ...


def adapter_properties(name: str, address: str) -> Properties:
    """The properties of an adapter's `org.bluez.Adapter1`, powered and idle."""
    return {
        "Address": Variant("s", address),
        "AddressType": Variant("s", "public"),
        "Name": Variant("s", name),
        "Alias": Variant("s", name),
        "Class": Variant("u", 0),
        "Powered": Variant("b", True),
        "Discoverable": Variant("b", False),
        "DiscoverableTimeout": Variant("u", 180),
        "Pairable": Variant("b", False),
        "PairableTimeout": Variant("u", 0),
        "Discovering": Variant("b", False),
        "UUIDs": Variant("as", []),
        "Modalias": Variant("s", "usb:v1D6Bp0246d0542"),
        "Roles": Variant("as", ["central", "peripheral"]),
    }


def monitor_manager_properties() -> Properties:
    """The properties of an adapter's `org.bluez.AdvertisementMonitorManager1`."""
    return {
        "SupportedMonitorTypes": Variant("as", ["or_patterns"]),
        "SupportedFeatures": Variant("as", []),
    }
