"""Messages in the shapes that the receivers' own sources and documentation show."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Advert, ReceiverSource, Rejected, Sighting
from gateway.tags.gate import Gate
from gateway.tags.remote import PAYLOAD_MAX_BYTES, RemoteReceivers
from gateway.tags.reported import Alive, Gone, Heard, Report

OMG = ReceiverSource("pole-01", "openmqttgateway", "home/OMG_12")
THEENGS = ReceiverSource("pole-02", "openmqttgateway", "home/TheengsGateway")
ESPRESENSE = ReceiverSource("pole-03", "espresense", "Pole 3")

UUID = "1de4b189-115e-45f6-b44e-509352269977"
IBEACON = f"ibeacon:{UUID}:513:3"
IBEACON_HEX = "4c000215" + UUID.replace("-", "") + "0201" + "0003" + "be"
NAMESPACE, INSTANCE = "00112233445566778899", "aabbccddeeff"
BEACON_ID = "d3162f5af3ee494799db09756062d0fc005a0005"
AT = 1_763_000_000.5


def receivers(*sources: ReceiverSource) -> RemoteReceivers:
    return RemoteReceivers(sources or (OMG, THEENGS, ESPRESENSE))


ALLOW = (f"ibeacon:{UUID}", f"uid:{NAMESPACE}", f"alt:{BEACON_ID[:32]}", "eid", "bthome")


def sighting_of(report: Report) -> Sighting | None:
    """What a gateway makes of it that follows those tags; None where it is nobody's."""
    assert isinstance(report, Heard), report
    advert = report.advert
    for frame in Gate(ALLOW).read(advert):
        return Sighting(advert.at, advert.receiver, frame.identifier, advert.rssi_dbm)
    return None


def parse(topic: str, message: dict[str, Any] | bytes, *, retained: bool = False) -> Report:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return receivers().parse(topic, payload, AT, retained=retained)


def from_omg(**message: Any) -> Report:
    return parse("home/OMG_12/BTtoMQTT/6087574C9BC2", message)


def from_espresense(identifier: str, **message: Any) -> Report:
    whole = {"mac": "6087574c9bc2", "id": identifier, "rssi": -72.35, **message}
    return parse(f"espresense/devices/{identifier}/pole_3", whole)


def omg_ibeacon(**changes: Any) -> dict[str, Any]:
    """From OpenMQTTGateway's documentation, docs/use/ble.md."""
    return {
        "id": "60:87:57:4C:9B:C2",
        "mac_type": 1,
        "rssi": -78,
        "distance": 7.85288,
        "brand": "GENERIC",
        "model": "iBeacon",
        "model_id": "IBEACON",
        "mfid": "4c00",
        "uuid": UUID.replace("-", ""),
        "major": 513,
        "minor": 3,
        "txpower": -66,
    } | changes


def test_an_ibeacon_that_the_receiver_decoded_is_a_sighting() -> None:
    assert sighting_of(from_omg(**omg_ibeacon())) == Sighting(AT, "pole-01", IBEACON, -78)


def test_an_ibeacon_that_is_named_by_its_uuid_is_the_same_sighting() -> None:
    by_uuid = omg_ibeacon(id=UUID.replace("-", ""), mac="60:87:57:4C:9B:C2")
    message = parse(f"home/OMG_12/BTtoMQTT/{UUID.replace('-', '')}", by_uuid)
    assert sighting_of(message) == Sighting(AT, "pole-01", IBEACON, -78)
    assert isinstance(message, Heard)
    assert message.advert.address == "60:87:57:4C:9B:C2"


def test_raw_manufacturer_data_is_an_advert_of_the_same_tag() -> None:
    message = from_omg(**omg_ibeacon(manufacturerdata=IBEACON_HEX))
    assert sighting_of(message) == Sighting(AT, "pole-01", IBEACON, -78)


