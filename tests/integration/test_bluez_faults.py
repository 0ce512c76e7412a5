"""What an unmodified bleak sees of each fault: mostly nothing at all, which is the trap."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from bleak import BleakScanner
from bleak.args.bluez import OrPattern
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDBusError, BleakError
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from firmware_sim.bluez.adapter import SimulatedAdapter
from firmware_sim.bluez.beacons import Beacon
from firmware_sim.bluez.simulated import SimulatedBluez

from tests.integration.bluez_rig import bluez, on_air

__all__ = ["bluez"]

BEACONS = tuple(Beacon(number) for number in range(4))
INTERVAL_S = 0.02
WHILE_S = 0.3
SOON_S = 5.0
FLAGS = OrPattern(0, 0x01, b"\x06")


class Ear:
    """A scan by bleak, and what it heard."""

    def __init__(self, adapter: str = "hci0", *, passive: bool = False) -> None:
        self.heard: list[int] = []
        self._news = asyncio.Event()
        if passive:
            options = {"adapter": adapter, "or_patterns": [FLAGS]}
            self.scan = BleakScanner(self._take, scanning_mode="passive", bluez=options)
        else:
            self.scan = BleakScanner(
                self._take, bluez={"adapter": adapter, "filters": {"RSSI": -127}}
            )

    def _take(self, _: BLEDevice, data: AdvertisementData) -> None:
        self.heard.append(data.rssi)
        self._news.set()

    async def hears(self) -> None:
        """Wait until it hears something new."""
        self._news.clear()
        async with asyncio.timeout(SOON_S):
            await self._news.wait()

    async def is_silent(self) -> bool:
        """Whether it hears nothing for a while, after what is on its way arrived."""
        await asyncio.sleep(0.05)
        before = len(self.heard)
        await asyncio.sleep(WHILE_S)
        return len(self.heard) == before


@pytest.fixture
async def adapter(bluez: SimulatedBluez) -> AsyncIterator[SimulatedAdapter]:
    """An adapter, with tags in its air."""
    adapter = bluez.add_adapter("hci0")
    async with on_air([adapter], BEACONS, interval_s=INTERVAL_S):
        yield adapter


async def call(bluez: SimulatedBluez, interface: str, member: str, *body, signature="") -> Message:
    """A call of the adapter by another client of the bus, which then leaves."""
    bus = await MessageBus(bus_address=bluez.address).connect()
    message = Message(
        destination="org.bluez",
        path="/org/bluez/hci0",
        interface=interface,
        member=member,
        signature=signature,
        body=list(body),
    )
    answer = await bus.call(message)
    bus.disconnect()
    await bus.wait_for_disconnect()
    return answer


async def power(bluez: SimulatedBluez, *, on: bool) -> None:
    answer = await call(
        bluez,
        "org.freedesktop.DBus.Properties",
        "Set",
        "org.bluez.Adapter1",
        "Powered",
        Variant("b", on),
        signature="ssv",
    )
    assert answer.message_type is MessageType.METHOD_RETURN


async def test_an_unplugged_adapter_leaves_bleak_silent_without_an_error(
    adapter: SimulatedAdapter,
) -> None:
    ear = Ear()
    await ear.scan.start()
    await ear.hears()
    adapter.unplug()
    assert await ear.is_silent()
    with pytest.raises(BleakDBusError):
        await ear.scan.stop()
    with pytest.raises(BleakError, match="not found"):
        await Ear().scan.start()


async def test_an_adapter_put_in_again_is_heard_by_a_new_scanner_only(
    adapter: SimulatedAdapter,
) -> None:
    old = Ear()
    await old.scan.start()
    await old.hears()
    adapter.unplug()
    adapter.plug()
    assert await old.is_silent()
    with pytest.raises(BleakDBusError):
        await old.scan.stop()
    new = Ear()
    async with new.scan:
        await new.hears()


async def test_a_restarted_bluetoothd_leaves_bleak_silent_without_an_error(
    bluez: SimulatedBluez, adapter: SimulatedAdapter
) -> None:
    old, passive = Ear(), Ear(passive=True)
    await old.scan.start()
    await passive.scan.start()
    await old.hears()
    await bluez.restart(down_s=0.05)
    assert await old.is_silent()
    assert adapter.devices == {}
    for dead in (old, passive):
        with pytest.raises(BleakDBusError):
            await dead.scan.stop()
    new = Ear()
    async with new.scan:
        await new.hears()


async def test_while_bluetoothd_is_down_nobody_has_its_name(
    bluez: SimulatedBluez, adapter: SimulatedAdapter
) -> None:
    await bluez.kill()
    with pytest.raises(BleakDBusError, match="ServiceUnknown"):
        await Ear().scan.start()
    await bluez.start()
    async with (ear := Ear()).scan:
        await ear.hears()


async def test_a_stuck_discovery_answers_well_and_only_a_power_cycle_heals_it(
    bluez: SimulatedBluez, adapter: SimulatedAdapter
) -> None:
    old = Ear()
    await old.scan.start()
    await old.hears()
    adapter.stick()
    assert await old.is_silent()
    await old.scan.stop()
    new = Ear()
    async with new.scan:
        assert await new.is_silent()
        assert adapter.properties["Discovering"].value
    await power(bluez, on=False)
    await power(bluez, on=True)
    async with (healed := Ear()).scan:
        await healed.hears()


async def test_where_it_is_stubborn_not_even_a_power_cycle_heals_it(
    bluez: SimulatedBluez, adapter: SimulatedAdapter
) -> None:
    adapter.stick(stubborn=True)
    await power(bluez, on=False)
    await power(bluez, on=True)
    await bluez.restart(down_s=0.0)
    async with (ear := Ear()).scan:
        assert await ear.is_silent()
    adapter.unplug()
    adapter.plug()
    async with (ear := Ear()).scan:
        await ear.hears()


async def test_a_lost_rssi_is_a_number_that_looks_like_one(adapter: SimulatedAdapter) -> None:
    async with (ear := Ear()).scan:
        await ear.hears()
        assert -127 not in ear.heard
        adapter.lose_rssi()
        await asyncio.sleep(0.05)
        ear.heard.clear()
        await ear.hears()
        assert set(ear.heard) == {-127}
        adapter.find_rssi()
        await asyncio.sleep(0.1)
        assert ear.heard[-1] != -127


async def test_power_off_is_silence_and_power_on_alone_does_not_end_it(
    bluez: SimulatedBluez, adapter: SimulatedAdapter
) -> None:
    ear = Ear()
    await ear.scan.start()
    await ear.hears()
    adapter.power(on=False)
    assert await ear.is_silent()
    with pytest.raises(BleakDBusError, match="NotReady"):
        await Ear().scan.start()
    await power(bluez, on=True)
    assert await ear.is_silent()


async def test_without_monitors_a_passive_scan_is_refused_and_an_active_one_is_not(
    bluez: SimulatedBluez,
) -> None:
    adapter = bluez.add_adapter("hci0", monitors=False)
    with pytest.raises(BleakError, match="experimental"):
        await Ear(passive=True).scan.start()
    async with on_air([adapter], BEACONS, interval_s=INTERVAL_S), (ear := Ear()).scan:
        await ear.hears()


@pytest.mark.parametrize(("patterns", "lives"), [(7, True), (8, False)])
async def test_a_monitor_of_more_than_seven_patterns_ends_bluetoothd(
    bluez: SimulatedBluez, adapter: SimulatedAdapter, patterns: int, lives: bool
) -> None:
    options = {"adapter": "hci0", "or_patterns": [FLAGS] * patterns}
    await BleakScanner(scanning_mode="passive", bluez=options).start()
    await asyncio.sleep(WHILE_S)
    assert bluez.running == lives


async def test_a_bluetoothd_that_hangs_answers_nobody_until_it_wakes(
    bluez: SimulatedBluez, adapter: SimulatedAdapter
) -> None:
    async with (ear := Ear()).scan:
        await ear.hears()
        bluez.hang()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(WHILE_S):
                await Ear(passive=True).scan.start()
        assert await ear.is_silent()
        bluez.wake()
        await ear.hears()


async def test_the_discovery_of_a_client_that_leaves_the_bus_ends(
    bluez: SimulatedBluez, adapter: SimulatedAdapter
) -> None:
    await call(bluez, "org.bluez.Adapter1", "StartDiscovery")
    asked = ("org.bluez.Adapter1", "Discovering")
    answer = await call(bluez, "org.freedesktop.DBus.Properties", "Get", *asked, signature="ss")
    assert answer.body[0].value is False
    assert adapter.state()["discovering"] == []


async def test_two_adapters_are_heard_apart_and_one_that_fails_leaves_the_other(
    bluez: SimulatedBluez, adapter: SimulatedAdapter
) -> None:
    second = bluez.add_adapter("hci1", version=(5, 82), le_only=True)
    async with (
        on_air([second], BEACONS, interval_s=INTERVAL_S),
        (first_ear := Ear()).scan,
        (second_ear := Ear("hci1")).scan,
    ):
        await first_ear.hears()
        await second_ear.hears()
        second.stick()
        assert await second_ear.is_silent()
        await first_ear.hears()
