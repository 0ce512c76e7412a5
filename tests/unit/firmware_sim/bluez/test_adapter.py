import pytest
from dbus_fast import Variant
from firmware_sim.bluez.adapter import SimulatedAdapter
from firmware_sim.bluez.discovery import Filter
from firmware_sim.bluez.habits import TEMPORARY_S, Controller
from firmware_sim.bluez.monitors import Pattern
from firmware_sim.bluez.objects import ADAPTER, DEVICE, MONITOR_MANAGER

HCI0 = "/org/bluez/hci0"
TAG = "C0:00:00:00:00:01"
AT_TAG = HCI0 + "/dev_C0_00_00_00_00_01"
DATA = b"\x02\x01\x06\x04\xff\x4c\x00\x01"
EVERY = Filter(transport="le", rssi_dbm=-127)
ME = ":1.1"


@pytest.fixture
def adapter(told, clock):
    return SimulatedAdapter(
        "hci0",
        "00:11:22:33:44:00",
        version=(5, 66),
        controller=Controller(),
        monitors=True,
        signals=told,
        monotonic=clock,
    )


@pytest.fixture
def scanning(adapter, told):
    adapter.set_filter(ME, EVERY)
    adapter.start_discovery(ME)
    told.take()
    return adapter


def test_nothing_is_told_before_a_client_asks(adapter, told):
    adapter.advert(TAG, -60, DATA)
    assert told.take() == []
    assert adapter.counts == {"unheard": 1}


def test_the_first_advert_of_a_device_shows_it_and_the_next_tells_what_changed(scanning, told):
    scanning.advert(TAG, -60, DATA)
    scanning.advert(TAG, -61, DATA)
    assert told.take() == [
        ("added", AT_TAG, [DEVICE]),
        ("changed", AT_TAG, DEVICE, {"RSSI": -61}, []),
    ]


def test_an_advert_that_no_client_wants_is_not_told(adapter, told):
    adapter.set_filter(ME, Filter(rssi_dbm=-50))
    adapter.start_discovery(ME)
    told.take()
    adapter.advert(TAG, -60, DATA)
    assert told.take() == []
    assert adapter.counts == {"unwanted": 1}


def test_a_monitor_alone_lets_through_what_matches_and_keeps_small_changes_of_rssi(adapter, told):
    adapter.monitors.register(ME, "/m")
    adapter.monitors.activate((ME, "/m"), [Pattern(0, 0xFF, b"\x4c\x00")])
    for rssi_dbm, data in ((-60, DATA), (-67, DATA), (-68, DATA), (-60, b"\x02\x01\x06")):
        adapter.advert(TAG, rssi_dbm, data)
    assert [signal[0] for signal in told.take()] == ["added", "changed"]
    assert adapter.counts == {"told": 2, "unchanged": 1, "unwanted": 1}


def test_the_last_clients_stop_ends_discovery_and_voids_what_is_known_of_strength(scanning, told):
    scanning.start_discovery(":1.2")
    scanning.advert(TAG, -60, DATA)
    assert scanning.stop_discovery(ME)
    told.take()
    scanning.forget_client(":1.2")
    assert told.take() == [
        ("changed", HCI0, ADAPTER, {"Discovering": False}, []),
        ("changed", AT_TAG, DEVICE, {}, ["RSSI"]),
    ]


def test_who_discovers_cannot_start_again_and_who_does_not_cannot_stop(scanning):
    assert not scanning.start_discovery(ME)
    assert not scanning.stop_discovery(":1.2")


def test_a_silent_device_is_forgotten(scanning, told, clock):
    scanning.advert(TAG, -60, DATA)
    clock.now_s += TEMPORARY_S
    scanning.forget_silent()
    assert TAG in scanning.devices
    clock.now_s += 1.0
    told.take()
    scanning.forget_silent()
    assert told.take() == [("removed", AT_TAG, [DEVICE])]
    assert scanning.devices == {}


def test_a_device_is_removed_on_demand_and_an_unknown_one_is_not(scanning, told):
    scanning.advert(TAG, -60, DATA)
    assert scanning.remove_device(AT_TAG)
    assert not scanning.remove_device(AT_TAG)


def test_power_off_ends_every_discovery_and_power_on_does_not_start_it(scanning, told):
    scanning.power(on=False)
    scanning.power(on=True)
    assert [signal[3] for signal in told.take()] == [
        {"Discovering": False},
        {"Powered": False},
        {"Powered": True},
    ]
    scanning.advert(TAG, -60, DATA)
    assert scanning.counts == {"unheard": 1}


def test_the_plug_takes_adapter_devices_and_monitors_away_and_gives_a_fresh_one(scanning, told):
    scanning.monitors.register(ME, "/m")
    scanning.advert(TAG, -60, DATA)
    told.take()
    scanning.unplug()
    scanning.unplug()
    scanning.plug()
    scanning.plug()
    assert told.take() == [
        ("release", ME, "/m"),
        ("removed", AT_TAG, [DEVICE]),
        ("removed", HCI0, [ADAPTER, MONITOR_MANAGER]),
        ("added", HCI0, [ADAPTER, MONITOR_MANAGER]),
    ]
    assert scanning.state()["discovering"] == []


def test_a_lost_rssi_is_absent_from_every_device_and_from_what_comes(scanning, told):
    scanning.advert(TAG, -60, DATA)
    told.take()
    scanning.lose_rssi()
    scanning.advert(TAG, -60, DATA[:-1] + b"\x02")
    assert told.take() == [
        ("changed", AT_TAG, DEVICE, {}, ["RSSI"]),
        ("changed", AT_TAG, DEVICE, {"ManufacturerData": {0x4C: Variant("ay", b"\x02")}}, []),
    ]


def test_of_many_strangers_it_knows_only_those_of_the_last_half_minute(scanning, clock):
    for stranger in range(3_000):
        scanning.advert(f"C0:00:00:00:{stranger >> 8:02X}:{stranger & 255:02X}", -60, DATA)
        clock.now_s += 0.1
        if stranger % 10 == 0:
            scanning.forget_silent()
    assert len(scanning.devices) <= TEMPORARY_S / 0.1 + 11