@pytest.mark.parametrize("uuid", ["0xfeaa", "feaa", "0000feaa-0000-1000-8000-00805f9b34fb"])
def test_raw_service_data_is_an_advert_under_any_spelling_of_its_uuid(uuid: str) -> None:
    message = from_omg(
        id="AA:BB:CC:DD:EE:FF",
        rssi=-60,
        servicedata=f"00ee{NAMESPACE}{INSTANCE}0000",
        servicedatauuid=uuid,
    )
    assert sighting_of(message) == Sighting(AT, "pole-01", f"uid:{NAMESPACE}:{INSTANCE}", -60)


def test_theengs_gateway_speaks_the_same_shape() -> None:
    message = parse(
        "home/TheengsGateway/BTtoMQTT/AABBCCDDEEFF",
        {
            "manufacturerdata": f"1801beac{BEACON_ID}c400",
            "id": "AA:BB:CC:DD:EE:FF",
            "rssi": -81,
        },
    )
    assert sighting_of(message) == Sighting(AT, "pole-02", f"alt:{BEACON_ID}", -81)


def test_data_for_another_decoder_is_read_too() -> None:
    message = parse(
        "home/OMG_12/BTtoMQTT/undecoded",
        {"id": "AA:BB:CC:DD:EE:FF", "rssi": -81, "manufacturerdata": IBEACON_HEX},
    )
    assert sighting_of(message) == Sighting(AT, "pole-01", IBEACON, -81)


def test_a_sensor_heard_is_nobodys_sighting_but_its_values_are_told() -> None:
    message = from_omg(id="aa:bb:cc:dd:ee:ff", rssi=-60, brand="Xiaomi", tempc=21.5, batt=87)
    assert message == Heard(
        Advert(AT, "pole-01", "AA:BB:CC:DD:EE:FF", -60, {}, {}),
        {"temperature_c": 21.5, "battery_percent": 87.0},
    )


@pytest.mark.parametrize("wrong", [None, "unavailable", True, [3], -1, 101, 1e300])
def test_a_value_that_cannot_be_true_costs_only_itself(wrong: Any) -> None:
    message = from_omg(**omg_ibeacon(batt=wrong, volt=3.01))
    assert isinstance(message, Heard)
    assert message.values == {"battery_v": 3.01}
    assert sighting_of(message) == Sighting(AT, "pole-01", IBEACON, -78)


@pytest.mark.parametrize(
    ("service", "uuid", "expected"),
    [
        ("30ee0011223344556677", "0xfeaa", "eid:0011223344556677"),
        ("41a47266c95f730011223378237214", "0xfcd2", ""),
        ("41a47266c95f730011223378237214", "fcd2", ""),
    ],
)
def test_rotating_identifiers_and_encrypted_buttons_come_as_service_data(
    service: str, uuid: str, expected: str
) -> None:
    message = from_omg(id="AA:BB:CC:DD:EE:FF", rssi=-60, servicedata=service, servicedatauuid=uuid)
    assert sighting_of(message) == Sighting(AT, "pole-01", expected, -60)


def test_of_an_advert_with_two_services_comes_a_message_each() -> None:
    both = [
        from_omg(id="AA:BB:CC:DD:EE:FF", rssi=-60, servicedata=data, servicedatauuid=uuid)
        for uuid, data in (("0xfeaa", f"00ee{NAMESPACE}{INSTANCE}"), ("0x180f", "64"))
    ]
    assert sighting_of(both[0]) == Sighting(AT, "pole-01", f"uid:{NAMESPACE}:{INSTANCE}", -60)
    assert sighting_of(both[1]) is None


