"""What a card does to the outbox of an edge that lost its power: torn, truncated, garbled, gone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from tests.system.chaos.fault import Effects, Kind
from tests.system.chaos.faults.described import RESET, Described, anywhere, process
from tests.system.chaos.ground import EDGES
from tests.system.chaos.town import Town

DOWN_S = (0.2, 2.0)
LONGEST_TEAR_BYTES = 60_000
SET_ASIDE = "is set aside"  # told with the reason's traceback
HEADER_BYTES = 100  # of a SQLite file
_WAL, _PARTS = "-wal", ("", "-wal", "-shm")

Damage = Callable[[Path, Random], None]


@dataclass(slots=True, kw_only=True)
class Damaged(Described):
    """Killed, its outbox damaged, and started again."""

    edge: str
    damage: Damage

    async def strike(self, town: Town, random: Random) -> None:
        """What the kernel had not written is lost, or is something else."""
        await town.process(self.edge).kill()
        self.damage(town.outbox(self.edge), random)

    async def heal(self, town: Town) -> None:
        """Start it."""
        await town.process(self.edge).start()


def tear(outbox: Path, random: Random) -> None:
    """The last blocks of the write-ahead log hold anything."""
    with _wal(outbox).open("r+b") as file:
        size = file.seek(0, 2)
        torn = min(size, random.randint(1, LONGEST_TEAR_BYTES))
        file.seek(size - torn)
        file.write(random.randbytes(torn))


def truncate(outbox: Path, random: Random) -> None:
    """The write-ahead log ends earlier."""
    wal = _wal(outbox)
    size = wal.stat().st_size
    with wal.open("r+b") as file:
        file.truncate(max(0, size - random.randint(1, LONGEST_TEAR_BYTES)))


def garble_header(outbox: Path, random: Random) -> None:
    """The file is no database any more, nor is its log."""
    for file in (outbox, _wal(outbox)):
        with file.open("r+b") as opened:
            opened.write(random.randbytes(HEADER_BYTES))


def remove(outbox: Path, _random: Random) -> None:
    """Somebody put in an empty card."""
    for part in _PARTS:
        outbox.with_name(outbox.name + part).unlink(missing_ok=True)


def _wal(outbox: Path) -> Path:
    """Made where there is none: then there is nothing to lose in it."""
    wal = outbox.with_name(outbox.name + _WAL)
    wal.touch()
    return wal


def _damaged(kind: str, damage: Damage, random: Random) -> Damaged:
    edge = random.choice(EDGES)
    return Damaged(
        kind=kind,
        name=f"{kind} ({edge})",
        touches=process(edge),
        hold_s=random.uniform(*DOWN_S),
        effects=Effects(loses=frozenset({edge}), explains=(RESET, SET_ASIDE)),
        edge=edge,
        damage=damage,
    )


_DAMAGES: dict[str, tuple[int, Damage]] = {
    "torn WAL of the outbox": (4, tear),
    "truncated WAL of the outbox": (4, truncate),
    "header of the outbox overwritten": (2, garble_header),
    "outbox removed": (2, remove),
}
KINDS = tuple(
    Kind(kind, weight, partial(_damaged, kind, damage), anywhere)
    for kind, (weight, damage) in _DAMAGES.items()
)
