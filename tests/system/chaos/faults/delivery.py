"""A broker that delivers a message twice, at once or late, or two in the wrong order."""

from dataclasses import dataclass
from random import Random

from tests.system.chaos.fault import Kind
from tests.system.chaos.faults.described import Described, anywhere
from tests.system.chaos.faults.network import touched
from tests.system.chaos.ground import ROLES
from tests.system.chaos.proxy import Way
from tests.system.chaos.town import Town

HOLD_S = (2.0, 4.0)
MOST_REPEATED, MOST_SWAPPED, FURTHEST_BEHIND = 20, 10, 8
_REPEATED, _SWAPPED = "duplicate delivery", "reordered delivery"


@dataclass(slots=True, kw_only=True)
class Garble(Described):
    """The next PUBLISH packets on one way of one process's connection."""

    role: str
    way: Way
    repeat: int = 0
    behind: int = 0
    swap: int = 0

    async def strike(self, town: Town, random: Random) -> None:
        """From now on."""
        proxy = town.proxy(self.role, "mosquitto")
        proxy.repeat(self.way, self.repeat, behind=self.behind)
        proxy.swap(self.way, self.swap)

    async def heal(self, town: Town) -> None:
        """As they come again."""
        town.proxy(self.role, "mosquitto").heal()


def _repeated(random: Random) -> Garble:
    role, way = random.choice(ROLES), random.choice(tuple(Way))
    return Garble(
        kind=_REPEATED,
        name=f"{_REPEATED}, {way.name.lower()} of {role}",
        touches=touched((role, "mosquitto")),
        hold_s=random.uniform(*HOLD_S),
        role=role,
        way=way,
        repeat=random.randint(1, MOST_REPEATED),
        behind=random.randint(0, FURTHEST_BEHIND),
    )


def _swapped(random: Random) -> Garble:
    role, way = random.choice(ROLES), random.choice(tuple(Way))
    return Garble(
        kind=_SWAPPED,
        name=f"{_SWAPPED}, {way.name.lower()} of {role}",
        touches=touched((role, "mosquitto")),
        hold_s=random.uniform(*HOLD_S),
        role=role,
        way=way,
        swap=random.randint(1, MOST_SWAPPED),
    )


KINDS = (Kind(_REPEATED, 4, _repeated, anywhere), Kind(_SWAPPED, 4, _swapped, anywhere))