def test_a_tracker_that_the_receiver_lost_shows_that_the_receiver_works() -> None:
    assert from_omg(id="AA:BB:CC:DD:EE:FF", state="offline") == Alive("pole-01")


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        (f"iBeacon:{UUID}-513-3", IBEACON),
        (f"eddy:{NAMESPACE}-{INSTANCE}", f"uid:{NAMESPACE}:{INSTANCE}"),
        (f"eddy:0011223344{'44'}5566778899-{INSTANCE}", f"uid:{NAMESPACE}:{INSTANCE}"),
        ("altBeacon:d3162f5a-f3ee-4947-99db-09756062d0fc-90-5", f"alt:{BEACON_ID}"),
    ],
)
def test_an_espresense_id_names_the_same_tag_as_its_bytes(identifier: str, expected: str) -> None:
    assert sighting_of(from_espresense(identifier)) == Sighting(AT, "pole-03", expected, -72)


def test_espresense_of_older_releases_gives_whole_rssi() -> None:
    message = from_espresense(f"iBeacon:{UUID}-513-3", rssi=-99, raw="6.31", idType=55)
    assert sighting_of(message) == Sighting(AT, "pole-03", IBEACON, -99)


def test_espresense_tells_what_it_read_of_a_tag() -> None:
    message = from_espresense(f"eddy:{NAMESPACE}-{INSTANCE}", mV=2980, temp=21.5, batt=80, rh=40)
    assert isinstance(message, Heard)
    assert message.advert.address == "60:87:57:4C:9B:C2"
    assert message.values == {
        "battery_v": 2.98,
        "battery_percent": 80.0,
        "temperature_c": 21.5,
        "humidity_percent": 40.0,
    }


@pytest.mark.parametrize(
    "identifier", ["name:my-phone", "apple:1005:9-12", "known:6087574c9bc2", "iBeacon:short-1-2"]
)
def test_other_espresense_ids_are_nobodys(identifier: str) -> None:
    assert sighting_of(from_espresense(identifier)) is None


@pytest.mark.parametrize(
    "identifier",
    [
        f"iBeacon:{UUID}-65536-1",
        f"iBeacon:{UUID[:-1]}--1-2",
        f"eddy:0011223344{'45'}5566778899-{INSTANCE}",
    ],
)
def test_espresense_ids_that_no_tag_can_have_are_rejected(identifier: str) -> None:
    assert from_espresense(identifier) == Rejected("bad_identifier")


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        ("home/OMG_12/LWT", b"online", Alive("pole-01")),
        ("home/OMG_12/LWT", b"Offline", Gone("pole-01")),
        ("home/OMG_12/LWT", b"?", Rejected("bad_status")),
        ("home/OMG_12/SYStoMQTT", b'{"uptime":62,"rssi":-60}', Alive("pole-01", is_state=True)),
        ("home/OMG_12/SYStoMQTT", b"\xff", Alive("pole-01", is_state=True)),
        (
            "home/OMG_12/BTtoMQTT",
            b'{"interval":100,"scnct":17}',
            Alive("pole-01", is_state=True, number=17, unfit=""),
        ),
        ("home/OMG_12/BTtoMQTT", b'{"scnct":"?"}', Alive("pole-01", is_state=True)),
        ("espresense/rooms/pole_3/status", b"online", Alive("pole-03")),
        ("espresense/rooms/pole_3/status", b"offline", Gone("pole-03")),
        (
            "espresense/rooms/pole_3/telemetry",
            b'{"uptime":62,"adverts":1900}',
            Alive("pole-03", is_state=True, number=1900),
        ),
        (
            "espresense/rooms/pole_3/telemetry",
            b'{"uptime":62,"rssi":-60}',
            Alive("pole-03", is_state=True, number=0),
        ),
        ("espresense/rooms/pole_3/telemetry", b"", Alive("pole-03", is_state=True)),
    ],
)
def test_state_messages_tell_whether_the_receiver_works(
    topic: str, payload: bytes, expected: Report
) -> None:
    assert parse(topic, payload) == expected


