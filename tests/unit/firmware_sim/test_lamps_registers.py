"""The vendors' registers, read by the register maps of config/lamps, but not by their reader."""

import math
import struct
import tomllib

import pytest
from firmware_sim.lamps.firmwares import REGISTER_MAPS, Firmware
from firmware_sim.lamps.luminaire import LUMINAIRES
from firmware_sim.lamps.node import LampNode
from firmware_sim.lamps.registers import Refused
from firmware_sim.lamps.weather import Surroundings

from gateway.lamps import QUANTITIES
from tests.needs import ROOT

FOLDER = ROOT / "config" / "lamps"
KINDS = {"uint16": "H", "int16": "h", "uint32": "I", "int32": "i", "float32": "f"}
NIGHT = Surroundings(lux=12.0, ambient_c=-7.0, frequency_hz=50.03)


def profile(firmware):
    return tomllib.loads((FOLDER / f"{firmware}.toml").read_text(encoding="utf-8"))


def node_of(firmware):
    node = LampNode(unit=9, firmware=firmware, lamp=LUMINAIRES["led-60"], seed=3)
    node.advance(1_793_090_000.0, surroundings=NIGHT)
    node.command(63.0)
    node.advance(1_793_097_200.0, surroundings=NIGHT)
    node.command(63.0)
    return node


def number(words, kind, *, little):
    ordered = words[::-1] if little else words
    raw = b"".join(word.to_bytes(2, "big") for word in ordered)
    return struct.unpack(">" + KINDS[kind], raw)[0]


def read_all(node, known):
    """Every value of the profile: (number or bool, how finely it can be told) or None."""
    registers = {}
    for block in known["blocks"]:
        words = node.read(block["function"], block["address"], block["count"])
        registers |= dict(enumerate(words, start=block["address"]))
    found = {}
    for name, place in known["values"].items():
        if "bit" in place:
            bit = registers[place["address"]] >> place["bit"] & 1
            found[name] = (bool(bit) != place.get("inverted", False), 0)
            continue
        words = [registers[place["address"] + k] for k in range(1 + ("32" in place["type"]))]
        raw = number(words, place["type"], little=known["word_order"] == "little")
        unsigned = number(
            words, "uint32" if len(words) == 2 else "uint16", little=known["word_order"] == "little"
        )
        if unsigned == place.get("mask") or (place["type"] == "float32" and math.isnan(raw)):
            found[name] = None
        else:
            found[name] = (raw * place.get("scale", 1), place.get("scale", 1))
    return found


@pytest.mark.parametrize("firmware", Firmware)
def test_every_value_of_the_register_map_is_what_the_node_means(firmware):
    node, known = node_of(firmware), profile(firmware)

    found = read_all(node, known)

    truth = node.poll()
    assert set(found) == set(truth) <= set(QUANTITIES)
    for name, (value, fineness) in found.items():
        tolerance = max(0.51 * fineness, 1e-6 * abs(truth[name]))
        assert value == pytest.approx(truth[name], rel=0, abs=tolerance), name


INPUTS = [
    (firmware, fault, name)
    for firmware in Firmware
    for fault, name in (
        ("door", "door_open"),
        ("breaker", "breaker_tripped"),
        ("leakage", "leakage"),
    )
    if name in profile(firmware)["values"]
]


@pytest.mark.parametrize(("firmware", "fault", "name"), INPUTS)
def test_digital_inputs_are_told_where_the_firmware_has_them(firmware, fault, name):
    node, known = node_of(firmware), profile(firmware)
    assert read_all(node, known)[name] == (False, 0)

    node.set_fault(fault)

    assert read_all(node, known)[name] == (True, 0)


@pytest.mark.parametrize("firmware", Firmware)
def test_a_lost_meter_is_a_mask_and_not_a_nought(firmware):
    node, known = node_of(firmware), profile(firmware)
    node.set_fault("meter_lost")

    found = read_all(node, known)

    masked = {name for name, value in found.items() if value is None}
    assert masked == {name for name, value in node.poll().items() if value is None}
    assert {"active_power_w", "supply_voltage_v", "active_energy_kwh"} <= masked


