"""kill -9 of each process: at any time, at each named point, and of many at once."""

from dataclasses import dataclass
from functools import partial
from random import Random

from gateway.model import Role
from tests.system.chaos.fault import Kind
from tests.system.chaos.faults.described import Described, anywhere, process
from tests.system.chaos.ground import EDGES, NAMES
from tests.system.chaos.points import POINTS, Point
from tests.system.chaos.town import Town

DOWN_S = (0.2, 3.0)
REACHED_WITHIN_S = 8.0
MOST_PASSAGES = 4
AT_RANDOM = "kill at any time"
MACHINES = {
    "the server": ("hub", "sink", "mosquitto", "influxd"),
    "the poles": EDGES,
    "the town": NAMES,
}


@dataclass(slots=True, kw_only=True)
class Kill(Described):
    """SIGKILL; later they are started again, in the order of NAMES."""

    victims: tuple[str, ...]

    async def strike(self, town: Town, random: Random) -> None:
        """All of them, in no order."""
        for name in random.sample(self.victims, len(self.victims)):
            await town.process(name).kill()

    async def heal(self, town: Town) -> None:
        """Start them."""
        for name in sorted(self.victims, key=NAMES.index):
            await town.process(name).start()


@dataclass(slots=True, kw_only=True)
class KillAtPoint(Described):
    """The process kills itself where the product passes a point for the n-th time from now."""

    victim: str
    point: Point
    passages: int

    async def strike(self, town: Town, random: Random) -> None:
        """Wait until it has died; where it never passes the point, it is killed as it is."""
        process = town.process(self.victim)
        town.arm(self.victim, f"{self.point.name} {self.passages}")
        if not await process.gone(REACHED_WITHIN_S):
            town.disarm(self.victim)
            await process.kill()
            self.kind, self.name = AT_RANDOM, f"kill {self.victim}"

    async def heal(self, town: Town) -> None:
        """Start it."""
        town.disarm(self.victim)
        await town.process(self.victim).start()


def _any_process(random: Random) -> Kill:
    victim = random.choice(NAMES)
    return Kill(
        kind=AT_RANDOM,
        name=f"kill {victim}",
        touches=process(victim),
        hold_s=random.uniform(*DOWN_S),
        victims=(victim,),
    )


def _machine(random: Random) -> Kill:
    name = random.choice(tuple(MACHINES))
    return Kill(
        kind="power cut of a machine",
        name=f"power cut of {name}",
        touches=process(*MACHINES[name]),
        hold_s=random.uniform(*DOWN_S),
        victims=MACHINES[name],
    )


def _at(point: Point, random: Random) -> KillAtPoint:
    victim = random.choice(EDGES) if point.role is Role.EDGE else str(point.role)
    return KillAtPoint(
        kind=f"kill {point.name}",
        name=f"kill {victim} {point.name.partition(' ')[2]}",
        touches=process(victim),
        hold_s=random.uniform(*DOWN_S),
        victim=victim,
        point=point,
        passages=random.randint(1, MOST_PASSAGES),
    )


KINDS = (
    Kind(AT_RANDOM, 6, _any_process, anywhere),
    Kind("power cut of a machine", 2, _machine, anywhere),
    *(Kind(f"kill {point.name}", 1, partial(_at, point), anywhere) for point in POINTS),
)