def test_a_retained_message_tells_of_the_past_but_for_a_last_will() -> None:
    assert parse("home/OMG_12/LWT", b"offline", retained=True) == Gone("pole-01")
    assert parse("home/OMG_12/LWT", b"online", retained=True) == Rejected("retained")
    topic = "home/OMG_12/BTtoMQTT/6087574C9BC2"
    assert parse(topic, omg_ibeacon(), retained=True) == Rejected("retained")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rssi": None}, "no_rssi"),
        ({"rssi": "-70"}, "bad_shape"),
        ({"rssi": True}, "bad_shape"),
        ({"rssi": [-70]}, "bad_shape"),
        ({"rssi": 0}, "bad_rssi"),
        ({"rssi": 127}, "bad_rssi"),
        ({"rssi": 21}, "bad_rssi"),
        ({"rssi": -128}, "bad_rssi"),
        ({"rssi": -1e30}, "bad_rssi"),
        ({"major": "513"}, "bad_shape"),
        ({"major": 65536}, "bad_identifier"),
        ({"minor": -1}, "bad_identifier"),
        ({"uuid": ""}, "bad_identifier"),
        ({"uuid": "zz" * 16}, "bad_identifier"),
        ({"manufacturerdata": "4c0"}, "bad_hex"),
        ({"servicedata": "xy", "servicedatauuid": "feaa"}, "bad_hex"),
    ],
)
def test_a_message_with_a_wrong_field_is_rejected(changes: dict[str, Any], reason: str) -> None:
    assert from_omg(**omg_ibeacon(**changes)) == Rejected(reason)


@pytest.mark.parametrize("rssi", [-127, -1, 1, 20])
def test_unlikely_powers_that_a_radio_can_measure_are_taken(rssi: int) -> None:
    message = from_omg(**omg_ibeacon(rssi=rssi))
    assert sighting_of(message) == Sighting(AT, "pole-01", IBEACON, rssi)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not_json"),
        (b"online", "not_json"),
        (b'{"rssi":-70', "not_json"),
        (b'{"rssi":NaN}', "not_json"),
        (b'{"rssi":-70,"id":"\xff"}', "not_json"),
        (b'{"x":' + b"[" * 5000 + b"]" * 5000 + b',"rssi":-70}', "not_json"),
        (b"[-70]", "bad_shape"),
        (b"null", "bad_shape"),
        (b'{"rssi":-70,"x":"' + b"x" * 1_000_000 + b'"}', "too_long"),
    ],
    ids=range(9),
)
def test_a_payload_that_is_no_message_is_rejected(payload: bytes, reason: str) -> None:
    assert parse("home/OMG_12/BTtoMQTT/6087574C9BC2", payload) == Rejected(reason)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "home",
        "home/OMG_1/LWT",
        "home/OMG_12/RFtoMQTT/1",
        "home/OMG_12/BTtoMQTT/a/b",
        "espresense/devices/x/pole_4",
        "espresense/rooms/pole_3/max_distance",
    ],
)
def test_a_topic_of_no_receiver_of_ours_is_rejected(topic: str) -> None:
    assert parse(topic, b"{}") == Rejected("unknown_topic")


def test_the_filters_subscribe_to_what_each_receiver_publishes() -> None:
    assert receivers(OMG, ESPRESENSE).topic_filters() == (
        "espresense/devices/+/pole_3",
        "espresense/rooms/pole_3/status",
        "espresense/rooms/pole_3/telemetry",
        "home/OMG_12/BTtoMQTT",
        "home/OMG_12/BTtoMQTT/+",
        "home/OMG_12/LWT",
        "home/OMG_12/SYStoMQTT",
    )


@pytest.mark.parametrize(
    ("room", "slug"),
    [("Pole 3", "pole_3"), ("pole_3", "pole_3"), (" A--b! ", "a_b"), ("柱 12", "12")],
)
def test_a_room_stands_in_topics_as_espresense_writes_it(room: str, slug: str) -> None:
    filters = receivers(ReceiverSource("r", "espresense", room)).topic_filters()
    assert f"espresense/devices/+/{slug}" in filters


