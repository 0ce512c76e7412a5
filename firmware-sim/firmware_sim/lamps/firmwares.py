"""What the firmwares of three vendors put into which Modbus register, as tables.

Written from the vendors' side, apart from the gateway's own register maps: a test reads the one
by the other.
"""

from collections.abc import Mapping
from enum import StrEnum

from firmware_sim.lamps.registers import (
    READ_HOLDING,
    READ_INPUT,
    WRITE_ONE,
    WRITE_SEVERAL,
    Bit,
    Block,
    Number,
    RegisterMap,
)

_NONE, _LONG_NONE, _SIGNED_NONE = 0xFFFF, 0xFFFFFFFF, 0x80000000


class Firmware(StrEnum):
    """Whose node it is."""

    GENERIC = "generic"
    ARC254 = "arc254"
    MIRI = "miri"


_GENERIC_STATE = (
    Number(1, "H", "feedback_level", 10, _NONE),
    Number(2, "H", "actual_level", 10, _NONE),
    Number(3, "H", "active_power_w", 10, _NONE),
    Number(4, "H", "supply_voltage_v", 10, _NONE),
    Number(5, "H", "lamp_current_a", 1000, _NONE),
    Number(6, "H", "power_factor", 1000, _NONE),
    Number(7, "h", "temperature_c", 10, 0x8000),
    Number(8, "H", "illuminance_lx", 1, _NONE),
    Number(9, "H", "tilt_deg", 10, _NONE),
)
_GENERIC_CONTACTS = (
    Bit(0, 1, "door_open"),
    Bit(0, 2, "breaker_tripped"),
    Bit(0, 3, "leakage"),
    Bit(0, 4, "motion"),
    Bit(0, 6, "autonomous"),
)
_GENERIC_METERS = (
    Number(16, "I", "active_energy_kwh", 1000, _LONG_NONE),
    Number(18, "I", "operating_hours_h", 10, _LONG_NONE),
    Number(20, "I", "switch_on_counter", 1, _LONG_NONE),
    Number(22, "H", "supply_loss_count", 1, _NONE),
    Number(23, "H", "frequency_hz", 100, _NONE),
    Number(24, "H", "apparent_power_va", 10, _NONE),
    Number(25, "H", "lamp_voltage_v", 10, _NONE),
)
_GENERIC_COMMAND = (Number(100, "H", "level", 10), Number(101, "H", "ramp_s", 10))
_GENERIC_SETTINGS = (Number(110, "H", "fallback_level", 10), Number(111, "H", "watchdog_s", 1))

_ARC254_STATE = (
    Number(1000, "f", "supply_voltage_v"),
    Number(1002, "f", "lamp_current_a"),
    Number(1004, "f", "active_power_w"),
    Number(1006, "f", "power_factor"),
    Number(1008, "f", "temperature_c"),
    Number(1010, "f", "illuminance_lx"),
    Number(1012, "H", "feedback_level", 2.54, 255),
    Number(1013, "H", "actual_level", 2.54, 255),
)
_ARC254_CONTACTS = (
    Bit(1014, 0, "motion"),
    Bit(1014, 8, "door_open"),
    Bit(1014, 12, "autonomous"),
)
_ARC254_METERS = (
    Number(1100, "f", "active_energy_kwh"),
    Number(1102, "f", "operating_hours_h"),
    Number(1104, "I", "switch_on_counter", 1, _LONG_NONE),
    Number(1106, "H", "supply_loss_count", 1, _NONE),
)
_ARC254_COMMAND = (Number(2000, "H", "level", 2.54),)
_ARC254_SETTINGS = (
    Number(2010, "H", "fallback_level", 2.54),
    Number(2011, "H", "watchdog_s", 1 / 60),
)

_MIRI_STATE = (
    Number(0x200, "i", "feedback_level", 1000, _SIGNED_NONE),
    Number(0x202, "i", "actual_level", 1000, _SIGNED_NONE),
    Number(0x204, "i", "active_power_w", 1000, _SIGNED_NONE),
    Number(0x206, "i", "apparent_power_va", 1000, _SIGNED_NONE),
    Number(0x208, "i", "supply_voltage_v", 1000, _SIGNED_NONE),
    Number(0x20A, "i", "lamp_current_a", 1000, _SIGNED_NONE),
    Number(0x20C, "i", "power_factor", 1000, _SIGNED_NONE),
    Number(0x20E, "i", "temperature_c", 1000, _SIGNED_NONE),
    Number(0x210, "i", "tilt_deg", 1000, _SIGNED_NONE),
)
_MIRI_CONTACTS = (
    Bit(0x212, 0, "door_open", inverted=True),
    Bit(0x212, 1, "breaker_tripped", inverted=True),
    Bit(0x212, 2, "motion"),
    Bit(0x213, 15, "autonomous"),
)
_MIRI_METERS = (
    Number(0x240, "I", "active_energy_kwh", 1000, _LONG_NONE),
    Number(0x242, "I", "operating_hours_h", 60, _LONG_NONE),
    Number(0x244, "I", "switch_on_counter", 1, _LONG_NONE),
    Number(0x246, "i", "frequency_hz", 1000, _SIGNED_NONE),
)
_MIRI_COMMAND = (Number(0x300, "i", "level", 1000), Number(0x302, "i", "ramp_s", 1000))
_MIRI_SETTINGS = (
    Number(0x310, "i", "fallback_level", 1000),
    Number(0x312, "i", "watchdog_s", 1000),
)

REGISTER_MAPS: Mapping[Firmware, RegisterMap] = {
    Firmware.GENERIC: RegisterMap(
        low_word_first=False,
        write_functions=(WRITE_ONE, WRITE_SEVERAL),
        blocks=(
            Block(READ_HOLDING, 0, 10, numbers=_GENERIC_STATE, bits=_GENERIC_CONTACTS),
            Block(READ_HOLDING, 16, 10, numbers=_GENERIC_METERS),
            Block(READ_HOLDING, 64, 4, constants=(0x4D4D, 0x0001)),
        ),
        settings=(
            Block(READ_HOLDING, 100, 2, numbers=_GENERIC_COMMAND),
            Block(READ_HOLDING, 110, 2, numbers=_GENERIC_SETTINGS),
        ),
    ),
    Firmware.ARC254: RegisterMap(
        low_word_first=True,
        write_functions=(WRITE_ONE,),
        blocks=(
            Block(READ_INPUT, 1000, 16, numbers=_ARC254_STATE, bits=_ARC254_CONTACTS),
            Block(READ_INPUT, 1100, 8, numbers=_ARC254_METERS),
            Block(READ_INPUT, 1900, 4, constants=(0x4147, 0x00FE)),
        ),
        settings=(
            Block(READ_HOLDING, 2000, 1, numbers=_ARC254_COMMAND),
            Block(READ_HOLDING, 2010, 2, numbers=_ARC254_SETTINGS),
        ),
    ),
    Firmware.MIRI: RegisterMap(
        low_word_first=True,
        write_functions=(WRITE_SEVERAL,),
        blocks=(
            Block(READ_HOLDING, 0x200, 20, numbers=_MIRI_STATE, bits=_MIRI_CONTACTS),
            Block(READ_HOLDING, 0x240, 8, numbers=_MIRI_METERS),
            Block(READ_HOLDING, 0x3F0, 4, constants=(0x4D52, 0x0003)),
        ),
        settings=(
            Block(READ_HOLDING, 0x300, 4, numbers=_MIRI_COMMAND),
            Block(READ_HOLDING, 0x310, 4, numbers=_MIRI_SETTINGS),
        ),
    ),
}
