"""What is asked of BlueZ beside bleak, over a D-Bus connection of its own.

Whether an adapter is there, and its changes at once (bleak goes silent without an error when an
adapter is pulled out or bluetoothd is restarted); the power of an adapter; and a monitor, which
makes the kernel switch the controller's duplicate filter off.

The monitor is not bleak's passive scanner, though on the bus the two are the same: bleak would
build each advert once more for it, and does not tell whether BlueZ took the monitor into use.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from bleak.exc import BleakDBusError, BleakError
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from gateway.tags.scan_monitor import MONITOR_MANAGER, Monitor
from gateway.tags.scan_problems import ANSWER_S

BLUEZ = "org.bluez"
_ADAPTER = "org.bluez.Adapter1"
_DEVICE = "org.bluez.Device1"
_OBJECTS = "org.freedesktop.DBus.ObjectManager"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_DBUS = "org.freedesktop.DBus"

ACTIVATION_S = 2.0
POWER_OFF_S = 1.0


class OnChange(Protocol):
    """Called with an adapter ("" for all), and whether it came or went."""

    def __call__(self, adapter: str, *, here: bool) -> None: ...


_SIGNALS = (
    f"type='signal',sender='{_DBUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
    f"type='signal',sender='{BLUEZ}',interface='{_OBJECTS}',arg0path='{{path}}'",
    f"type='signal',sender='{BLUEZ}',interface='{_PROPERTIES}',member='PropertiesChanged',"
    "path='{path}'",
)


class Sight(NamedTuple):
    """An adapter as BlueZ shows it; `devices` are the object paths of those it knows."""

    powered: bool
    monitors: bool
    connected: bool
    devices: frozenset[str]


class InUseError(BleakError):
    """The adapter's power was left alone: another program is connected to a device through it."""


class Bluez:
    """BlueZ on the system bus, for these adapters. Connects when first asked, and anew if lost.

    Everything that asks raises one of `scan_problems.SCAN_ERRORS`.
    """

    def __init__(self, adapters: frozenset[str], on_change: OnChange) -> None:
        self._adapters = adapters
        self._on_change = on_change
        self._bus: MessageBus | None = None
        self._connecting = asyncio.Lock()

    @property
    def connected(self) -> bool:
        """Whether the bus is there; where it is gone, so is every scan."""
        return self._bus is not None and self._bus.connected

    def close(self) -> None:
        """Leave the bus, and with it every monitor."""
        if self._bus is not None:
            self._bus.disconnect()
            self._bus = None

    async def look(self, adapter: str) -> Sight:
        """What BlueZ says of the adapter; BleakError where it is not there."""
        path = _path(adapter)
        reply = await self._call("/", _OBJECTS, "GetManagedObjects")
        objects: Mapping[str, Mapping[str, Mapping[str, Variant]]] = reply.body[0]
        if _ADAPTER not in objects.get(path, {}):
            raise BleakError(f"adapter '{adapter}' not found")
        devices = {
            device: interfaces[_DEVICE]
            for device, interfaces in objects.items()
            if _DEVICE in interfaces and device.startswith(f"{path}/")
        }
        return Sight(
            powered=bool(objects[path][_ADAPTER]["Powered"].value),
            monitors=MONITOR_MANAGER in objects[path],
            connected=any(_true(properties, "Connected") for properties in devices.values()),
            devices=frozenset(devices),
        )

    async def power_cycle(self, adapter: str) -> None:
        """Switch the adapter off and on. Raises InUseError where that would cut a connection."""
        sight = await self.look(adapter)
        if sight.connected:
            raise InUseError(f"a device is connected through {adapter}")
        if not sight.powered:
            await self._power(adapter, on=True)
            return
        try:
            await self._power(adapter, on=False)
            await asyncio.sleep(POWER_OFF_S)
        finally:
            await self._power(adapter, on=True)

    async def monitor(self, adapter: str) -> Monitor:
        """Register a monitor on the adapter; `Monitor.active` tells whether BlueZ uses it."""
        monitor = Monitor(await self._connected_bus(), _path(adapter))
        async with asyncio.timeout(ANSWER_S):
            _check(await monitor.register())
        with contextlib.suppress(TimeoutError):  # without it the scan goes on, less well
            async with asyncio.timeout(ACTIVATION_S):
                await monitor.activated.wait()
        return monitor

    async def _power(self, adapter: str, *, on: bool) -> None:
        await self._call(
            _path(adapter), _PROPERTIES, "Set", "ssv", [_ADAPTER, "Powered", Variant("b", on)]
        )

    async def _call(
        self, path: str, interface: str, member: str, signature: str = "", body: Any = ()
    ) -> Message:
        message = Message(
            destination=BLUEZ,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        async with asyncio.timeout(ANSWER_S):
            bus = await self._connected_bus()
            reply = await bus.call(message)
        return _check(reply)

    async def _connected_bus(self) -> MessageBus:
        async with self._connecting:
            if self._bus is None or not self._bus.connected:
                self.close()
                self._bus = await self._connect()
            return self._bus

    async def _connect(self) -> MessageBus:
        bus = MessageBus(bus_type=BusType.SYSTEM)
        try:
            await bus.connect()
            bus.add_message_handler(self._on_message)
            rules = {
                rule.format(path=_path(adapter)) for rule in _SIGNALS for adapter in self._adapters
            }
            for rule in sorted(rules):
                _check(await bus.call(_dbus_call("AddMatch", rule)))
        except BaseException:
            bus.disconnect()
            raise
        return bus

    def _on_message(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        match message.member, message.body:
            case "NameOwnerChanged", [str(name), str(old), str(new)] if name == BLUEZ:
                if old:
                    self._on_change("", here=False)
                if new:
                    self._on_change("", here=True)
            case "InterfacesAdded", [str(path), interfaces] if _ADAPTER in interfaces:
                self._on_change(_name(path), here=True)
            case "InterfacesRemoved", [str(path), interfaces] if _ADAPTER in interfaces:
                self._on_change(_name(path), here=False)
            case "PropertiesChanged", [str(interface), changed, _] if (
                interface == _ADAPTER and "Powered" in changed and message.path is not None
            ):
                self._on_change(_name(message.path), here=_true(changed, "Powered"))


def _path(adapter: str) -> str:
    return f"/org/bluez/{adapter}"


def _name(path: str) -> str:
    return path.removeprefix("/org/bluez/")


def _true(properties: Mapping[str, Variant], name: str) -> bool:
    return name in properties and bool(properties[name].value)


def _dbus_call(member: str, argument: str) -> Message:
    return Message(
        destination=_DBUS,
        path="/org/freedesktop/DBus",
        interface=_DBUS,
        member=member,
        signature="s",
        body=[argument],
    )


def _check(reply: Message) -> Message:
    if reply.message_type is MessageType.ERROR:
        raise BleakDBusError(reply.error_name or "", reply.body)
    return reply
