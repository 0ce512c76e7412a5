"""Register maps: what the shipped ones say, and what is said of one that cannot be used."""

import struct
from pathlib import Path

import pytest

from gateway.lamps import QUANTITIES
from gateway.lights.bus_words import NodeCommand
from gateway.lights.profiles import (
    ProfileError,
    Write,
    load_profiles,
    load_types,
)
from gateway.model import UnusableError
from gateway.settings import config_dir

SHIPPED = config_dir() / "lamps"
NUMBER = "values.tilt_deg: it is a number; give its `type`"
COUNT = "values.switch_on_counter: it is a count; give a whole `type`"
GENERIC = (SHIPPED / "generic.toml").read_text("utf-8")


def _said_of(folder: Path, old: str, new: str) -> str:
    """What the loader says of the generic map with `old` replaced."""
    assert old in GENERIC
    (folder / "mine.toml").write_text(GENERIC.replace(old, new, 1), "utf-8")
    with pytest.raises(ProfileError) as raised:
        load_profiles(folder)
    return str(raised.value).removeprefix(f"{folder / 'mine.toml'}: ")


def test_the_maps_that_ship_load_and_differ_in_word_order_and_function() -> None:
    profiles = load_profiles(SHIPPED)
    assert sorted(profiles) == ["arc254", "generic", "miri"]
    assert {profile.blocks[0].function for profile in profiles.values()} == {3, 4}
    assert {profile.write_function for profile in profiles.values()} == {6, 16}
    assert all(profile.quantities <= set(QUANTITIES) for profile in profiles.values())


def test_a_block_of_the_generic_map_is_decoded() -> None:
    profile = load_profiles(SHIPPED)["generic"]
    answer = [0b0101_0010, 700, 695, 305, 2003, 152, 951, 0x8000, 0xFFFF, 12]
    decoded = profile.decode(profile.blocks[0], answer)
    assert decoded.values == {
        "motion": True,
        "door_open": True,
        "breaker_tripped": False,
        "leakage": False,
        "autonomous": True,
        "feedback_level": 70.0,
        "actual_level": 69.5,
        "active_power_w": 30.5,
        "supply_voltage_v": 200.3,
        "lamp_current_a": 0.152,
        "power_factor": 0.951,
        "temperature_c": None,
        "illuminance_lx": None,
        "tilt_deg": 1.2,
    }
    assert decoded.masked == {"temperature_c": "masked", "illuminance_lx": "masked"}


def test_floats_with_the_low_word_first_are_decoded() -> None:
    profile = load_profiles(SHIPPED)["arc254"]
    reals = [201.5, 0.25, float("nan"), 0.9, 31.5, 4.0]
    words = [word for real in reals for word in struct.unpack(">2H", struct.pack(">f", real))[::-1]]
    decoded = profile.decode(profile.blocks[0], [*words, 254, 255, 1 << 8 | 1, 0])
    assert decoded.values["supply_voltage_v"] == 201.5
    assert decoded.values["active_power_w"] is None
    assert decoded.values["feedback_level"] == 100.0
    assert decoded.values["actual_level"] is None
    assert (decoded.values["motion"], decoded.values["door_open"]) == (True, True)
    assert decoded.masked == {"active_power_w": "not_a_number", "actual_level": "masked"}


def test_thousandths_and_closed_contacts_are_decoded() -> None:
    profile = load_profiles(SHIPPED)["miri"]
    answer = [0] * 20
    answer[0:2] = [50_000, 0]
    answer[14:16] = [0xFFFF - 4_999, 0xFFFF]
    answer[18:20] = [0b010, 0x8000]
    decoded = profile.decode(profile.blocks[0], answer)
    assert decoded.values["feedback_level"] == 50.0
    assert decoded.values["temperature_c"] == -5.0
    assert (decoded.values["door_open"], decoded.values["breaker_tripped"]) == (True, False)
    assert decoded.values["autonomous"] is True


def test_a_command_is_one_request_where_its_registers_are_neighbours() -> None:
    command = NodeCommand("l-1", level=70.0, ramp_s=2.0, fallback_level=50.0, watchdog_s=90.0)
    profiles = load_profiles(SHIPPED)
    assert profiles["generic"].writes(command) == (
        Write(16, 100, (700, 20)),
        Write(16, 110, (500, 90)),
    )
    assert profiles["miri"].writes(command) == (
        Write(16, 0x300, (70_000 - 65_536, 1, 2_000, 0)),
        Write(16, 0x310, (50_000, 0, 90_000 - 65_536, 1)),
    )
    assert profiles["arc254"].writes(command) == (
        Write(6, 2000, (178,)),
        Write(6, 2010, (127,)),
        Write(6, 2011, (2,)),
    )


