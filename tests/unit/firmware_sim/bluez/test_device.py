from firmware_sim.bluez.device import Device
from firmware_sim.bluez.said import said

APPLE = b"\x04\xff\x4c\x00\x01"
OTHER = b"\x04\xff\x18\x01\x02"
EDDYSTONE = b"\x04\x16\xaa\xfe\x00"
FEAA = "0000feaa-0000-1000-8000-00805f9b34fb"


def device():
    return Device("/org/bluez/hci0", "C0:00:00:00:00:0A", public=False)


def hear(tag, data, rssi_dbm=-60, *, threshold_db=8, duplicates=False):
    content = said(data) if isinstance(data, bytes) else data
    told = tag.hear(content, rssi_dbm, threshold_db=threshold_db, duplicates=duplicates)
    return {name: value.value for name, value in told.items()}


def test_its_path_and_its_address_are_as_bluez_makes_them():
    tag = device()
    assert tag.path == "/org/bluez/hci0/dev_C0_00_00_00_00_0A"
    assert tag.properties["Alias"].value == "C0-00-00-00-00-0A"
    assert tag.properties["AddressType"].value == "random"


def test_what_stayed_as_it_was_is_not_told_again():
    tag = device()
    assert set(hear(tag, APPLE + EDDYSTONE)) == {"RSSI", "ManufacturerData", "ServiceData"}
    assert hear(tag, APPLE + EDDYSTONE) == {}
    assert set(hear(tag, b"\x04\xff\x4c\x00\x02")) == {"ManufacturerData"}


def test_a_change_of_rssi_is_told_from_the_threshold_on_and_counts_from_what_was_told():
    tag = device()
    hear(tag, APPLE, -60)
    assert hear(tag, APPLE, -53) == {}
    assert hear(tag, APPLE, -52) == {"RSSI": -52}
    assert hear(tag, APPLE, -59) == {}
    assert hear(tag, APPLE, -60) == {"RSSI": -60}


def test_without_a_threshold_every_rssi_is_told_even_the_same():
    tag = device()
    assert hear(tag, APPLE, -60, threshold_db=0)["RSSI"] == -60
    assert hear(tag, APPLE, -60, threshold_db=0) == {"RSSI": -60}


def test_without_an_rssi_none_is_told_and_the_former_stays():
    tag = device()
    hear(tag, APPLE, -60)
    assert hear(tag, EDDYSTONE, None) == {"ServiceData": {FEAA: tag_value(tag)}}
    assert tag.properties["RSSI"].value == -60


def tag_value(tag):
    return tag.properties["ServiceData"].value[FEAA]


def test_data_of_several_companies_gathers_unless_a_client_asks_for_duplicates():
    tag = device()
    hear(tag, APPLE)
    assert set(hear(tag, OTHER)["ManufacturerData"]) == {0x004C, 0x0118}
    assert set(hear(tag, OTHER, duplicates=True)["ManufacturerData"]) == {0x0118}
    assert set(hear(tag, OTHER, duplicates=True)["ManufacturerData"]) == {0x0118}


def test_names_lists_power_and_flags_are_told_once():
    tag = device()
    seldom = b"\x04\x09abc\x03\x03\xaa\xfe\x02\x0a\xec\x02\x01\x06"
    told = hear(tag, seldom)
    assert told["Name"] == told["Alias"] == "abc"
    assert (told["UUIDs"], told["TxPower"], told["AdvertisingFlags"]) == ([FEAA], -20, b"\x06")
    assert hear(tag, seldom) == {}


def test_after_discovery_the_strength_is_void_and_the_next_is_told_whatever_it_is():
    tag = device()
    hear(tag, APPLE + b"\x02\x0a\xec", -60)
    assert sorted(tag.forget_strength()) == ["RSSI", "TxPower"]
    assert "RSSI" not in tag.properties
    assert hear(tag, APPLE, -60) == {"RSSI": -60}
