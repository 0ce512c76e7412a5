import json

import numpy as np
import pytest
from firmware_sim.firmware import BUTTON, POSITION, TELEMETRY
from firmware_sim.firmware_fleet import natives
from firmware_sim.firmware_frames import Packet
from firmware_sim.nodes import EspresenseNode, OmgNode, make_node
from firmware_sim.site import Node
from firmware_sim.tags import make_tag

from gateway.model import ReceiverSource
from gateway.tags.frames import eddystone, ibeacon
from gateway.tags.gate import Gate
from gateway.tags.remote import RemoteReceivers
from gateway.tags.reported import Alive, Gone, Heard

RNG = np.random.default_rng(1)
BEACON, UID = make_tag(1, RNG), make_tag(3, RNG)
NOW = 1_793_080_800.0
NATIVE = natives(1, 1.0, seed=1, start=NOW)[0]
OMG = Node("p012", "openmqttgateway", "home/OMG_p012")
ESPRESENSE = Node("p045", "espresense", "centre_p045")


def gateway():
    return RemoteReceivers(
        [ReceiverSource(node.id, node.format, node.topic) for node in (OMG, ESPRESENSE)]
    )


def read(message):
    return gateway().parse(message.topic, message.payload.encode(), 5.0)


def advert_of(message):
    report = read(message)
    assert isinstance(report, Heard)
    return report.advert


def identifier_of(message, followed):
    """What a gateway reads that follows `followed`."""
    (frame,) = Gate([":".join(followed.split(":")[:2])]).read(advert_of(message))
    return frame.identifier


def test_openmqttgateway_publishes_an_ibeacon_under_its_address():
    (message,) = OmgNode(OMG).heard(BEACON.firmware.packet(POSITION, 5.0), at=5.0, rssi_dbm=-71)

    payload = json.loads(message.payload)
    assert message.topic == f"home/OMG_p012/BTtoMQTT/{BEACON.firmware.address.replace(':', '')}"
    assert payload["id"] == BEACON.firmware.address
    assert payload["rssi"] == -71
    assert payload["manufacturerdata"].startswith("4c000215")
    assert (payload["model_id"], payload["minor"]) == ("IBEACON", 2)
    assert not message.retain


def test_openmqttgateway_publishes_an_eddystone_as_service_data():
    (message,) = OmgNode(OMG).heard(UID.firmware.packet(POSITION, 5.0), at=5.0, rssi_dbm=-80)

    payload = json.loads(message.payload)
    assert payload["servicedatauuid"] == "0xfeaa"
    assert payload["servicedata"].startswith("00ee")


@pytest.mark.parametrize("tag", [BEACON, UID], ids=["ibeacon", "eddystone"])
@pytest.mark.parametrize("button", [False, True])
def test_the_gateway_reads_the_identifier_that_the_roster_names(tag, button):
    frame = tag.firmware.button if button else tag.firmware.position
    (message,) = OmgNode(OMG).heard(Packet(tag.firmware.address, frame), at=5.0, rssi_dbm=-71)

    advert = advert_of(message)

    assert (advert.receiver, advert.rssi_dbm) == ("p012", -71)
    found = (
        ibeacon.decode(advert.manufacturer[0x004C])
        if frame.manufacturer
        else eddystone.decode(advert.services["feaa"])
    )
    assert found.identifier == frame.identifier


@pytest.mark.parametrize("tag", [BEACON, UID], ids=["ibeacon", "eddystone"])
def test_the_gateway_reads_espresense_devices_by_their_identifier(tag):
    (message,) = EspresenseNode(ESPRESENSE).heard(
        tag.firmware.packet(POSITION, 5.0), at=5.0, rssi_dbm=-71
    )

    advert, identifier = advert_of(message), tag.firmware.position.identifier

    assert (advert.receiver, advert.address) == ("p045", tag.firmware.address)
    assert advert.rssi_dbm == -71
    assert identifier_of(message, identifier) == identifier


def test_the_gateway_takes_state_and_last_will_for_what_they_are():
    for node, source in ((OmgNode(OMG), OMG), (EspresenseNode(ESPRESENSE), ESPRESENSE)):
        for state in node.state(uptime_s=3.0):
            report = read(state)
            assert isinstance(report, Alive)
            assert (report.receiver, report.is_state) == (source.id, True)
        assert read(node.born()[0]) == Alive(source.id)
        assert read(node.will()[0]) == Gone(source.id)
        assert all(message.retain for message in (*node.born(), *node.will()))


