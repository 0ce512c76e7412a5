"""One adapter: what its controller hears, what bluetoothd makes of it, and how it can fail."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from dbus_fast import Variant

from firmware_sim.bluez.device import Device, Properties
from firmware_sim.bluez.discovery import Discovery, Filter, merged
from firmware_sim.bluez.habits import (
    TEMPORARY_S,
    Controller,
    Version,
    habits_of,
)
from firmware_sim.bluez.monitors import Monitors
from firmware_sim.bluez.objects import (
    ADAPTER,
    DEVICE,
    MONITOR_MANAGER,
    Interfaces,
    Signals,
    adapter_properties,
    monitor_manager_properties,
)
from firmware_sim.bluez.radio import Radio
from firmware_sim.bluez.said import Said, said


class SimulatedAdapter:
    """An adapter of a simulated BlueZ; `SimulatedBluez.add_adapter` makes it.

    `counts` says what became of adverts: `told`, `unheard` (by the controller), `unwanted` (no
    client asked), `unchanged` (nothing new to tell). Faults: `unplug`/`plug`, `power`, `stick`,
    `lose_rssi`/`find_rssi`.
    """

    def __init__(
        self,
        name: str,
        address: str,
        *,
        version: Version,
        controller: Controller,
        monitors: bool,
        signals: Signals,
        monotonic: Callable[[], float],
    ) -> None:
        self.name = name
        self.path = f"/org/bluez/{name}"
        self.counts: Counter[str] = Counter()
        self.plugged = True
        self.has_monitors = monitors
        self.devices: dict[str, Device] = {}
        self.habits = habits_of(version)
        self.monitors = Monitors(self.habits)
        self._radio = Radio(controller)
        self._signals = signals
        self._monotonic = monotonic
        self._filters: dict[str, Filter | None] = {}
        self._discovering: set[str] = set()
        self._discovery = Discovery()
        self.properties: Properties = adapter_properties(name, address)

    # --- the air ------------------------------------------------------------------------------

    def advert(self, address: str, rssi_dbm: int, data: bytes, *, public: bool = False) -> None:
        """The air carried `data` (AD structures) from `address` here with `rssi_dbm`."""
        now_s = self._monotonic()
        discovery = self._discovery
        usable = self.plugged and self.powered
        if not usable or not self._radio.hears(
            address,
            now_s=now_s,
            monitored=self.monitors.active,
            discovering=discovery.active,
            filtered=discovery.filtered,
        ):
            self.counts["unheard"] += 1
            return
        content = said(data)
        rssi = None if self._radio.deaf_to_rssi else rssi_dbm
        wanted = discovery.wants(content, rssi_dbm=rssi, address=address)
        if not wanted and not self.monitors.matches(content):
            self.counts["unwanted"] += 1
            return
        self._tell(address, content, rssi, now_s, public=public)

    def _tell(
        self, address: str, content: Said, rssi_dbm: int | None, now_s: float, *, public: bool
    ) -> None:
        device = self.devices.get(address)
        known = device is not None
        if device is None:
            device = self.devices[address] = Device(self.path, address, public=public)
        device.heard_s = now_s
        changed = device.hear(
            content,
            rssi_dbm,
            threshold_db=self._discovery.threshold_db,
            duplicates=self._discovery.duplicate_data,
        )
        self.counts["told" if changed else "unchanged"] += 1
        if not known:
            self._signals.added(device.path, {DEVICE: device.properties})
        elif changed:
            self._signals.changed(device.path, DEVICE, changed, [])

    def forget_silent(self) -> None:
        """Forget the devices that were silent for `TEMPORARY_S`."""
        since = self._monotonic() - TEMPORARY_S
        for address in [a for a, device in self.devices.items() if device.heard_s < since]:
            self.remove_device(self.devices[address].path)

    # --- what clients ask for -----------------------------------------------------------------

    @property
    def powered(self) -> bool:
        return bool(self.properties["Powered"].value)

    @property
    def interfaces(self) -> Interfaces:
        """The interfaces at the adapter's path, with their properties."""
        found: Interfaces = {ADAPTER: self.properties}
        if self.has_monitors:
            found[MONITOR_MANAGER] = monitor_manager_properties()
        return found

    def set_filter(self, client: str, asked: Filter | None) -> None:
        """SetDiscoveryFilter of `client`."""
        self._filters[client] = asked
        self._discover()

    def start_discovery(self, client: str) -> bool:
        """StartDiscovery; False where this client discovers already."""
        if client in self._discovering:
            return False
        self._discovering.add(client)
        self._discover()
        return True

    def stop_discovery(self, client: str) -> bool:
        """StopDiscovery; False where this client does not discover."""
        if client not in self._discovering:
            return False
        self._discovering.remove(client)
        self._discover()
        return True

    def forget_client(self, client: str) -> None:
        """`client` left the bus."""
        self._filters.pop(client, None)
        self._discovering.discard(client)
        self.monitors.forget(client)
        self._discover()

    def remove_device(self, path: str) -> bool:
        """RemoveDevice; False where there is no such device."""
        address = path.removeprefix(f"{self.path}/dev_").replace("_", ":")
        if self.devices.pop(address, None) is None:
            return False
        self._signals.removed(path, [DEVICE])
        return True

    def _discover(self) -> None:
        """Clients came, left or asked for something else."""
        before = self._discovery
        filters = [self._filters.get(client) for client in sorted(self._discovering)]
        now = merged(filters, self.habits, le_only=self._radio.controller.le_only)
        self._discovery = now
        if now.active and now != before:
            self._radio.begin(self._monotonic())
        if now.active != before.active:
            self.set_property("Discovering", Variant("b", now.active))
        if before.active and not now.active:
            for device in self.devices.values():
                if gone := device.forget_strength():
                    self._signals.changed(device.path, DEVICE, {}, gone)

    def set_property(self, name: str, value: Variant) -> None:
        """A client gave a property a value."""
        self.properties[name] = value
        self._signals.changed(self.path, ADAPTER, {name: value}, [])

    def state(self) -> dict[str, Any]:
        """What is true of it, for a person or a trial."""
        return {
            "plugged": self.plugged,
            "powered": self.powered,
            "stuck": self._radio.stuck,
            "discovering": sorted(self._discovering),
            "filtered": self._discovery.filtered,
            "monitored": self.monitors.active,
            "devices": len(self.devices),
            "adverts": dict(self.counts),
        }

    # --- faults -------------------------------------------------------------------------------

    def power(self, *, on: bool) -> None:
        """Power the adapter on or off, as a client or rfkill does. Off ends all discoveries: the
        clients are not told. On again heals an adapter that is stuck, unless it is stubborn."""
        if on == self.powered:
            return
        if not on:
            self._discovering.clear()
            self._discover()
        else:
            self._radio.cycle_power()
        self.set_property("Powered", Variant("b", on))

    def stick(self, *, stubborn: bool = False) -> None:
        """From now on nothing is heard, and everything that is asked is answered as if it were
        well. A power-cycle or a new bluetoothd heals it; where `stubborn`, only the plug."""
        self._radio.stuck, self._radio.stubborn = True, stubborn

    def lose_rssi(self) -> None:
        """From now on adverts come without their RSSI."""
        self._radio.deaf_to_rssi = True
        for device in self.devices.values():
            if gone := device.forget_strength():
                self._signals.changed(device.path, DEVICE, {}, gone)

    def find_rssi(self) -> None:
        """Adverts come with their RSSI again."""
        self._radio.deaf_to_rssi = False

    def unplug(self) -> None:
        """Pull the adapter out: it and its devices leave the bus."""
        if not self.plugged:
            return
        for client, path in self.monitors.clear():
            self._signals.release(client, path)
        for path in [device.path for device in self.devices.values()]:
            self.remove_device(path)
        self.plugged = False
        self._signals.removed(self.path, list(self.interfaces))
        self.lose_state()

    def plug(self) -> None:
        """Put it in again, powered and healed; nobody discovers with it until asked."""
        if self.plugged:
            return
        self.plugged = True
        self._radio.replug()
        self._signals.added(self.path, self.interfaces)

    def lose_state(self) -> None:
        """bluetoothd ended, or lost this adapter: everything that it knew is gone."""
        self.devices.clear()
        self.monitors.clear()
        self._filters.clear()
        self._discovering.clear()
        self._discovery = Discovery()
        self._radio.cycle_power()
        self.properties |= {"Discovering": Variant("b", False), "Powered": Variant("b", True)}
