"""A street of simulated lamp nodes, driven and watched as an edge does, without any wire.

Every poll goes through the node's registers and the gateway's register maps, or, for long runs,
takes what the node would tell (`Pole.registers`). What is commanded and not followed is commanded
again at the next poll; counters are read once a minute, and repeated meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from firmware_sim.lamps.luminaire import LUMINAIRES
from firmware_sim.lamps.node import LampNode
from firmware_sim.lamps.weather import Surroundings

from gateway.lamps import LampEvent, LampReading, LampType
from gateway.lights.bus_words import NodeCommand
from gateway.lights.fault_segment import Segment
from gateway.lights.faults import FaultWatch
from gateway.lights.limits import limits_of
from gateway.lights.profiles import Profile, load_profiles, load_types

LAMPS = Path(__file__).resolve().parents[2] / "config" / "lamps"
PROFILES: Mapping[str, Profile] = load_profiles(LAMPS)
TYPES: Mapping[str, LampType] = load_types(LAMPS)
SLOW_EVERY_S = 60.0  # the counters' block
SLOW = frozenset(
    name
    for profile in PROFILES.values()
    for block in profile.blocks
    if block.every_s
    for name, _, _ in block.values
)


@dataclass(frozen=True, slots=True)
class Command:
    """What a lamp is to do from now on."""

    level: float
    ramp_s: float = 0.0


class Pole:
    """A node, its watch, and what its edge wants of it."""

    def __init__(
        self, lamp: str, lamp_type: str, profile: str, *, unit: int, registers: bool, seed: int = 7
    ) -> None:
        self.lamp = lamp
        self.lamp_type = lamp_type
        self.profile = PROFILES[profile]
        self.node = LampNode(unit=unit, firmware=profile, lamp=LUMINAIRES[lamp_type], seed=seed)
        kind = TYPES[lamp_type]
        self.watch = FaultWatch(lamp, kind, limits_of(kind, {}))
        self.registers = registers
        self.wanted: Command | None = None
        self.illuminance_lx: float | None = None
        self._slow_at = float("-inf")
        self._said: dict[str, object] = {}

    def poll(
        self, at: float, surroundings: Surroundings, segment: Segment, *, lost: bool = False
    ) -> list[LampEvent]:
        """One poll at `at`, whose answer may be `lost` on the line."""
        self.node.advance(at, surroundings=surroundings)
        if lost or not self.node.answers:
            segment.missed(self.lamp)
            return self.watch.missed(at, segment_powered=segment.powered)
        self._said.update(self._values(at))
        target_level = None if self.wanted is None else self.wanted.level
        reading = LampReading(at, self.lamp, target_level=target_level, **self._said)
        segment.answered(self.lamp, reading.supply_voltage_v)
        self.illuminance_lx = reading.illuminance_lx
        events = self.watch.update(reading)
        self._correct(reading)
        return events

    def _correct(self, reading: LampReading) -> None:
        if self.wanted is None:
            return
        off = abs((reading.feedback_level or 0.0) - self.wanted.level)
        if off > 1.0 or reading.autonomous:
            self.tell(self.wanted)

    def tell(self, command: Command) -> None:
        """Commands the node, as far as it hears."""
        self.wanted = command
        if not self.node.answers:
            return
        order = NodeCommand(self.lamp, level=command.level, ramp_s=command.ramp_s)
        for write in self.profile.writes(order):
            self.node.write(write.function, write.address, write.registers)

    def _values(self, at: float) -> dict[str, object]:
        slow = at - self._slow_at >= SLOW_EVERY_S
        if slow:
            self._slow_at = at
        if self.registers:
            return self._decoded(slow=slow)
        told = self.node.poll()
        return {name: value for name, value in told.items() if slow or name not in SLOW}

    def _decoded(self, *, slow: bool) -> dict[str, object]:
        values: dict[str, object] = {}
        for block in self.profile.blocks:
            if slow or not block.every_s:
                words = self.node.read(block.function, block.address, block.count)
                values |= self.profile.decode(block, words).values
        return values
