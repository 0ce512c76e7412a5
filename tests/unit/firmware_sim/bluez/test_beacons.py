import random

import pytest
from firmware_sim.bluez.beacons import Beacon, send
from firmware_sim.bluez.said import said

from gateway.model import Advert
from tests.bluez.truth import truth


def advert(beacon, rssi_dbm, count):
    content = said(beacon.data(rssi_dbm=rssi_dbm, count=count))
    services = {uuid[4:8]: value for uuid, value in content.services.items()}
    return Advert(0.0, "pole-01", beacon.address, rssi_dbm, content.manufacturer, services)


@pytest.mark.parametrize("number", [0, 1, 300, 301])
@pytest.mark.parametrize("rssi_dbm", [-127, -60, 4])
def test_an_advert_says_the_rssi_with_which_it_comes(number, rssi_dbm):
    one = advert(Beacon(number), rssi_dbm, 7)
    assert truth(one.manufacturer, one.services) == (rssi_dbm, None if number % 2 else 7)


def test_without_truth_a_payload_never_changes():
    for number in (0, 1):
        beacon = Beacon(number, truth=False)
        assert beacon.data(rssi_dbm=-60, count=1) == beacon.data(rssi_dbm=-80, count=2)


def test_it_fits_into_an_advert_and_no_two_share_an_address():
    beacons = [Beacon(number) for number in range(600)]
    assert max(len(beacon.data(rssi_dbm=-60, count=99_999)) for beacon in beacons) <= 31
    assert len({beacon.address for beacon in beacons}) == 600


class Ether:
    def __init__(self, clock):
        self.clock = clock
        self.adverts = []

    def advert(self, address, rssi_dbm, data):
        self.adverts.append((round(self.clock() - 1_000.0, 3), address))


class EnoughError(Exception):
    pass


async def test_all_send_once_an_interval_evenly_spread_and_what_is_late_is_made_up_for(clock):
    ether = Ether(clock)

    async def sleep(seconds):
        clock.now_s += seconds
        if len(ether.adverts) == 3:
            clock.now_s += 0.3  # the machine was busy
        if len(ether.adverts) == 10:
            raise EnoughError

    beacons = [Beacon(0), Beacon(1)]
    with pytest.raises(EnoughError):
        await send(
            beacons,
            [ether],
            interval_s=0.2,
            chance=random.Random(1),
            monotonic=clock,
            sleep=sleep,
        )
    assert [at for at, _ in ether.adverts] == [0.0, 0.1, 0.2, 0.6, 0.6, 0.6, 0.6, 0.7, 0.8, 0.9]
    assert [address for _, address in ether.adverts] == 5 * [one.address for one in beacons]
