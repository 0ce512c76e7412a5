"""Two edges with one id: somebody copied a card, and both are switched on."""

from dataclasses import dataclass
from random import Random

from tests.system.chaos.fault import Effects, Kind
from tests.system.chaos.faults.described import RESET, Described, anywhere
from tests.system.chaos.ground import EDGES
from tests.system.chaos.town import Town

HOLD_S = (6.0, 10.0)  # it starts, follows its orders and captures
_TWINS = "two edges with one id"


@dataclass(slots=True, kw_only=True)
class Twin(Described):
    """A second process with the gateway's id and an outbox of its own, for a while."""

    edge: str

    async def strike(self, town: Town, random: Random) -> None:
        """Switch it on."""
        await town.spawn("twin", self.edge)

    async def heal(self, town: Town) -> None:
        """Switch it off, as people do."""
        await town.process("twin").stop()


def _twins(random: Random) -> Twin:
    edge = random.choice(EDGES)
    return Twin(
        kind=_TWINS,
        name=f"two {edge}",
        touches=frozenset({"process:twin", f"net:{edge}", f"process:{edge}"}),
        hold_s=random.uniform(*HOLD_S),
        effects=Effects(twins=frozenset({edge}), explains=(RESET,)),
        edge=edge,
    )


KINDS = (Kind(_TWINS, 2, _twins, anywhere),)
