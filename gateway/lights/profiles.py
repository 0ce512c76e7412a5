"""Register maps of lamp nodes, and the kinds of lamps, from `config/lamps/*.toml`.

Every file but `types.toml` is the map of one vendor's node, and its name is the profile's name.
What a map may say stands in `config/lamps/generic.toml`.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations, pairwise
from pathlib import Path
from typing import TypeVar, get_type_hints

import msgspec

from gateway.lamps import QUANTITIES, LampReading, LampType
from gateway.lights.bus_words import NodeCommand
from gateway.lights.profile_shapes import (
    BlockEntry,
    CommandsEntry,
    IdentityEntry,
    ProfileFile,
    SettingEntry,
    TypeEntry,
    ValueEntry,
)
from gateway.lights.registers import Bit, Kind, Number, WordOrder
from gateway.model import UnusableError

TYPES_FILE = "types.toml"
COMMAND_FIELDS = ("level", "ramp_s", "fallback_level", "watchdog_s")
Shape = TypeVar("Shape")
# What only a meter knows: without its class nobody could say how true it is.
_SAYS = get_type_hints(LampReading)
METERED = ("active_power_w", "active_energy_kwh", "apparent_power_va")


class ProfileError(UnusableError):
    """A file of register maps or lamp types cannot be used; names the file, the key, what to do."""


@dataclass(frozen=True, slots=True)
class Block:
    """One request: `function` 3 or 4, `count` registers from `address` on.

    `every_s` 0: in every round. `values` are the quantities in it, each with its place there.
    """

    function: int
    address: int
    count: int
    every_s: float
    values: tuple[tuple[str, Number | Bit, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Write:
    """One request: `function` 6 or 16 with `registers` from `address` on."""

    function: int
    address: int
    registers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A block's values by the fields of LampReading; None where `masked` says why."""

    values: Mapping[str, float | bool | None]
    masked: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Identity:
    """The registers by which a node of this kind is known, and where its serial number stands."""

    block: Block
    equals: tuple[int, ...]
    serial: Number | None

    def matches(self, registers: Sequence[int]) -> bool:
        """Whether the registers of `block` are of such a node."""
        return tuple(registers[: len(self.equals)]) == self.equals

    def serial_of(self, registers: Sequence[int]) -> int | None:
        """The serial number that stands in the registers of `block`."""
        if self.serial is None:
            return None
        number, _ = self.serial.read(registers, self.serial.address - self.block.address)
        return None if number is None else int(number)


@dataclass(frozen=True, slots=True)
class Profile:
    """One vendor's register map. `meter_class` in percent (IEC 62053), None without a meter."""

    name: str
    vendor: str
    model: str
    meter_class: float | None
    blocks: tuple[Block, ...]
    commands: Mapping[str, Number]
    write_function: int
    identity: Identity

    @property
    def quantities(self) -> frozenset[str]:
        """What such a node can say, by the fields of LampReading."""
        return frozenset(name for block in self.blocks for name, _, _ in block.values)

    def decode(self, block: Block, registers: Sequence[int]) -> Decoded:
        """What the answer to `block` says; `registers` are as many as it asked for."""
        values: dict[str, float | bool | None] = {}
        masked: dict[str, str] = {}
        for name, value, place in block.values:
            values[name], why = value.read(registers, place)
            if why:
                masked[name] = why
        return Decoded(values, masked)

    def writes(self, command: NodeCommand) -> tuple[Write, ...]:
        """The requests that tell a node `command`: the level first, neighbours in one request."""
        told: list[tuple[int, tuple[int, ...]]] = []
        if command.level is not None:
            told += self._registers({"level": command.level, "ramp_s": command.ramp_s})
        settings = {"fallback_level": command.fallback_level, "watchdog_s": command.watchdog_s}
        told += self._registers(
            {key: value for key, value in settings.items() if value is not None}
        )
        if self.write_function != 16:
            return tuple(Write(self.write_function, address, words) for address, words in told)
        return tuple(Write(16, address, words) for address, words in _joined(told))

    def _registers(self, values: Mapping[str, float]) -> list[tuple[int, tuple[int, ...]]]:
        return sorted(
            (number.address, number.write(value))
            for name, value in values.items()
            if (number := self.commands.get(name)) is not None
        )


