import pytest
from firmware_sim.lamps.luminaire import LUMINAIRES
from firmware_sim.lamps.node import LampNode
from firmware_sim.lamps.rtu import answer, crc16, sealed, tell_all, unsealed
from firmware_sim.lamps.weather import Surroundings
from pymodbus.framer.rtu import FramerRTU


def node_of(unit=17, firmware="generic"):
    node = LampNode(unit=unit, firmware=firmware, lamp=LUMINAIRES["led-40"], seed=1)
    node.advance(1_793_090_000.0, surroundings=Surroundings())
    return node


def test_the_checksum_is_that_of_the_standards_own_example():
    assert crc16(bytes([0x02, 0x07])) == bytes([0x41, 0x12])  # Modbus over serial line, app. B


@pytest.mark.parametrize("frame", [b"\x01\x03\x00\x00\x00\x0a", b"\xff" * 40, b"\x11"])
def test_the_checksum_is_that_of_an_independent_library(frame):
    assert int.from_bytes(crc16(frame), "big") == FramerRTU.compute_CRC(frame)


def test_what_was_sealed_is_unsealed_and_what_is_damaged_or_short_is_not():
    frame = sealed(b"\x11\x03\x00\x40\x00\x02")

    assert unsealed(frame) == b"\x11\x03\x00\x40\x00\x02"
    assert unsealed(frame[:-1]) is None
    assert unsealed(bytes([frame[0] ^ 1]) + frame[1:]) is None
    assert unsealed(b"\x11\x03") is None


def test_a_read_is_answered_with_the_size_and_the_words():
    assert answer(b"\x11\x03\x00\x40\x00\x02", node_of()) == b"\x11\x03\x04\x4d\x4d\x00\x01"


def test_a_write_of_one_is_echoed_and_a_write_of_several_says_where_and_how_many():
    node = node_of()

    assert answer(b"\x11\x06\x00\x64\x01\x2c", node) == b"\x11\x06\x00\x64\x01\x2c"
    assert node.poll()["feedback_level"] == 30.0
    said = answer(b"\x11\x10\x00\x64\x00\x02\x04\x01\xf4\x00\x0a", node)
    assert said == b"\x11\x10\x00\x64\x00\x02"
    assert node.poll()["feedback_level"] == 50.0


@pytest.mark.parametrize(
    ("request_body", "said"),
    [
        (b"\x11\x2b\x0e\x01", b"\x11\xab\x01"),  # a function that it does not have
        (b"\x11\x03\x01\xf4\x00\x01", b"\x11\x83\x02"),  # an address that it does not have
        (b"\x11\x03\x00\x00", b"\x11\x83\x03"),  # too short
        (b"\x11\x10\x00\x64\x00\x02\x03\x01\xf4\x00", b"\x11\x90\x03"),  # sizes that disagree
        (b"\x11\x10\x00\x64\x00\x00\x00", b"\x11\x90\x03"),  # nothing to write
        (b"\x11\x06\x00\x64\x7f\xff", b"\x11\x86\x03"),  # a level beyond 100 %
    ],
)
def test_what_a_node_cannot_do_it_says_by_an_exception(request_body, said):
    assert answer(request_body, node_of()) == said


def test_a_broadcast_is_done_by_all_that_understand_it():
    nodes = {unit: node_of(unit) for unit in (1, 2)} | {3: node_of(3, "arc254")}
    for node in nodes.values():
        node.command(10.0)

    tell_all(b"\x00\x06\x00\x64\x03\xe8", nodes)

    levels = [nodes[unit].poll()["feedback_level"] for unit in (1, 2, 3)]
    assert levels == [100.0, 100.0, 10.0]
