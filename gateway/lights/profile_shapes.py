"""How the files of `config/lamps` are written; profiles.py gives them their meaning."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.lights.registers import Kind, WordOrder

_Address = Annotated[int, Meta(ge=0, le=0xFFFF)]
_Word = Annotated[int, Meta(ge=0, le=0xFFFF)]
_Scale = Annotated[float, Meta(gt=0)]
_Percent = Annotated[float, Meta(ge=0, le=100)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class BlockEntry(_Strict, frozen=True):
    """One `[[blocks]]`."""

    function: Literal[3, 4]
    address: _Address
    count: Annotated[int, Meta(ge=1, le=125)]
    every_s: Annotated[float, Meta(ge=0)] = 0.0


class ValueEntry(_Strict, frozen=True):
    """A quantity: a number (`type`) or one `bit` of a register."""

    address: _Address
    type: Kind | None = None
    scale: _Scale | None = None
    mask: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)] | None = None
    bit: Annotated[int, Meta(ge=0, le=15)] | None = None
    inverted: bool = False


class SettingEntry(_Strict, frozen=True):
    """A register that is written, or the serial number's."""

    address: _Address
    type: Kind
    scale: _Scale | None = None


class CommandsEntry(_Strict, frozen=True):
    """What a node can be told."""

    function: Literal[6, 16]
    level: SettingEntry
    ramp_s: SettingEntry | None = None
    fallback_level: SettingEntry | None = None
    watchdog_s: SettingEntry | None = None


class IdentityEntry(_Strict, frozen=True):
    """By what a node is known."""

    function: Literal[3, 4]
    address: _Address
    equals: Annotated[tuple[_Word, ...], Meta(min_length=1)]
    serial: SettingEntry | None = None


class ProfileFile(_Strict, frozen=True):
    """A vendor's register map."""

    vendor: str
    model: str
    word_order: WordOrder
    blocks: Annotated[tuple[BlockEntry, ...], Meta(min_length=1)]
    values: dict[str, ValueEntry]
    commands: CommandsEntry
    identity: IdentityEntry
    meter_class: Annotated[float, Meta(gt=0)] | None = None


class TypeEntry(_Strict, frozen=True):
    """A kind of luminaire."""

    power_curve: tuple[tuple[_Percent, Annotated[float, Meta(ge=0)]], ...]
    nominal_voltage_v: Annotated[float, Meta(gt=0)] = 200.0
    warm_up_s: Annotated[float, Meta(ge=0)] = 30.0
    power_factor_curve: tuple[tuple[_Percent, Annotated[float, Meta(gt=0, le=1)]], ...] = ()