def _joined(told: Iterable[tuple[int, tuple[int, ...]]]) -> list[tuple[int, tuple[int, ...]]]:
    joined: list[tuple[int, tuple[int, ...]]] = []
    for address, words in told:
        if joined and joined[-1][0] + len(joined[-1][1]) == address:
            joined[-1] = (joined[-1][0], joined[-1][1] + words)
        else:
            joined.append((address, words))
    return joined


def load_profiles(
    folder: Path, *, on_unusable: Callable[[ProfileError], None] | None = None
) -> dict[str, Profile]:
    """Every register map of `folder` by its name. ProfileError names what cannot be used.

    With `on_unusable` a map that cannot be used is told to it and left out: a folder that is not
    there is still an error.
    """
    if not folder.is_dir():
        raise ProfileError(f"{folder}: no such folder; set `lamps` to the folder of register maps")
    files = sorted(file for file in folder.glob("*.toml") if file.name != TYPES_FILE)
    profiles: dict[str, Profile] = {}
    for file in files:
        try:
            profiles[file.stem] = _profile(file)
        except ProfileError as error:
            if on_unusable is None:
                raise
            on_unusable(error)
    return profiles


def load_types(folder: Path) -> dict[str, LampType]:
    """The kinds of lamps of `folder/types.toml` by their id. ProfileError as above."""
    file = folder / TYPES_FILE
    types = _parsed(file, dict[str, TypeEntry])
    for name, entry in types.items():
        levels = [level for level, _ in entry.power_curve]
        if len(levels) < 2 or levels[0] != 0 or levels[-1] != 100:
            raise _problem(
                file, f"{name}.power_curve", "give at least two [level, watts], from 0 to 100"
            )
        for key, curve in (
            ("power_curve", entry.power_curve),
            ("power_factor_curve", entry.power_factor_curve),
        ):
            if any(after <= before for (before, _), (after, _) in pairwise(curve)):
                raise _problem(file, f"{name}.{key}", "write the levels in rising order")
    return {
        name: LampType(
            id=name,
            power_curve=entry.power_curve,
            nominal_voltage_v=entry.nominal_voltage_v,
            warm_up_s=entry.warm_up_s,
            power_factor_curve=entry.power_factor_curve,
        )
        for name, entry in types.items()
    }


def _problem(file: Path, key: str, remedy: str) -> ProfileError:
    return ProfileError(f"{file}: {key}: {remedy}")