def test_only_what_a_command_says_is_written() -> None:
    generic = load_profiles(SHIPPED)["generic"]
    assert generic.writes(NodeCommand("l-1", watchdog_s=60.0)) == (Write(16, 111, (60,)),)
    assert generic.writes(NodeCommand("l-1", level=0.0)) == (Write(16, 100, (0, 0)),)
    assert generic.writes(NodeCommand("l-1")) == ()


def test_a_node_is_known_by_its_identity() -> None:
    identity = load_profiles(SHIPPED)["miri"].identity
    assert (identity.block.address, identity.block.count) == (0x3F0, 4)
    assert identity.matches([0x4D52, 3, 1, 0])
    assert not identity.matches([0x4D52, 4, 1, 0])
    assert identity.serial_of([0x4D52, 3, 0x0001, 0x0002]) == 0x20001


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("count = 10", "count = 0", "blocks[0].count: expected `int` >= 1"),
        ("function = 3", "function = 5", "blocks[0].function: invalid enum value 5"),
        ("count = 10", "count = 17", "blocks: two of them read register 16: part them"),
        ("address = 9,", "address = 11,", "values.tilt_deg: register 11 is in no block; add"),
        ("tilt_deg ", "tilt_degrees ", "values.tilt_degrees: no such quantity; is tilt_deg meant?"),
        (", bit = 4", "", "values.motion: give either `type` (a number) or `bit`"),
        ("bit = 4", 'type = "uint16"', "values.motion: it says yes or no; give its `bit`"),
        (
            'address = 9, type = "uint16", scale = 0.1, mask = 0xFFFF',
            "address = 9, bit = 1",
            NUMBER,
        ),
        ("address = 20, type =", "address = 20, scale = 0.1, type =", COUNT),
        ('address = 20, type = "uint32"', 'address = 20, type = "float32"', COUNT),
        ("bit = 4", "bit = 4, mask = 1", "values.motion: a bit has no scale and no mask"),
        ("mask = 0x8000 ", "mask = 0x18000 ", "values.temperature_c: the mask is wider than int16"),
        ("scale = 0.1,", "scale = 0,", "values[...].scale: expected `float` > 0"),
        ("meter_class = 1.0", "", "meter_class: give the meter's accuracy class in percent, or"),
        ('"big"', '"middle"', "word_order: invalid enum value 'middle'"),
        ("level          =", "levle          =", "commands: object contains unknown field `levle`"),
        ("vendor = ", "vendor ", "not TOML, correct it: "),
    ],
)
def test_a_map_that_cannot_be_used_is_told_with_its_file_and_key(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert _said_of(tmp_path, old, new).startswith(said)


def test_one_register_a_write_cannot_carry_a_long_number(tmp_path: Path) -> None:
    arc = (SHIPPED / "arc254.toml").read_text("utf-8")
    long = 'level          = { address = 2000, type = "uint32" }\n'
    lines = [long if line.startswith("level ") else line for line in arc.splitlines(keepends=True)]
    (tmp_path / "arc.toml").write_text("".join(lines), "utf-8")
    with pytest.raises(ProfileError, match=r"commands\.level: function 6 writes one register"):
        load_profiles(tmp_path)


def test_a_map_that_cannot_be_used_does_not_hide_the_others_from_who_wants_them(
    tmp_path: Path,
) -> None:
    (tmp_path / "bad.toml").write_text("vendor", "utf-8")
    (tmp_path / "good.toml").write_text(GENERIC, "utf-8")
    told: list[ProfileError] = []
    assert list(load_profiles(tmp_path, on_unusable=told.append)) == ["good"]
    assert ["bad.toml" in str(error) for error in told] == [True]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="no such folder; set `lamps`"):
        load_profiles(tmp_path / "nowhere")
    with pytest.raises(UnusableError, match="cannot be read"):
        load_types(tmp_path)


def test_the_lamp_types_that_ship_load() -> None:
    types = load_types(SHIPPED)
    assert types["led-40"].power_curve[0] == (0.0, 0.4)
    assert types["sodium-110"].warm_up_s == 300.0


@pytest.mark.parametrize(
    ("curve", "said"),
    [
        ("[[0, 1], [50, 20]]", r"lamp\.power_curve: give at least two \[level, watts\]"),
        (
            "[[0, 1], [60, 20], [50, 9], [100, 40]]",
            r"lamp\.power_curve: write the levels in rising",
        ),
        ("[[0, 1], [100, -4]]", r"power_curve.*>= 0"),
    ],
)
def test_a_power_curve_that_cannot_be_used_is_told(tmp_path: Path, curve: str, said: str) -> None:
    (tmp_path / "types.toml").write_text(f"[lamp]\npower_curve = {curve}\n", "utf-8")
    with pytest.raises(ProfileError, match=said):
        load_types(tmp_path)