@pytest.mark.parametrize("firmware", Firmware)
def test_what_the_map_writes_is_what_the_node_does(firmware):
    node, known = node_of(firmware), profile(firmware)
    commands = known["commands"]
    for name, value in {"level": 25.0, "fallback_level": 80.0, "watchdog_s": 120.0}.items():
        place = commands[name]
        raw = round(value / place.get("scale", 1))
        words = [raw] if "16" in place["type"] else [raw & 0xFFFF, raw >> 16]
        node.write(commands["function"], place["address"], words)

    assert node.poll()["feedback_level"] == pytest.approx(25.0, abs=0.2)
    assert node.fallback_level == pytest.approx(80.0, abs=0.2)
    assert node.watchdog_s == pytest.approx(120.0)


@pytest.mark.parametrize("firmware", ["generic", "miri"])
def test_level_and_ramp_go_in_one_request(firmware):
    node, commands = node_of(firmware), profile(firmware)["commands"]
    words = [0, 50] if firmware == "generic" else [0, 0, 5000, 0]

    node.write(commands["function"], commands["level"]["address"], words)
    node.advance(node.at + 2.5, surroundings=NIGHT)

    assert node.poll()["feedback_level"] == 0.0
    assert node.poll()["actual_level"] == pytest.approx(31.5, abs=0.1)


@pytest.mark.parametrize("firmware", Firmware)
def test_the_identity_is_where_the_map_looks_for_it(firmware):
    node, known = node_of(firmware), profile(firmware)["identity"]

    words = node.read(known["function"], known["address"], 4)

    assert words[:2] == known["equals"]
    little = profile(firmware)["word_order"] == "little"
    assert number(words[2:], "uint32", little=little) == node.serial


@pytest.mark.parametrize("firmware", Firmware)
def test_the_other_vendors_requests_are_refused(firmware):
    node = node_of(firmware)
    for other in set(Firmware) - {firmware}:
        known = profile(other)["identity"]
        with pytest.raises(Refused):
            node.read(known["function"], known["address"], 4)


@pytest.mark.parametrize(
    ("firmware", "request_of", "code"),
    [
        ("generic", ("read", 4, 0, 1), 2),
        ("generic", ("read", 3, 0, 126), 3),
        ("generic", ("read", 3, 9, 2), 2),
        ("generic", ("read", 2, 0, 1), 1),
        ("generic", ("write", 16, 100, [1001, 0]), 3),
        ("generic", ("write", 16, 0, [1]), 2),
        ("arc254", ("write", 16, 2000, [10]), 1),
        ("miri", ("write", 6, 0x300, [10]), 1),
        ("miri", ("write", 16, 0x300, [10]), 2),
        ("miri", ("write", 16, 0x300, [0xFFFF, 0xFFFF]), 3),
    ],
)
def test_what_cannot_be_done_is_answered_with_the_exception_of_modbus(firmware, request_of, code):
    verb, *rest = request_of

    with pytest.raises(Refused) as refused:
        getattr(node_of(firmware), verb)(*rest)

    assert refused.value.code == code


def test_the_level_255_of_the_254_steps_changes_nothing():
    node = node_of("arc254")

    node.write(6, 2000, [255])

    assert node.poll()["feedback_level"] == 63.0


def test_a_counter_that_is_full_begins_anew_and_is_never_the_mask():
    generic = REGISTER_MAPS[Firmware.GENERIC]
    told = node_of("generic").poll()
    full = 0xFFFFFFFF / 1000

    def words(kwh):
        return generic.read(3, 16, 2, told=told | {"active_energy_kwh": kwh}, serial=1)

    assert words(full - 0.001) == [0xFFFF, 0xFFFE]
    assert words(full) == [0, 0]
