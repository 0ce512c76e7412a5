import socket
from contextlib import closing

import pytest
from firmware_sim.adapters import AdapterNode, BluezAir, make_nodes
from firmware_sim.firmware import POSITION
from firmware_sim.firmware_fleet import natives

from tests.unit.firmware_sim.conftest import SCHOOL_IS_OUT

PACKET = natives(1, 1.0, seed=1, start=SCHOOL_IS_OUT)[0].packet(POSITION, SCHOOL_IS_OUT)


@pytest.fixture
def port():
    """The control port of a simulated BlueZ: a socket that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5.0)
        yield listening


class Watch:
    """A clock that goes when it is told."""

    now = 100.0

    def __call__(self):
        return self.now


def air(port, watch=None):
    return BluezAir(*port.getsockname(), monotonic=watch or Watch())


def test_what_an_adapter_hears_is_put_into_its_air_whole_and_not_published(port):
    with air(port) as bluez:
        node = AdapterNode("hci1", bluez)

        assert node.heard(PACKET, at=SCHOOL_IS_OUT, rssi_dbm=-71) == []
        assert (node.born(), node.will(), node.state(uptime_s=1.0)) == ([], [], [])

        stream, _ = port.accept()
        with closing(stream):
            told = stream.makefile("rb").readline().decode().split()
    data = PACKET.frame.advertising_data().hex()
    assert told == ["advert", "hci1", PACKET.address, "-71", data]
    assert (bluez.sent, bluez.lost) == (1, 0)


def test_a_bluez_that_is_gone_loses_adverts_and_is_found_again_after_a_while(port):
    watch = Watch()
    with air(port, watch) as bluez:
        bluez.advert("hci0", PACKET, -71)
        stream, _ = port.accept()
        stream.close()
        while not bluez.lost:  # until the kernel has told
            bluez.advert("hci0", PACKET, -71)
        sent = bluez.sent
        bluez.advert("hci0", PACKET, -71)
        assert (bluez.sent, bluez.lost) == (sent, 2)

        watch.now += 2.5
        bluez.advert("hci0", PACKET, -71)

        assert bluez.sent == sent + 1
        port.accept()[0].close()


def test_a_bluez_that_does_not_run_loses_adverts():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with air(closed) as bluez:
            bluez.advert("hci0", PACKET, -71)

    assert (bluez.sent, bluez.lost) == (0, 1)


def test_an_adapter_hears_the_phones_of_the_houses_unless_it_is_deaf():
    class Air:
        def __init__(self):
            self.told = []

        def advert(self, adapter, packet, rssi_dbm):
            self.told.append((adapter, packet.address, len(packet.frame.advertising_data())))

    air = Air()
    node = AdapterNode("hci0", air)

    node.pass_second(SCHOOL_IS_OUT)
    node.pass_second(SCHOOL_IS_OUT + 1.0)
    phones = set(air.told)
    node.pass_second(SCHOOL_IS_OUT + 1_000.0)
    later = set(air.told) - phones
    node.deaf = True
    node.pass_second(SCHOOL_IS_OUT + 1_001.0)
    node.heard(PACKET, at=SCHOOL_IS_OUT + 1_001.0, rssi_dbm=-71)

    assert len(air.told) == 9
    assert (len(phones), len(later)) == (3, 3)
    assert {size for _, _, size in air.told} == {13}
    assert {address[0] for _, address, _ in air.told} <= set("4567")  # resolvable private


def test_a_site_has_the_firmware_of_each_receiver_and_adapters_where_they_are_named(site, port):
    with air(port) as bluez:
        nodes = make_nodes(site, {"hci0": "p001", "hci1": "p002"}, bluez)

    assert list(nodes) == [node.id for node in site.nodes]
    adapters = [name for name, node in nodes.items() if isinstance(node, AdapterNode)]
    assert adapters == ["p001", "p002"]


@pytest.mark.parametrize(
    ("adapters", "reason"),
    [
        ({"hci0": "p001", "hci1": "p001"}, "two adapters"),
        ({"hci0": "p999"}, "no receiver p999"),
        ({"hci0": "p001"}, "--bluez"),
    ],
)
def test_adapters_that_cannot_stand_so_are_refused(site, adapters, reason):
    with pytest.raises(ValueError, match=reason):
        make_nodes(site, adapters, None)
