"""`org.bluez` on a bus: answers what clients ask, and tells them what changed."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from dbus_fast import Message, MessageType, NameFlag, RequestNameReply, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from firmware_sim.bluez.adapter import SimulatedAdapter as Adapter
from firmware_sim.bluez.device import Properties
from firmware_sim.bluez.discovery import read_filter
from firmware_sim.bluez.habits import PATTERNS_MOST
from firmware_sim.bluez.monitors import Pattern
from firmware_sim.bluez.objects import ADAPTER, DEVICE, MONITOR_MANAGER, Interfaces
from firmware_sim.bluez.wire import BUS, call, call_bus, connect

NAME = "org.bluez"
MONITOR = "org.bluez.AdvertisementMonitor1"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
_ERROR = "org.bluez.Error."
_WRITABLE = ("Powered", "Alias", "Discoverable", "DiscoverableTimeout", "Pairable")

Answer = tuple[str, list[Any]]
"""Signature and body of an answer."""
NOTHING: Answer = ("", [])


class Service:
    """bluetoothd on a bus, from `start` to `stop`, as often as wanted.

    `adapters` (by object path) may change under it. While `hung`, it answers nobody.
    """

    def __init__(self, adapters: Mapping[str, Adapter]) -> None:
        self.hung = False
        self._adapters = adapters
        self._bus: MessageBus | None = None
        self._asked: dict[int, tuple[Adapter, tuple[str, str], str]] = {}
        self._watched: set[str] = set()
        self._methods: Mapping[tuple[str, str, str], Callable[[Message, Adapter], Answer]] = {
            (ADAPTER, "SetDiscoveryFilter", "a{sv}"): self._set_discovery_filter,
            (ADAPTER, "StartDiscovery", ""): self._start_discovery,
            (ADAPTER, "StopDiscovery", ""): self._stop_discovery,
            (ADAPTER, "RemoveDevice", "o"): self._remove_device,
            (MONITOR_MANAGER, "RegisterMonitor", "o"): self._register_monitor,
            (MONITOR_MANAGER, "UnregisterMonitor", "o"): self._unregister_monitor,
            (PROPERTIES, "Get", "ss"): self._get,
            (PROPERTIES, "GetAll", "s"): self._get_all,
            (PROPERTIES, "Set", "ssv"): self._set,
        }

    @property
    def running(self) -> bool:
        return self._bus is not None

    async def start(self, address: str) -> None:
        """Take the name on the bus at `address` and tell of the adapters. Raises OSError where
        another has the name."""
        bus = await connect(address)
        bus.add_message_handler(self._take)
        rule = f"type='signal',sender='{BUS}',member='NameOwnerChanged'"
        await bus.call(call_bus("AddMatch", rule))
        if await bus.request_name(NAME, NameFlag.DO_NOT_QUEUE) != RequestNameReply.PRIMARY_OWNER:
            bus.disconnect()
            raise OSError(f"another service is {NAME} on {address}")
        self._bus = bus
        for adapter in self._adapters.values():
            if adapter.plugged:
                self.added(adapter.path, adapter.interfaces)

    async def stop(self) -> None:
        """Leave the bus, as when killed; whatever it knew is lost."""
        bus = self._bus
        self._die()
        if bus is not None:
            with suppress(EOFError, OSError):  # the bus itself may be gone
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast's own gap

    def _die(self) -> None:
        bus, self._bus = self._bus, None
        self.hung = False
        self._asked.clear()
        self._watched.clear()
        for adapter in self._adapters.values():
            adapter.lose_state()
        if bus is not None:
            bus.disconnect()

    # --- what is told -------------------------------------------------------------------------

    def added(self, path: str, interfaces: Interfaces) -> None:
        self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def removed(self, path: str, interfaces: list[str]) -> None:
        self._signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", [path, interfaces])

    def changed(self, path: str, interface: str, changed: Properties, gone: list[str]) -> None:
        body = [interface, changed, gone]
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    def release(self, client: str, path: str) -> None:
        self._send(call(client, path, MONITOR, "Release"))

    def _signal(self, path: str, interface: str, member: str, signature: str, body: Any) -> None:
        self._send(Message.new_signal(path, interface, member, signature, body))

    def _send(self, message: Message) -> None:
        if self._bus is not None and not self.hung:
            self._bus.send(message)

    # --- what is asked ------------------------------------------------------------------------

    def _take(self, message: Message) -> Message | bool | None:
        match message.message_type:
            case MessageType.METHOD_CALL:
                return True if self.hung else self._answer(message)
            case MessageType.SIGNAL if message.member == "NameOwnerChanged":
                name, _, owner = message.body
                if not owner:
                    self._forget_client(name)
            case MessageType.SIGNAL if message.member == "InterfacesAdded":
                path, interfaces = message.body
                if MONITOR in interfaces:
                    self._monitor_appeared(str(message.sender), path)
            case MessageType.METHOD_RETURN if message.reply_serial in self._asked:
                self._monitor_told(*self._asked.pop(message.reply_serial), message.body[0])
            case MessageType.ERROR:
                self._asked.pop(message.reply_serial, None)
        return None

    def _answer(self, message: Message) -> Message | None:
        asked = (str(message.interface), str(message.member), message.signature)
        if asked == (OBJECT_MANAGER, "GetManagedObjects", "") and message.path == "/":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [self._objects()])
        adapter = self._adapters.get(str(message.path))
        method = self._methods.get(asked)
        if adapter is None or not adapter.plugged or method is None:
            return None  # dbus-fast says that there is no such method
        if asked[0] == MONITOR_MANAGER and not adapter.has_monitors:
            return None
        if asked[0] == ADAPTER and not adapter.powered:
            raise DBusError(_ERROR + "NotReady", "Resource Not Ready")
        signature, body = method(message, adapter)
        return Message.new_method_return(message, signature, body)

    def _objects(self) -> dict[str, Interfaces]:
        found: dict[str, Interfaces] = {"/org/bluez": {"org.bluez.AgentManager1": {}}}
        for adapter in self._adapters.values():
            if adapter.plugged:
                found[adapter.path] = adapter.interfaces
                for device in adapter.devices.values():
                    found[device.path] = {DEVICE: device.properties}
        return found

    def _set_discovery_filter(self, message: Message, adapter: Adapter) -> Answer:
        try:
            asked = read_filter(message.body[0])
        except ValueError as error:
            raise DBusError(_ERROR + "InvalidArguments", str(error)) from error
        adapter.set_filter(str(message.sender), asked)
        return NOTHING

    def _start_discovery(self, message: Message, adapter: Adapter) -> Answer:
        if not adapter.start_discovery(str(message.sender)):
            raise DBusError(_ERROR + "InProgress", "Operation already in progress")
        return NOTHING

    def _stop_discovery(self, message: Message, adapter: Adapter) -> Answer:
        if not adapter.stop_discovery(str(message.sender)):
            raise DBusError(_ERROR + "Failed", "No discovery started")
        return NOTHING

    def _remove_device(self, message: Message, adapter: Adapter) -> Answer:
        if not adapter.remove_device(message.body[0]):
            raise DBusError(_ERROR + "DoesNotExist", "Does Not Exist")
        return NOTHING

    def _register_monitor(self, message: Message, adapter: Adapter) -> Answer:
        client = str(message.sender)
        if not adapter.monitors.register(client, message.body[0]):
            raise DBusError(_ERROR + "AlreadyExists", "Already Exists")
        if client not in self._watched:  # it shows its monitor as soon as it has the answer
            self._watched.add(client)
            self._send(call_bus("AddMatch", _shown_by(client)))
        return NOTHING

    def _unregister_monitor(self, message: Message, adapter: Adapter) -> Answer:
        if not adapter.monitors.unregister(str(message.sender), message.body[0]):
            raise DBusError(_ERROR + "DoesNotExist", "Does Not Exist")
        return NOTHING

    def _get(self, message: Message, adapter: Adapter) -> Answer:
        interface, name = message.body
        known = adapter.interfaces.get(interface, {})
        if name not in known:
            raise DBusError(BUS + ".Error.InvalidArgs", f"No such property '{name}'")
        return "v", [known[name]]

    def _get_all(self, message: Message, adapter: Adapter) -> Answer:
        return "a{sv}", [adapter.interfaces.get(message.body[0], {})]

    def _set(self, message: Message, adapter: Adapter) -> Answer:
        _, name, value = message.body
        if name not in _WRITABLE or value.signature != adapter.properties[name].signature:
            raise DBusError(BUS + ".Error.PropertyReadOnly", f"Property '{name}' is read-only")
        if name == "Powered":
            adapter.power(on=value.value)
        else:
            adapter.set_property(name, value)
        return NOTHING

    # --- clients and their monitors -----------------------------------------------------------

    def _forget_client(self, client: str) -> None:
        for adapter in self._adapters.values():
            adapter.forget_client(client)
        if client in self._watched:
            self._watched.remove(client)
            self._send(call_bus("RemoveMatch", _shown_by(client)))

    def _monitor_appeared(self, client: str, path: str) -> None:
        for adapter in self._adapters.values():
            key = adapter.monitors.awaited(client, path)
            if key is not None and self._bus is not None:
                question = call(client, path, PROPERTIES, "GetAll", MONITOR)
                question.serial = self._bus.next_serial()
                self._asked[question.serial] = (adapter, key, path)
                self._send(question)

    def _monitor_told(
        self, adapter: Adapter, key: tuple[str, str], path: str, said: Mapping[str, Variant]
    ) -> None:
        kind, patterns = said.get("Type"), said.get("Patterns")
        if kind is None or patterns is None or kind.value != "or_patterns":
            found = []
        else:
            found = [Pattern(start, of, bytes(content)) for start, of, content in patterns.value]
        if len(found) > PATTERNS_MOST:
            self._die()
        elif found:
            adapter.monitors.activate(key, found)
        self._send(call(key[0], path, MONITOR, "Activate" if found else "Release"))


def _shown_by(client: str) -> str:
    return f"type='signal',sender='{client}',member='InterfacesAdded'"
