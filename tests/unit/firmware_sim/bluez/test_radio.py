import pytest
from firmware_sim.bluez.habits import Controller
from firmware_sim.bluez.radio import Radio

TAG = "C0:00:00:00:00:01"


def heard(radio, now_s, *, monitored=False, discovering=True, filtered=True):
    return radio.hears(
        TAG, now_s=now_s, monitored=monitored, discovering=discovering, filtered=filtered
    )


def begun(duplicates="none"):
    radio = Radio(Controller(duplicates=duplicates))
    radio.begin(100.0)
    return radio


def test_it_hears_nothing_where_nobody_asks():
    assert not heard(begun(), 101.0, discovering=False)


@pytest.mark.parametrize(
    ("after_s", "hears"), [(0.0, True), (10.2, True), (10.3, False), (15.2, False), (15.3, True)]
)
def test_a_regular_discovery_pauses_for_five_seconds(after_s, hears):
    assert heard(begun(), 100.0 + after_s, filtered=False) == hears
    assert heard(begun(), 100.0 + after_s, filtered=True)


def test_a_filter_of_duplicates_tells_an_address_once_a_scan():
    radio = begun("address")
    assert heard(radio, 100.0)
    assert not heard(radio, 110.2)
    assert heard(radio, 110.3)
    assert not heard(radio, 110.4)


def test_a_monitor_ends_the_pauses_and_the_filter_of_duplicates():
    radio = begun("address")
    assert [heard(radio, 100.0 + s, monitored=True, filtered=False) for s in (1, 2, 12)] == [
        True
    ] * 3


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_stuck_one_hears_nothing_until_healed(stubborn):
    radio = begun()
    radio.stuck, radio.stubborn = True, stubborn
    assert not heard(radio, 101.0, monitored=True)
    radio.cycle_power()
    assert heard(radio, 101.0) != stubborn
    radio.replug()
    assert heard(radio, 101.0)