@pytest.mark.parametrize(
    "source",
    [
        ReceiverSource("r", "telegraph", "home/x"),
        ReceiverSource("r", "openmqttgateway", ""),
        ReceiverSource("r", "openmqttgateway", "home/+"),
        ReceiverSource("r", "openmqttgateway", "#"),
        ReceiverSource("r", "espresense", "柱"),
        ReceiverSource("r", "openmqttgateway", "home/OMG_12/"),
    ],
)
def test_a_source_that_cannot_be_followed_is_refused(source: ReceiverSource) -> None:
    table = receivers(OMG, source)
    assert table.refused == (source,)
    assert table.topic_filters() == receivers(OMG).topic_filters()


def test_rejections_are_counted_also_across_a_new_list_of_receivers() -> None:
    table = receivers(OMG)
    table.parse("home/OMG_12/LWT", b"?", AT)
    table.follow([ESPRESENSE])
    table.parse("home/OMG_12/LWT", b"?", AT)
    assert table.rejected == {"bad_status": 1, "unknown_topic": 1}


TOPICS = st.sampled_from(
    [
        "home/OMG_12/BTtoMQTT/6087574C9BC2",
        "home/OMG_12/LWT",
        "home/OMG_12/BTtoMQTT",
        "espresense/rooms/pole_3/telemetry",
        "espresense/devices/x/pole_3",
        "espresense/rooms/pole_3/status",
    ]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
)
KEYS = st.sampled_from(
    [
        *("id", "mac", "rssi", "manufacturerdata", "servicedata", "mfid", "uuid", "major", "minor"),
        *("state", "batt", "volt", "mV", "temp", "adverts", "scnct", "enabled", "interval"),
    ]
)
PAYLOADS = st.binary(max_size=300) | st.dictionaries(KEYS, VALUES).map(
    lambda message: json.dumps(message).encode("utf-8", "surrogatepass")
)


@given(TOPICS, PAYLOADS)
def test_no_message_raises_an_error(topic: str, payload: bytes) -> None:
    message = receivers().parse(topic, payload, AT)
    if isinstance(message, Heard):
        Gate(ALLOW).read(message.advert)


@given(st.text(max_size=60))
def test_no_topic_raises_an_error(topic: str) -> None:
    assert receivers().parse(topic, b"{}", AT) == Rejected("unknown_topic")


def test_a_payload_as_long_as_allowed_is_read() -> None:
    padding = "x" * (PAYLOAD_MAX_BYTES - len(json.dumps(omg_ibeacon(x=""))))
    assert isinstance(from_omg(**omg_ibeacon(x=padding)), Heard)


SETTINGS = {"enabled": True, "pubadvdata": True, "onlysensors": False, "interval": 100}


@pytest.mark.parametrize(
    ("changes", "to_do"),
    [
        ({"enabled": False}, "set enabled to true"),
        ({"pubadvdata": False}, "set pubadvdata to true"),
        ({"onlysensors": True}, "set onlysensors to false"),
        ({"interval": 55_555}, "set adaptivescan to false"),
    ],
)
def test_settings_that_hide_tags_are_told_with_what_to_do_until_they_are_mended(
    changes: dict[str, Any], to_do: str
) -> None:
    table = receivers(OMG)
    for settings, expected in ((SETTINGS | changes, to_do), (SETTINGS, "")):
        table.parse("home/OMG_12/BTtoMQTT", json.dumps(settings).encode(), AT)
        assert expected in table.unfit.get("pole-01", "")
    assert table.unfit == {}


def test_a_receiver_that_is_not_followed_any_more_is_not_unfit() -> None:
    table = receivers(OMG)
    table.parse("home/OMG_12/BTtoMQTT", b'{"enabled":false}', AT)
    table.follow([ESPRESENSE])
    assert table.unfit == {}
