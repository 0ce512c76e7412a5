"""An advertisement monitor: BlueZ's passive scan, registered so that nothing is filtered away.

While any monitor is in use the kernel leaves the controller's duplicate filter off, in active scans
too. What the monitor itself finds is not asked for: the active scan hears the same adverts, each
with its own RSSI.

Source: BlueZ, doc/org.bluez.AdvertisementMonitor.rst.
"""

import asyncio
import itertools
import os
from typing import Annotated

from dbus_fast import Message, MessageType, PropertyAccess
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusObjectPath, DBusSignature, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

from gateway.tags.scan_problems import ANSWER_S

MONITOR_MANAGER = "org.bluez.AdvertisementMonitorManager1"
_MONITOR = "org.bluez.AdvertisementMonitor1"

_FLAGS = 0x01
_MANUFACTURER_DATA = 0xFF

PATTERNS = (
    (0, _FLAGS, b"\x06"),
    (0, _MANUFACTURER_DATA, b"\x4c\x00"),
)
"""What most tags begin with, as (start, type, bytes). Any monitor switches the filter off, so not
every tag need match; and with 8 patterns or more real bluetoothd (5.66, 5.82) dies at once: it
keeps the length of its message to the kernel, 1 + 34 bytes a pattern, in eight bits."""

_numbers = itertools.count(1)


class Monitor:
    """One monitor of one adapter on `bus`, from `register` to `stop`."""

    def __init__(self, bus: MessageBus, adapter_path: str) -> None:
        self.activated = asyncio.Event()
        self._bus = bus
        self._adapter_path = adapter_path
        self._path = f"/org/machimori/{os.getpid()}/{next(_numbers)}"
        self._interface = _Interface(self.activated)

    @property
    def active(self) -> bool:
        """Whether BlueZ uses it: it took it, and has not let it go since."""
        return self.activated.is_set() and self._bus.connected

    async def register(self) -> Message:
        """Ask BlueZ to use it; returns the answer. Exported only then: BlueZ waits for that."""
        reply = await self._bus.call(self._call("RegisterMonitor"))
        if reply.message_type is not MessageType.ERROR:
            self._bus.export(self._path, self._interface)
        return reply

    async def stop(self) -> None:
        """Withdraw it. What BlueZ answers is of no use: a restarted one never knew it.

        Raises TimeoutError where BlueZ hangs.
        """
        self._bus.unexport(self._path, self._interface)
        if self._bus.connected:
            async with asyncio.timeout(ANSWER_S):
                await self._bus.call(self._call("UnregisterMonitor"))

    def _call(self, member: str) -> Message:
        return Message(
            destination="org.bluez",
            path=self._adapter_path,
            interface=MONITOR_MANAGER,
            member=member,
            signature="o",
            body=[self._path],
        )


class _Interface(ServiceInterface):
    """What BlueZ calls; the names are its own."""

    def __init__(self, activated: asyncio.Event) -> None:
        super().__init__(_MONITOR)
        self._activated = activated

    @dbus_method()
    def Activate(self) -> None:  # noqa: N802 - BlueZ's name
        self._activated.set()

    @dbus_method()
    def Release(self) -> None:  # noqa: N802 - BlueZ's name
        self._activated.clear()

    @dbus_method()
    def DeviceFound(self, device: DBusObjectPath) -> None:  # noqa: N802 - BlueZ's name
        pass

    @dbus_method()
    def DeviceLost(self, device: DBusObjectPath) -> None:  # noqa: N802 - BlueZ's name
        pass

    @dbus_property(PropertyAccess.READ)
    def Type(self) -> DBusStr:  # noqa: N802 - BlueZ's name
        return "or_patterns"

    @dbus_property(PropertyAccess.READ)
    def Patterns(self) -> Annotated[list[tuple[int, int, bytes]], DBusSignature("a(yyay)")]:  # noqa: N802 - BlueZ's name
        return list(PATTERNS)
