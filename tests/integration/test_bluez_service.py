"""What the simulated bluetoothd answers on the bus, and with which of BlueZ's errors it refuses."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from firmware_sim.bluez.service import Service
from firmware_sim.bluez.simulated import SimulatedBluez

from tests.integration.bluez_rig import bluez

__all__ = ["bluez"]

HCI0 = "/org/bluez/hci0"
ADAPTER = "org.bluez.Adapter1"
MONITORS = "org.bluez.AdvertisementMonitorManager1"
PROPERTIES = "org.freedesktop.DBus.Properties"
TAG = HCI0 + "/dev_C0_00_00_00_00_01"
DATA = b"\x02\x01\x06"


class Client:
    """Somebody on the bus who talks to bluetoothd."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus

    async def call(
        self, interface: str, member: str, signature: str = "", *body: Any, path: str = HCI0
    ) -> Message:
        message = Message(
            destination="org.bluez",
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        return await self._bus.call(message)

    async def does(self, *call: Any) -> list[Any]:
        """The body of the answer, which is no error."""
        answer = await self.call(*call)
        assert answer.message_type is MessageType.METHOD_RETURN, answer.body
        return answer.body

    async def is_refused(self, *call: Any, path: str = HCI0) -> str:
        """The name of the error."""
        answer = await self.call(*call, path=path)
        assert answer.message_type is MessageType.ERROR
        return str(answer.error_name)


@pytest.fixture
async def client(bluez: SimulatedBluez) -> AsyncIterator[Client]:
    bus = await MessageBus(bus_address=bluez.address).connect()
    yield Client(bus)
    bus.disconnect()
    await bus.wait_for_disconnect()


async def test_all_objects_are_listed_with_their_interfaces(
    bluez: SimulatedBluez, client: Client
) -> None:
    adapter = bluez.add_adapter("hci0")
    bluez.add_adapter("hci1", monitors=False)
    bluez.add_adapter("hci2").unplug()
    await client.does(ADAPTER, "StartDiscovery")
    adapter.advert("C0:00:00:00:00:01", -60, DATA)
    answer = await client.call("org.freedesktop.DBus.ObjectManager", "GetManagedObjects", path="/")
    found = {path: sorted(interfaces) for path, interfaces in answer.body[0].items()}
    assert found == {
        "/org/bluez": ["org.bluez.AgentManager1"],
        HCI0: [ADAPTER, MONITORS],
        TAG: ["org.bluez.Device1"],
        "/org/bluez/hci1": [ADAPTER],
    }


async def test_a_device_is_removed_once(bluez: SimulatedBluez, client: Client) -> None:
    adapter = bluez.add_adapter("hci0")
    await client.does(ADAPTER, "StartDiscovery")
    adapter.advert("C0:00:00:00:00:01", -60, DATA)
    await client.does(ADAPTER, "RemoveDevice", "o", TAG)
    assert await client.is_refused(ADAPTER, "RemoveDevice", "o", TAG) == (
        "org.bluez.Error.DoesNotExist"
    )


async def test_properties_are_read_and_those_that_are_a_clients_are_written(
    bluez: SimulatedBluez, client: Client
) -> None:
    bluez.add_adapter("hci0")
    await client.does(PROPERTIES, "Set", "ssv", ADAPTER, "Alias", Variant("s", "pole"))
    (alias,) = await client.does(PROPERTIES, "Get", "ss", ADAPTER, "Alias")
    (everything,) = await client.does(PROPERTIES, "GetAll", "s", ADAPTER)
    assert alias.value == everything["Alias"].value == "pole"


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ((ADAPTER, "StopDiscovery"), "org.bluez.Error.Failed"),
        (
            (ADAPTER, "SetDiscoveryFilter", "a{sv}", {"RSSI": Variant("n", 21)}),
            "org.bluez.Error.InvalidArguments",
        ),
        ((MONITORS, "UnregisterMonitor", "o", "/mine"), "org.bluez.Error.DoesNotExist"),
        ((ADAPTER, "SetDiscoveryFilter"), "org.freedesktop.DBus.Error.UnknownMethod"),
        ((ADAPTER, "ConnectDevice", "a{sv}", {}), "org.freedesktop.DBus.Error.UnknownMethod"),
        (
            (PROPERTIES, "Set", "ssv", ADAPTER, "Address", Variant("s", "")),
            "org.freedesktop.DBus.Error.PropertyReadOnly",
        ),
        (
            (PROPERTIES, "Get", "ss", ADAPTER, "Colour"),
            "org.freedesktop.DBus.Error.InvalidArgs",
        ),
    ],
)
async def test_what_cannot_be_is_refused_as_bluez_refuses_it(
    bluez: SimulatedBluez, client: Client, call: tuple[Any, ...], error: str
) -> None:
    bluez.add_adapter("hci0")
    assert await client.is_refused(*call) == error


async def test_what_is_begun_cannot_be_begun_again(bluez: SimulatedBluez, client: Client) -> None:
    bluez.add_adapter("hci0")
    await client.does(ADAPTER, "StartDiscovery")
    await client.does(MONITORS, "RegisterMonitor", "o", "/mine")
    assert await client.is_refused(ADAPTER, "StartDiscovery") == "org.bluez.Error.InProgress"
    again = await client.is_refused(MONITORS, "RegisterMonitor", "o", "/mine")
    assert again == "org.bluez.Error.AlreadyExists"


async def test_an_adapter_that_is_off_or_not_there_does_nothing(
    bluez: SimulatedBluez, client: Client
) -> None:
    bluez.add_adapter("hci0").power(on=False)
    assert await client.is_refused(ADAPTER, "StartDiscovery") == "org.bluez.Error.NotReady"
    nowhere = await client.is_refused(ADAPTER, "StartDiscovery", path="/org/bluez/hci7")
    assert nowhere == "org.freedesktop.DBus.Error.UnknownMethod"


async def test_nobody_else_has_the_name_of_bluez_on_the_bus(bluez: SimulatedBluez) -> None:
    with pytest.raises(OSError, match="another service"):
        await Service({}).start(bluez.address)
