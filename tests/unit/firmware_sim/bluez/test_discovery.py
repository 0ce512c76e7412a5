import pytest
from dbus_fast import Variant
from firmware_sim.bluez.discovery import Filter, merged, read_filter
from firmware_sim.bluez.habits import habits_of
from firmware_sim.bluez.said import said

OLD, NEW, NEWEST = habits_of((5, 66)), habits_of((5, 82)), habits_of((5, 88))
FEAA = "0000feaa-0000-1000-8000-00805f9b34fb"
EDDYSTONE = said(b"\x03\x03\xaa\xfe")
POWERED = said(b"\x02\x0a\xec")  # -20 dBm
NAMED = said(b"\x04\x09abc")
ADDRESS = "C0:00:00:00:00:01"
BLEAK = Filter(transport="le")


def wants(some, content, rssi_dbm=-60, *, le_only=False, habits=OLD):
    discovery = merged(some, habits, le_only=le_only)
    return discovery.wants(content, rssi_dbm=rssi_dbm, address=ADDRESS)


def test_the_filter_of_bleak_is_read():
    given = {
        "Transport": Variant("s", "le"),
        "DuplicateData": Variant("b", False),
        "RSSI": Variant("n", -127),
        "UUIDs": Variant("as", [FEAA.upper()]),
    }
    assert read_filter(given) == Filter(frozenset({FEAA}), rssi_dbm=-127, transport="le")


def test_a_filter_without_words_takes_the_filter_back():
    assert read_filter({}) is None


@pytest.mark.parametrize(
    "given",
    [
        {"RSSI": Variant("n", -128)},
        {"RSSI": Variant("i", -60)},
        {"Pathloss": Variant("n", 60)},
        {"RSSI": Variant("n", -60), "Pathloss": Variant("q", 60)},
        {"Transport": Variant("s", "lte")},
        {"Color": Variant("s", "red")},
    ],
)
def test_a_filter_that_bluez_does_not_take_is_an_error(given):
    with pytest.raises(ValueError):  # noqa: PT011 -- each has its own words
        read_filter(given)


def test_without_clients_nothing_is_wanted():
    assert not wants([], EDDYSTONE)


def test_each_client_is_asked_by_itself_and_one_is_enough():
    near = Filter(rssi_dbm=-50)
    eddystone = Filter(uuids=frozenset({FEAA}))
    assert wants([near], POWERED, -50)
    assert not wants([near], EDDYSTONE, -51)
    assert wants([near, eddystone], EDDYSTONE, -51)
    assert not wants([near, eddystone], POWERED, -51)
    assert wants([near, None], POWERED, -90)


def test_path_loss_needs_the_power_that_the_advert_tells():
    within = Filter(pathloss_db=40)
    assert wants([within], POWERED, -60)
    assert not wants([within], POWERED, -61)
    assert not wants([within], EDDYSTONE, -30)


def test_a_pattern_is_the_beginning_of_an_address_or_a_name():
    assert wants([Filter(pattern="C0:00")], EDDYSTONE)
    assert wants([Filter(pattern="ab")], NAMED)
    assert not wants([Filter(pattern="xy")], NAMED)


def test_who_looks_for_bredr_only_hears_no_adverts():
    assert not wants([Filter(transport="bredr")], EDDYSTONE)


@pytest.mark.parametrize(
    ("asked", "habits", "le_only", "threshold_db"),
    [
        (None, OLD, False, 8),
        (BLEAK, OLD, False, 0),
        (BLEAK, OLD, True, 0),
        (BLEAK, NEW, False, 0),
        (BLEAK, NEW, True, 8),
        (Filter(transport="le", duplicate_data=True), NEW, True, 0),
        (Filter(transport="le", rssi_dbm=-127), NEW, True, 0),
        (BLEAK, NEWEST, False, 8),
        (Filter(transport="le", rssi_dbm=-127), NEWEST, False, 0),
        (Filter(transport="le", pathloss_db=137), NEWEST, True, 0),
    ],
)
def test_small_changes_of_rssi_are_told_only_where_discovery_is_filtered(
    asked, habits, le_only, threshold_db
):
    discovery = merged([asked], habits, le_only=le_only)
    assert discovery.threshold_db == threshold_db
    assert discovery.filtered == (threshold_db == 0 or habits is NEWEST)


def test_one_clients_rssi_filter_gives_every_client_the_rssi_of_each_advert():
    assert merged([None], NEW, le_only=True).threshold_db == 8
    assert merged([None, Filter(rssi_dbm=-127)], NEW, le_only=True).threshold_db == 0


def test_one_clients_duplicate_data_holds_for_all():
    assert merged([BLEAK, Filter(duplicate_data=True)], OLD, le_only=False).duplicate_data
    assert not merged([BLEAK, None], OLD, le_only=False).duplicate_data
