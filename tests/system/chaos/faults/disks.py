"""Disks: full under a running process, or read-only when it starts."""

from dataclasses import dataclass
from functools import partial
from random import Random

import aiomqtt
import msgspec

from gateway.link.envelope import Envelope, encode
from gateway.link.envelope import Kind as RowKind
from gateway.link.topics import Topics
from gateway.model import Lane
from tests.system.chaos.fault import Effects, Kind
from tests.system.chaos.faults.described import RESET, Described, as_root, process
from tests.system.chaos.ground import EDGES, SITE_ID
from tests.system.chaos.town import Town

HUB = "hub"
HOLD_S = (2.0, 5.0)
_FULL_EDGE, _FULL_HUB, _FULL_SINK = "disk full (edge)", "disk full (hub)", "disk full (sink)"
_READ_ONLY = "read-only file system"


@dataclass(slots=True, kw_only=True)
class Full(Described):
    """Not a byte is left."""

    role: str

    async def strike(self, town: Town, random: Random) -> None:
        """Fill it."""
        disk = town.disk(self.role)
        assert disk is not None
        disk.fill()

    async def heal(self, town: Town) -> None:
        """Make room."""
        disk = town.disk(self.role)
        assert disk is not None
        disk.free()


@dataclass(slots=True, kw_only=True)
class FullQuarantine(Full):
    """The sink's, which writes to it only what InfluxDB will never take: so it is given that."""

    async def strike(self, town: Town, random: Random) -> None:
        """Fill it, and give the sink a row that cannot be lines."""
        await super(FullQuarantine, self).strike(town, random)
        epoch = f"{random.getrandbits(64):016x}"
        row = Envelope(
            sender=HUB,
            epoch=epoch,
            lane=Lane.BACKLOG,
            seq=1,
            first=1,
            sent=town.now(),
            kind=RowKind.POSITIONS,
            items=msgspec.Raw(b'[{"at":"never"}]'),
        )
        async with aiomqtt.Client("127.0.0.1", town.mqtt_port) as client:
            await client.publish(Topics(SITE_ID).out(HUB, Lane.BACKLOG), encode(row), qos=1)


@dataclass(slots=True, kw_only=True)
class ReadOnly(Described):
    """It starts on a disk that came up read-only, as one does whose check found an error."""

    role: str

    async def strike(self, town: Town, random: Random) -> None:
        """Killed; a disk with files open for writing is not remounted."""
        disk = town.disk(self.role)
        assert disk is not None
        await town.process(self.role).kill()
        disk.read_only()
        await town.process(self.role).start()

    async def heal(self, town: Town) -> None:
        """Writable again; it is tried again by whoever keeps it running."""
        disk = town.disk(self.role)
        assert disk is not None
        disk.writable()


def _full(kind: str, roles: tuple[str, ...], random: Random) -> Full:
    role = random.choice(roles)
    fault = FullQuarantine if role == "sink" else Full
    needed = process("mosquitto") if role == "sink" else frozenset()
    return fault(
        kind=kind,
        name=f"disk of {role} full",
        touches=frozenset({f"disk:{role}"}) | needed,
        hold_s=random.uniform(*HOLD_S),
        effects=Effects(quarantines=role == "sink", explains=(RESET,)),
        role=role,
    )


def _read_only(random: Random) -> ReadOnly:
    role = random.choice((*EDGES, "hub"))
    return ReadOnly(
        kind=_READ_ONLY,
        name=f"{role} starts on a read-only disk",
        touches=frozenset({f"disk:{role}"}) | process(role),
        hold_s=random.uniform(*HOLD_S),
        role=role,
    )


KINDS = (
    Kind(_FULL_EDGE, 3, partial(_full, _FULL_EDGE, EDGES), as_root),
    Kind(_FULL_HUB, 3, partial(_full, _FULL_HUB, ("hub",)), as_root),
    Kind(_FULL_SINK, 2, partial(_full, _FULL_SINK, ("sink",)), as_root),
    Kind(_READ_ONLY, 3, _read_only, as_root),
)
