import pytest
from paho.mqtt.client import MQTTv311

from tests.system.chaos.frames import (
    NotMqttError,
    Splitter,
    Tampering,
    Wishes,
    is_kept_publish,
    topic_of,
)

CONNECT = bytes((0x10, 12, 0, 4)) + b"MQTT" + bytes((MQTTv311, 2, 0, 20, 0, 0))


def publish(number: int, *, qos: int = 1, size: int = 1) -> bytes:
    """A PUBLISH to topic `t/{number}`."""
    topic = f"t/{number}".encode()
    body = len(topic).to_bytes(2) + topic + (number.to_bytes(2) if qos else b"") + b"x" * size
    length, digits = len(body), []
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return bytes((0x30 | qos << 1, *digits)) + body


def passed(wishes: Wishes, *packets: bytes) -> list[str]:
    """The topics that come out, `*` behind those that are marked as sent again."""
    tampering = Tampering(wishes)
    out = [one for packet in packets for one in tampering.through(packet)]
    return [topic_of(one) + "*" * bool(one[0] & 8) for one in out]


def test_packets_come_whole_however_the_bytes_are_cut() -> None:
    packets = [CONNECT, publish(1), publish(2, size=130), publish(3, size=40_000), b"\xc0\x00"]
    stream = b"".join(packets)
    for size in (1, 2, 3, 7, 20_000, len(stream)):
        splitter = Splitter()
        cut = (stream[begin : begin + size] for begin in range(0, len(stream), size))
        assert [packet for part in cut for packet in splitter.feed(part)] == packets


def test_bytes_that_are_no_mqtt_are_refused() -> None:
    with pytest.raises(NotMqttError):
        Splitter().feed(b"\x30\xff\xff\xff\xff\x01")


def test_only_what_mqtt_may_send_again_is_tampered_with() -> None:
    assert is_kept_publish(publish(1))
    assert not is_kept_publish(publish(1, qos=0))
    assert not is_kept_publish(CONNECT)
    assert passed(Wishes(repeat=1, swap=1), publish(1, qos=0)) == ["t/1"]


def test_a_packet_is_repeated_at_once_or_behind_others() -> None:
    wishes = Wishes(repeat=1)
    assert passed(wishes, publish(1), publish(2)) == ["t/1", "t/1*", "t/2"]
    assert (wishes.repeat, wishes.repeated) == (0, 1)
    late = passed(Wishes(repeat=2, behind=2), *map(publish, range(1, 5)))
    assert late == ["t/1", "t/2", "t/3", "t/1*", "t/4", "t/2*"]


def test_two_packets_are_exchanged_and_the_last_is_let_go() -> None:
    wishes = Wishes(swap=2)
    tampering = Tampering(wishes)
    assert [topic_of(one) for one in tampering.through(publish(1))] == []
    assert tampering.is_holding
    assert [topic_of(one) for one in tampering.through(publish(2))] == ["t/2", "t/1"]
    assert list(tampering.through(publish(3))) == []
    assert topic_of(tampering.let_go()) == "t/3"
    assert not tampering.is_holding
    assert wishes.swapped == 1
