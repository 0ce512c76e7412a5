"""BTHome v2 against the examples of its own pages, and against the shared vectors."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from gateway.model import Rejected
from gateway.tags.frames import bthome
from gateway.tags.frames.bthome import Bthome, SealedBthome, decode, open_sealed, trial
from gateway.tags.frames.bthome_objects import FLAGS, NUMBERS
from tests.unit.tags.frames.adverts import advert, raw_advert, raw_data, readings, vectors

ADDRESS = "54:48:E6:8F:80:A5"
KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")
SEALED = bytes.fromhex("41e445f3c9962b332211006c7c4519")  # bthome.io/encryption
PLAIN = {"temperature_c": 25.06, "humidity_percent": 50.55}


def plain(objects: str, *, information: int = 0x40) -> Bthome:
    frame = decode(bytes([information]) + bytes.fromhex(objects), ADDRESS)
    assert isinstance(frame, Bthome)
    return frame


# The column "Example" of bthome.io/format, and its "Result".
NUMBER_EXAMPLES = [
    ("518756", "acceleration_m_s2", 22.151),
    ("0161", "battery_percent", 97),
    ("12e204", "co2_ppm", 1250),
    ("56e803", "conductivity_us_cm", 1000),
    ("0960", "count", 96),
    ("3d0960", "count", 24585),
    ("3e2a2c0960", "count", 1611213866),
    ("59ea", "count", -22),
    ("5aeaea", "count", -5398),
    ("5bea0234ea", "count", -365690134),
    ("434e34", "current_a", 13.39),
    ("5d02ea", "current_a", -5.63),
    ("08ca06", "dewpoint_c", 17.38),
    ("400c00", "distance_mm", 12),
    ("414e00", "distance_m", 7.8),
    ("424e3400", "duration_s", 13.39),
    ("4d12138a14", "energy_kwh", 344593.17),
    ("0a138a14", "energy_kwh", 1346.067),
    ("4b138a14", "gas_m3", 1346.067),
    ("4c41018a01", "gas_m3", 25821.505),
    ("528756", "gyroscope_deg_s", 22.151),
    ("03bf13", "humidity_percent", 50.55),
    ("2e23", "humidity_percent", 35),
    ("05138a14", "illuminance_lux", 13460.67),
    ("065e1f", "mass_kg", 80.3),
    ("073e1d", "mass_lb", 74.86),
    ("14020c", "moisture_percent", 30.74),
    ("2f23", "moisture_percent", 35),
    ("0d120c", "pm2_5_ug_m3", 3090),
    ("0e021c", "pm10_ug_m3", 7170),
    ("0b021b00", "power_w", 69.14),
    ("5c02fbffff", "power_w", -12.78),
    ("04138a01", "pressure_hpa", 1008.83),
    ("3f020c", "rotation_deg", 307.4),
    ("444e34", "speed_m_s", 133.9),
    ("57ea", "temperature_c", -22),
    ("58ea", "temperature_c", -7.7),
    ("451101", "temperature_c", 27.3),
    ("02ca09", "temperature_c", 25.06),
    ("505d396164", "timestamp_s", 1684093277),
    ("133301", "tvoc_ug_m3", 307),
    ("0c020c", "voltage_v", 3.074),
    ("4a020c", "voltage_v", 307.4),
    ("4e87562a01", "volume_l", 19551.879),
    ("478756", "volume_l", 2215.1),
    ("48dc87", "volume_ml", 34780),
    ("5587562a01", "volume_stored_l", 19551.879),
    ("49dc87", "volume_flow_m3_h", 34.78),
    ("4632", "uv_index", 5.0),
    ("4f87562a01", "water_l", 19551.879),
    ("5e9f8c", "direction_deg", 359.99),
    ("f00100", "device_type", 1),
]


@pytest.mark.parametrize(("objects", "name", "value"), NUMBER_EXAMPLES)
def test_a_number_is_told_in_its_unit(objects: str, name: str, value: float) -> None:
    assert plain(objects).values == {name: value}


@pytest.mark.parametrize("kind", sorted(FLAGS))
@pytest.mark.parametrize(("byte", "value"), [(0, 0), (1, 1), (255, 1)])
def test_a_flag_is_0_or_1(kind: int, byte: int, value: int) -> None:
    assert plain(f"{kind:02x}{byte:02x}").values == {FLAGS[kind]: value}


def test_no_id_has_two_meanings() -> None:
    assert NUMBERS.keys().isdisjoint(FLAGS)


def test_the_page_s_first_example_is_read() -> None:
    assert plain("02c40903bf13").values == {"temperature_c": 25.0, "humidity_percent": 50.55}


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ("00", ""),
        ("01", "press"),
        ("02", "double_press"),
        ("03", "triple_press"),
        ("04", "long_press"),
        ("05", "long_double_press"),
        ("06", "long_triple_press"),
        ("80", "hold_press"),
        ("fe", "hold_press"),
        ("07", "event_7"),
    ],
)
def test_a_button_tells_how_it_was_pressed(event: str, told: str) -> None:
    frame = plain(f"3a{event}")
    assert frame.buttons == (told,)
    assert frame.pressed == bool(told)


def test_of_two_buttons_the_one_left_alone_keeps_its_place() -> None:
    frame = plain("3a003a01")
    assert frame.buttons == ("", "press")
    assert frame.pressed


def test_a_frame_without_a_button_tells_of_no_press() -> None:
    assert not plain("0161").pressed


@pytest.mark.parametrize(("dimmer", "steps"), [("0000", 0), ("0103", -3), ("020a", 10)])
def test_a_dimmer_tells_its_steps_to_the_right(dimmer: str, steps: int) -> None:
    assert plain(f"3c{dimmer}").dimmers == (steps,)


def test_text_raw_and_firmware_are_words() -> None:
    hello = "0c48656c6c6f20576f726c6421"
    assert plain(f"53{hello}54{hello}f100010204").words == {
        "text": "Hello World!",
        "raw": "48656c6c6f20576f726c6421",
        "firmware": "4.2.1.0",
    }
    assert plain("f2000106").words == {"firmware": "6.1.0"}


def test_text_that_is_none_is_told_as_far_as_it_is() -> None:
    assert plain("5303ff61fe").words == {"text": "�a�"}


def test_the_packet_id_is_no_value() -> None:
    frame = plain("00090161")
    assert (frame.packet, frame.values) == (9, {"battery_percent": 97})
    assert plain("0161").packet is None


def test_the_second_of_one_name_is_numbered_whatever_its_object() -> None:
    assert plain("02c409 451101 1100 1101 1101").values == {
        "temperature_c": 25.0,
        "temperature_c_2": 27.3,
        "opening": 0,
        "opening_2": 1,
        "opening_3": 1,
    }


@pytest.mark.parametrize("rest", ["65", "ff01", "02c4", "02", "53", "5303aabb", "f1000102"])
def test_a_reading_ends_at_what_is_unknown_or_cut_and_keeps_what_stood_before(rest: str) -> None:
    assert plain(f"0161{rest}").values == {"battery_percent": 97}


def test_objects_beyond_the_limit_are_not_read() -> None:
    frame = plain("0960" * (bthome.MAX_OBJECTS + 1))
    assert len(frame.values) == bthome.MAX_OBJECTS


def test_a_frame_identifies_its_sender_s_address() -> None:
    frame = plain("0161")
    assert frame.identifier == "bthome:54:48:e6:8f:80:a5"
    assert frame.tx_power_dbm is None


@pytest.mark.parametrize(("information", "expected"), [(0x40, False), (0x44, True), (0x58, False)])
def test_a_sender_without_an_interval_says_so(information: int, *, expected: bool) -> None:
    assert plain("0161", information=information).on_trigger is expected


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "too_short"),
        ("200161", "bad_version"),
        ("e10c040413", "bad_version"),
        ("42a5808fe648540161", "bad_version"),
        ("41", "too_short"),
        ("41010203040506070809", "too_short"),
    ],
)
def test_other_payloads_are_rejected_for_what_they_are(payload: str, reason: str) -> None:
    payload_ = bytes.fromhex(payload)
    assert decode(payload_, ADDRESS) == Rejected(reason)
    assert open_sealed(payload_, key=KEY, address=ADDRESS) == Rejected(reason)
    assert trial(payload_, ADDRESS, [KEY]) is None


def test_an_encrypted_frame_is_kept_whole_and_names_nobody() -> None:
    frame = decode(SEALED, ADDRESS)
    assert frame == SealedBthome(SEALED, counter=0x00112233)
    assert (frame.identifier, frame.values) == ("", {})


@pytest.mark.parametrize("address", [ADDRESS, ADDRESS.lower(), "5448E68F80A5"])
def test_the_published_encrypted_frame_opens_with_its_key(address: str) -> None:
    frame = open_sealed(SEALED, key=KEY, address=address)
    assert isinstance(frame, Bthome)
    assert frame.values == PLAIN


@pytest.mark.parametrize("information", [0x41, 0x45, 0x59])
def test_the_whole_device_information_is_part_of_the_seal(information: int) -> None:
    counter = (7).to_bytes(4, "little")
    nonce = bytes.fromhex("5448E68F80A5d2fc") + bytes([information]) + counter
    sealed = AESCCM(KEY, 4).encrypt(nonce, bytes.fromhex("00073a01"), None)
    payload = bytes([information]) + sealed[:-4] + counter + sealed[-4:]
    frame = open_sealed(payload, key=KEY, address=ADDRESS)
    assert isinstance(frame, Bthome)
    assert (frame.buttons, frame.packet) == (("press",), 7)
    another = bytes([information ^ 0x04]) + payload[1:]
    assert open_sealed(another, key=KEY, address=ADDRESS) == Rejected("wrong_key")


@pytest.mark.parametrize("at", range(1, len(SEALED)))
def test_a_frame_changed_anywhere_does_not_open(at: int) -> None:
    changed = SEALED[:at] + bytes([SEALED[at] ^ 0x10]) + SEALED[at + 1 :]
    assert open_sealed(changed, key=KEY, address=ADDRESS) == Rejected("wrong_key")


@pytest.mark.parametrize(
    ("payload", "key", "address", "reason"),
    [
        (SEALED, KEY[::-1], ADDRESS, "wrong_key"),
        (SEALED, KEY, "54:48:E6:8F:80:A6", "wrong_key"),
        (SEALED, KEY, "54:48:E6:8F:80", "bad_address"),
        (SEALED, KEY, "", "bad_address"),
        (SEALED, KEY, "a random device", "bad_address"),
        (b"\x40\x01\x61", KEY, ADDRESS, "not_sealed"),
    ],
)
def test_what_does_not_open_says_why(payload: bytes, key: bytes, address: str, reason: str) -> None:
    assert open_sealed(payload, key=key, address=address) == Rejected(reason)


def test_the_key_that_opens_is_found_among_others() -> None:
    others = [bytes([number] * 16) for number in range(50)]
    assert trial(SEALED, ADDRESS, [*others, KEY, *others]) == 50
    assert trial(SEALED, ADDRESS, others) is None
    assert trial(SEALED, ADDRESS, []) is None


# --- the shared vectors ---------------------------------------------------------------------------

NOT_MEASURED = {"mac", "rssi", "type", "firmware", "data", "packet", "weight unit", "steps"}
OTHER_NAMES = {
    "binary": "generic",
    "switch": "power",
    "weight": "mass",
    "volume_storage": "volume_stored",
}


def measured(frame: Bthome, name: str) -> list[object]:
    """What `frame` says under the name that ble_monitor gives it."""
    stem = name.lower().replace(" ", "_").replace(".", "_")
    stem = stem.removesuffix("_detected").removesuffix("_detector")
    stem = OTHER_NAMES.get(stem, stem)
    numbers = [
        value for key, value in frame.values.items() if key == stem or key.startswith(f"{stem}_")
    ]
    return [*numbers, *(value for key, value in frame.words.items() if key == stem)]


def as_we_tell(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value).timestamp() if name == "timestamp" else value


def test_every_shared_bthome_v2_advert_reads_as_expected(shared: Path) -> None:
    read = 0
    for vector in vectors(shared, "ble_monitor-dev.jsonl"):
        expect = vector["expect"]
        if not str(expect.get("firmware", "")).startswith("BTHome V2"):
            continue
        address = vector["hci"]["mac"]
        (frame,) = readings(raw_advert(raw_data(vector), address=address))
        packet: int | None = None
        if isinstance(frame, SealedBthome):
            key, packet = bytes.fromhex(vector["context"]["aeskey"]), frame.counter
            frame = open_sealed(frame.payload, key=key, address=address)
        assert isinstance(frame, Bthome), vector["id"]
        packet = frame.packet if packet is None else packet
        assert expect["packet"] == ("no packet id" if packet is None else packet), vector["id"]
        for name, value in expect.items():
            if name == "button":
                assert value.replace(" ", "_") in frame.buttons, vector["id"]
            elif name == "dimmer":
                assert any(frame.dimmers), vector["id"]
            elif name not in NOT_MEASURED:
                assert as_we_tell(name, value) in measured(frame, name), vector["id"]
        read += 1
    assert read >= 40


# advlib's name, ours, and how many of its unit ours is
ADVLIB: dict[str, tuple[tuple[str, float], ...]] = {
    "temperature": (("temperature_c", 1),),
    "relativeHumidity": (("humidity_percent", 1),),
    "batteryPercentage": (("battery_percent", 1),),
    "illuminance": (("illuminance_lux", 1),),
    "pressure": (("pressure_hpa", 100),),
    "count": (("count", 1),),
    "energy": (("energy_kwh", 1),),
    "power": (("power_w", 1),),
    "voltage": (("voltage_v", 1),),
    "pm2.5": (("pm2_5_ug_m3", 1),),
    "pm10": (("pm10_ug_m3", 1),),
    "carbonDioxideConcentration": (("co2_ppm", 1),),
    "angleOfRotation": (("rotation_deg", 1),),
    "distance": (("distance_mm", 1e-3), ("distance_m", 1)),
    "duration": (("duration_s", 1),),
    "amperage": (("current_a", 1),),
    "speed": (("speed_m_s", 1),),
    "heading": (("direction_deg", 1),),
    "angularVelocity": (("gyroscope_deg_s", 1), ("rotational_speed_rpm", 6)),
}
ADVLIB_FLAGS = {
    "isContactDetected": {"opening", "door", "garage_door", "window"},
    "isLightDetected": {"light"},
    "isLiquidDetected": {"moisture"},
    "isMotionDetected": {"motion", "moving", "vibration"},
    "isOccupancyDetected": {"occupancy", "presence"},
    "isSmokeDetected": {"smoke"},
    "isGasDetected": {"gas"},
    "isCarbonMonoxideDetected": {"carbon_monoxide"},
    "isTamperDetected": {"tamper"},
}


def in_words_of_advlib(frame: Bthome) -> dict[str, Any]:
    """All that advlib tells of such a frame, but for what it computes of two of our names."""
    told: dict[str, Any] = {
        name: pytest.approx(frame.values[ours] * unit)
        for name, candidates in ADVLIB.items()
        for ours, unit in candidates
        if ours in frame.values
    }
    for name, ours in ADVLIB_FLAGS.items():
        flags = [bool(value) for key, value in frame.values.items() if key in ours]
        if flags:
            told[name] = [flag != (name == "isContactDetected") for flag in flags]
    if frame.buttons:
        told["isButtonPressed"] = [bool(event) for event in frame.buttons]
    if "problem" in frame.values:
        told["isHealthy"] = not frame.values["problem"]
    if "acceleration_m_s2" in frame.values:
        standard_gravity = 9.80665
        in_g = frame.values["acceleration_m_s2"] / standard_gravity
        told["acceleration"] = [pytest.approx(in_g)]
    if "firmware" in frame.words:
        told["firmwareVersion"] = frame.words["firmware"]
    if "text" in frame.words:
        told["text"] = frame.words["text"]
    return told


def test_every_shared_bthome_service_data_reads_as_expected(shared: Path) -> None:
    read = 0
    for vector in vectors(shared, "advlib-services-dev.jsonl"):
        if vector.get("service_uuid") != "fcd2" or vector["expect"] is None:
            continue
        payload = bytes.fromhex(vector["hex"])
        (frame,) = readings(advert(services={"fcd2": payload}, address=ADDRESS))
        expect = dict(vector["expect"])
        del expect["uri"]
        if "encrypted" in expect:
            assert isinstance(frame, SealedBthome), vector["id"]
            assert frame.counter == expect["encrypted"]["salt"], vector["id"]
        else:
            assert isinstance(frame, Bthome), vector["id"]
            assert in_words_of_advlib(frame) == expect, vector["id"]
        read += 1
    assert read >= 30