def _parsed(file: Path, shape: type[Shape]) -> Shape:
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), shape)
    except OSError as error:
        raise ProfileError(f"{file}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"{file}: not TOML, correct it: {error}") from error
    except msgspec.ValidationError as error:
        raise ProfileError(f"{file}: {_plain(str(error))}") from error


def _plain(error: str) -> str:
    """msgspec's words ("Expected `int` - at `$.blocks[0].count`") with the key first."""
    what, _, where = error.partition(" - at `$")
    key = where.rstrip("`").lstrip(".") or "the file"
    return f"{key}: {what[0].lower()}{what[1:]}; compare it with generic.toml"


def _profile(file: Path) -> Profile:
    parsed = _parsed(file, ProfileFile)
    for block, other in combinations(parsed.blocks, 2):
        first, second = sorted((block, other), key=lambda each: each.address)
        if first.address + first.count > second.address:
            raise _problem(file, "blocks", f"two of them read register {second.address}: part them")
    places: list[list[tuple[str, Number | Bit, int]]] = [[] for _ in parsed.blocks]
    for name, entry in parsed.values.items():
        value = _value(file, name, entry, parsed.word_order)
        index = _block_of(value, parsed.blocks)
        if index is None:
            raise _problem(
                file,
                f"values.{name}",
                f"register {entry.address} is in no block; add a [[blocks]] that reads it",
            )
        places[index].append((name, value, value.address - parsed.blocks[index].address))
    if parsed.meter_class is None and (told := sorted(set(METERED) & parsed.values.keys())):
        raise _problem(
            file,
            "meter_class",
            f"give the meter's accuracy class in percent, or take {', '.join(told)} out",
        )
    return Profile(
        name=file.stem,
        vendor=parsed.vendor,
        model=parsed.model,
        meter_class=parsed.meter_class,
        blocks=tuple(
            Block(block.function, block.address, block.count, block.every_s, tuple(values))
            for block, values in zip(parsed.blocks, places, strict=True)
        ),
        commands=_commands(file, parsed.commands, parsed.word_order),
        write_function=parsed.commands.function,
        identity=_identity(file, parsed.identity, parsed.word_order),
    )


def _value(file: Path, name: str, entry: ValueEntry, order: WordOrder) -> Number | Bit:
    key = f"values.{name}"
    if name not in QUANTITIES:
        near = get_close_matches(name, QUANTITIES, n=1)
        meant = f"is {near[0]} meant?" if near else f"take of {', '.join(QUANTITIES)}"
        raise _problem(file, key, f"no such quantity; {meant}")
    if (entry.type is None) is (entry.bit is None):
        raise _problem(file, key, "give either `type` (a number) or `bit` (yes or no)")
    if entry.bit is not None:
        if _SAYS[name] != bool | None:
            raise _problem(file, key, "it is a number; give its `type` instead of a `bit`")
        if entry.scale is not None or entry.mask is not None:
            raise _problem(file, key, "a bit has no scale and no mask; take them out")
        return Bit(entry.address, entry.bit, entry.inverted)
    if entry.type is None or _SAYS[name] == bool | None:
        raise _problem(file, key, "it says yes or no; give its `bit` instead of a `type`")
    if _SAYS[name] == int | None and (entry.type is Kind.FLOAT32 or entry.scale is not None):
        raise _problem(file, key, "it is a count; give a whole `type`, and no scale")
    if entry.inverted:
        raise _problem(file, key, "only a bit can be inverted; take `inverted` out")
    number = Number(entry.address, entry.type, order, entry.scale, entry.mask)
    if entry.mask is not None and entry.mask >> 16 * number.words:
        raise _problem(file, key, f"the mask is wider than {entry.type}; make it shorter")
    return number


def _block_of(value: Number | Bit, blocks: Sequence[BlockEntry]) -> int | None:
    for index, block in enumerate(blocks):
        if block.address <= value.address <= block.address + block.count - value.words:
            return index
    return None


def _commands(file: Path, commands: CommandsEntry, order: WordOrder) -> dict[str, Number]:
    numbers: dict[str, Number] = {}
    for name in COMMAND_FIELDS:
        setting: SettingEntry | None = getattr(commands, name)
        if setting is None:
            continue
        number = Number(setting.address, setting.type, order, setting.scale)
        if commands.function == 6 and number.words != 1:
            raise _problem(
                file, f"commands.{name}", "function 6 writes one register: take function 16"
            )
        numbers[name] = number
    return numbers


def _identity(file: Path, identity: IdentityEntry, order: WordOrder) -> Identity:
    serial = None
    count = len(identity.equals)
    if identity.serial is not None:
        serial = Number(identity.serial.address, identity.serial.type, order)
        if serial.address < identity.address:
            raise _problem(file, "identity.serial", "its register must follow identity.address")
        count = max(count, serial.address - identity.address + serial.words)
    if count > 125:
        raise _problem(
            file, "identity", "more than 125 registers in one request: choose nearer ones"
        )
    block = Block(identity.function, identity.address, count, 0.0)
    return Identity(block, identity.equals, serial)
