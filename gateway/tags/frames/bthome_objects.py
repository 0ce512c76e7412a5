"""The objects of BTHome v2, as bthome.io/format lists them; names end with their unit.

A flag says 1 as bthome.io's "Result" says it: `lock` is 1 where unlocked, `safety` where safe.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Number(NamedTuple):
    """`size` bytes, an integer that counts `times / per` of the unit.

    To be divided, not multiplied by 0.01: so 2506 is 25.06 and no more.
    """

    name: str
    size: int
    per: int = 1
    signed: bool = False
    times: int = 1


class Word(NamedTuple):
    """`size` bytes that are no number; None where the byte behind the id is the size."""

    name: str
    size: int | None
    read: Callable[[bytes], str]


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _version(raw: bytes) -> str:
    return ".".join(map(str, reversed(raw)))


NUMBERS: Mapping[int, Number] = {
    0x01: Number("battery_percent", 1),
    0x02: Number("temperature_c", 2, 100, signed=True),
    0x03: Number("humidity_percent", 2, 100),
    0x04: Number("pressure_hpa", 3, 100),
    0x05: Number("illuminance_lux", 3, 100),
    0x06: Number("mass_kg", 2, 100),
    0x07: Number("mass_lb", 2, 100),
    0x08: Number("dewpoint_c", 2, 100, signed=True),
    0x09: Number("count", 1),
    0x0A: Number("energy_kwh", 3, 1000),
    0x0B: Number("power_w", 3, 100),
    0x0C: Number("voltage_v", 2, 1000),
    0x0D: Number("pm2_5_ug_m3", 2),
    0x0E: Number("pm10_ug_m3", 2),
    0x12: Number("co2_ppm", 2),
    0x13: Number("tvoc_ug_m3", 2),
    0x14: Number("moisture_percent", 2, 100),
    0x2E: Number("humidity_percent", 1),
    0x2F: Number("moisture_percent", 1),
    0x3D: Number("count", 2),
    0x3E: Number("count", 4),
    0x3F: Number("rotation_deg", 2, 10, signed=True),
    0x40: Number("distance_mm", 2),
    0x41: Number("distance_m", 2, 10),
    0x42: Number("duration_s", 3, 1000),
    0x43: Number("current_a", 2, 1000),
    0x44: Number("speed_m_s", 2, 100),
    0x45: Number("temperature_c", 2, 10, signed=True),
    0x46: Number("uv_index", 1, 10),
    0x47: Number("volume_l", 2, 10),
    0x48: Number("volume_ml", 2),
    0x49: Number("volume_flow_m3_h", 2, 1000),
    0x4A: Number("voltage_v", 2, 10),
    0x4B: Number("gas_m3", 3, 1000),
    0x4C: Number("gas_m3", 4, 1000),
    0x4D: Number("energy_kwh", 4, 1000),
    0x4E: Number("volume_l", 4, 1000),
    0x4F: Number("water_l", 4, 1000),
    0x50: Number("timestamp_s", 4),
    0x51: Number("acceleration_m_s2", 2, 1000),
    0x52: Number("gyroscope_deg_s", 2, 1000),
    0x55: Number("volume_stored_l", 4, 1000),
    0x56: Number("conductivity_us_cm", 2),
    0x57: Number("temperature_c", 1, signed=True),
    0x58: Number("temperature_c", 1, 100, signed=True, times=35),
    0x59: Number("count", 1, signed=True),
    0x5A: Number("count", 2, signed=True),
    0x5B: Number("count", 4, signed=True),
    0x5C: Number("power_w", 4, 100, signed=True),
    0x5D: Number("current_a", 2, 1000, signed=True),
    0x5E: Number("direction_deg", 2, 100),
    0x5F: Number("precipitation_mm", 2, 10),
    0x60: Number("channel", 1),
    0x61: Number("rotational_speed_rpm", 2),
    0x62: Number("speed_m_s", 4, 1_000_000, signed=True),
    0x63: Number("acceleration_m_s2", 4, 1_000_000, signed=True),
    0x64: Number("light_level", 1),
    0xF0: Number("device_type", 2),
}

FLAGS: Mapping[int, str] = {
    0x0F: "generic",
    0x10: "power",
    0x11: "opening",
    0x15: "battery_low",
    0x16: "battery_charging",
    0x17: "carbon_monoxide",
    0x18: "cold",
    0x19: "connectivity",
    0x1A: "door",
    0x1B: "garage_door",
    0x1C: "gas",
    0x1D: "heat",
    0x1E: "light",
    0x1F: "lock",
    0x20: "moisture",
    0x21: "motion",
    0x22: "moving",
    0x23: "occupancy",
    0x24: "plug",
    0x25: "presence",
    0x26: "problem",
    0x27: "running",
    0x28: "safety",
    0x29: "smoke",
    0x2A: "sound",
    0x2B: "tamper",
    0x2C: "vibration",
    0x2D: "window",
}

WORDS: Mapping[int, Word] = {
    0x53: Word("text", None, _text),
    0x54: Word("raw", None, bytes.hex),
    0xF1: Word("firmware", 4, _version),
    0xF2: Word("firmware", 3, _version),
}

PACKET = 0x00
BUTTON = 0x3A
DIMMER = 0x3C

SIZES: Mapping[int, int | None] = {
    **{kind: number.size for kind, number in NUMBERS.items()},
    **dict.fromkeys(FLAGS, 1),
    **{kind: word.size for kind, word in WORDS.items()},
    **{PACKET: 1, BUTTON: 1, DIMMER: 2},
}

BUTTON_EVENTS: Mapping[int, str] = {
    0x00: "",
    0x01: "press",
    0x02: "double_press",
    0x03: "triple_press",
    0x04: "long_press",
    0x05: "long_double_press",
    0x06: "long_triple_press",
    0x80: "hold_press",
    0xFE: "hold_press",  # of Shelly buttons with old firmware
}
DIMMER_DIRECTIONS: Mapping[int, int] = {0x01: -1, 0x02: 1}
