from collections import Counter
from dataclasses import dataclass, field

from bleak.backends.device import BLEDevice

from gateway.model import Advert
from gateway.tags.scan_adverts import REMEMBERED, Adverts
from tests.unit.tags.scan_air import FEAA, bleak_data, fresh

PATH = "/org/bluez/hci0/dev_1"
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"


@dataclass
class Device:
    """A device as bleak keeps it: what BlueZ sends replaces, and all is given at each change."""

    adverts: Adverts
    path: str = PATH
    said: dict[str, object] = field(default_factory=dict)

    def send(
        self,
        *,
        rssi: int | None = None,
        services: dict[str, bytes] | None = None,
        manufacturer: dict[int, bytes] | None = None,
        gone: str = "",
    ) -> None:
        if rssi is not None:
            self.said["RSSI"] = fresh(rssi)
        if services is not None:
            self.said["ServiceData"] = dict(services)
        if manufacturer is not None:
            self.said["ManufacturerData"] = dict(manufacturer)
        self.said.pop(gone, None)
        self.adverts.take(
            BLEDevice("C0:00:00:00:00:01", None, {}), bleak_data(self.path, self.said.copy())
        )


@dataclass
class Ear:
    heard: list[Advert] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.adverts = Adverts("pole-01", self.heard.append, utc=lambda: 7.0, counts=self.counts)

    @property
    def last(self) -> tuple[int, dict[str, bytes], dict[int, bytes]]:
        advert = self.heard[-1]
        return advert.rssi_dbm, dict(advert.services), dict(advert.manufacturer)


def test_a_new_device_gives_all_that_its_first_advert_carried() -> None:
    ear = Ear()
    Device(ear.adverts).send(
        rssi=-70,
        services={FEAA: b"\x00", "6e400001-b5a3-f393-e0a9-e50e24dcca9e": b"\x01"},
        manufacturer={0x4C: b"\x02\x15"},
    )
    assert ear.heard == [
        Advert(
            at=7.0,
            receiver="pole-01",
            address="C0:00:00:00:00:01",
            rssi_dbm=-70,
            manufacturer={0x4C: b"\x02\x15"},
            services={"feaa": b"\x00"},
        )
    ]


def test_of_alternating_frames_each_comes_with_its_own_rssi_and_without_the_other() -> None:
    ear = Ear()
    device = Device(ear.adverts)
    device.send(rssi=-70, manufacturer={0x4C: b"\x02\x15"})
    device.send(rssi=-61, services={BTHOME: b"\x41sos"})
    assert ear.last == (-61, {"fcd2": b"\x41sos"}, {})
    device.send(rssi=-72, manufacturer={0x4C: b"\x02\x15"})
    assert ear.last == (-72, {}, {0x4C: b"\x02\x15"})
    device.send(rssi=-72, manufacturer={0x4C: b"\x02\x15"})
    assert ear.last == (-72, {}, {0x4C: b"\x02\x15"})
    assert len(ear.heard) == 4


def test_an_advert_without_data_brings_no_old_data_back_once_bluez_is_known_to_repeat() -> None:
    ear = Ear()
    device = Device(ear.adverts)
    device.send(rssi=-70, services={BTHOME: b"\x41sos"})
    device.send(rssi=-70, services={BTHOME: b"\x41sos"})
    device.send(rssi=-65)
    assert len(ear.heard) == 2
    assert ear.counts["bare"] == 1
    assert ear.adverts.heard == 3, "for the watchdog it was heard"


def test_where_bluez_does_not_repeat_what_it_knows_is_passed_on_rather_than_lost() -> None:
    ear = Ear()
    device = Device(ear.adverts)
    device.send(rssi=-70, manufacturer={0x4C: b"\x02\x15"})
    for rssi in range(-80, -60):
        device.send(rssi=rssi)
    assert len(ear.heard) == 21
    assert ear.last == (-61, {}, {0x4C: b"\x02\x15"})
    assert ear.counts["merged"] == 20


def test_an_advert_with_another_ones_rssi_is_counted_and_left_out() -> None:
    ear = Ear()
    device = Device(ear.adverts)
    device.send(rssi=-70, services={FEAA: b"\x00"})
    device.send(services={FEAA: b"\x01"})
    assert len(ear.heard) == 1
    assert ear.counts["old_rssi"] == 1
    device.send(rssi=-70, services={FEAA: b"\x02"})
    assert ear.last == (-70, {"feaa": b"\x02"}, {})


def test_an_advert_without_rssi_is_counted_and_left_out() -> None:
    ear = Ear()
    device = Device(ear.adverts)
    device.send(services={FEAA: b"\x00"})
    device.send(rssi=-70, services={FEAA: b"\x00"})
    device.send(gone="RSSI")
    device.send(rssi=127, services={FEAA: b"\x00"})
    assert len(ear.heard) == 1
    assert ear.counts["no_rssi"] == 3
    assert (ear.adverts.heard, ear.adverts.blind) == (1, 3)


def test_the_first_word_of_a_device_that_was_there_before_is_left_out() -> None:
    ear = Ear()
    ear.adverts.begin(frozenset({PATH}))
    old = Device(ear.adverts, said={"ServiceData": {BTHOME: b"\x41sos"}})
    old.send(rssi=-70)
    assert ear.heard == []
    assert ear.counts["first_word"] == 1
    old.send(rssi=-71, services={FEAA: b"\x00"})
    assert ear.last == (-71, {"feaa": b"\x00"}, {})


def test_a_hundred_thousand_devices_do_not_grow_its_memory() -> None:
    ear = Ear()
    ear.heard = []
    for number in range(100_000):
        Device(ear.adverts, path=f"/org/bluez/hci0/dev_{number}").send(rssi=-70, services={})
    assert len(ear.adverts._last) + len(ear.adverts._older) <= 2 * REMEMBERED
    assert ear.adverts.heard == 100_000