@pytest.mark.parametrize("make", [OmgNode, EspresenseNode])
def test_a_receiver_counts_what_nobody_follows_and_a_deaf_one_counts_and_says_nothing(make):
    node = make(OMG if make is OmgNode else ESPRESENSE)
    packet = BEACON.firmware.packet(POSITION, 5.0)

    def counted():
        (number,) = {read(state).number for state in node.state(uptime_s=3.0)} - {None, 0} or {0}
        return number

    before = counted()
    node.pass_second(5.0)
    first = counted()
    node.pass_second(6.0)
    second = counted()
    node.deaf = True
    node.pass_second(7.0)
    heard = node.heard(packet, at=7.0, rssi_dbm=-60)

    assert before == 0 < first < second == counted()
    assert heard == []


def test_openmqttgateway_says_that_it_is_set_up_as_a_site_needs_it():
    reports = [read(state) for state in OmgNode(OMG).state(uptime_s=3.0)]

    assert [report.unfit for report in reports if report.unfit is not None] == [""]
    assert any(report.number == 0 for report in reports)


def test_espresense_repeats_the_fifth_byte_of_an_eddystone_namespace():
    (message,) = EspresenseNode(ESPRESENSE).heard(
        UID.firmware.packet(POSITION, 5.0), at=5.0, rssi_dbm=-71
    )

    namespace = message.topic.split("/")[2].removeprefix("eddy:").split("-")[0]
    assert namespace == "6d61636869" + "69" + "6d6f726900"


def test_espresense_reports_a_device_once_a_second_at_most_and_its_median():
    node = EspresenseNode(ESPRESENSE)
    levels = [-70, -72, -71, -90, -71]

    reports = [
        node.heard(BEACON.firmware.packet(POSITION, 5.0), at=5.0 + 0.25 * k, rssi_dbm=level)
        for k, level in enumerate(levels)
    ]

    assert [len(report) for report in reports] == [1, 0, 0, 0, 1]
    payload = json.loads(reports[-1][0].payload)
    assert payload["rssi"] == -71.0
    assert payload["mac"] == BEACON.firmware.address.replace(":", "").lower()


@pytest.mark.parametrize(
    ("kind", "uuid", "first"),
    [(POSITION, "feaa", 0x30), (TELEMETRY, "feaa", 0x20), (BUTTON, "fcd2", 0x45)],
)
def test_openmqttgateway_publishes_what_a_native_tag_sends_as_service_data(kind, uuid, first):
    packet = NATIVE.packet(kind, NOW)
    (message,) = OmgNode(OMG).heard(packet, at=NOW, rssi_dbm=-71)

    advert = advert_of(message)

    assert (advert.address, advert.services) == (packet.address, {uuid: packet.frame.service})
    assert packet.frame.service[0] == first


def test_espresense_says_nothing_of_a_native_tag():
    node = EspresenseNode(ESPRESENSE)

    assert not any(
        node.heard(NATIVE.packet(kind, NOW), at=NOW, rssi_dbm=-60)
        for kind in (POSITION, TELEMETRY, BUTTON)
    )


def test_espresense_forgets_levels_older_than_its_window():
    node = EspresenseNode(ESPRESENSE)
    node.heard(BEACON.firmware.packet(POSITION, 5.0), at=5.0, rssi_dbm=-50)

    (message,) = node.heard(BEACON.firmware.packet(POSITION, 5.0), at=30.0, rssi_dbm=-80)

    assert json.loads(message.payload)["rssi"] == -80.0


def test_espresense_takes_a_button_for_the_device_that_it_knows():
    node = EspresenseNode(ESPRESENSE)
    node.heard(BEACON.firmware.packet(POSITION, 5.0), at=5.0, rssi_dbm=-70)

    (message,) = node.heard(BEACON.firmware.packet(BUTTON, 5.0), at=7.0, rssi_dbm=-70)

    identifier = BEACON.firmware.position.identifier
    assert identifier_of(message, identifier) == identifier


def test_a_receiver_of_unknown_make_is_refused():
    with pytest.raises(ValueError, match="no firmware for format semaphore"):
        make_node(Node("p1", "semaphore", "x"))
