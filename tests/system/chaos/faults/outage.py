"""An outage of a day, by its volume: an edge comes back with 86,400 windows that wait."""

from dataclasses import dataclass
from random import Random

from tests.system.chaos.fault import Kind
from tests.system.chaos.faults.described import Described, anywhere, process
from tests.system.chaos.ground import EDGES
from tests.system.chaos.town import Town

ROWS = 86_400
NEWEST_S = 900.0  # before now: what is older than a day the hub forgets on purpose
FILLS_WITHIN_S = 50.0
_OUTAGE = "outage of 24 h (its volume)"


@dataclass(slots=True, kw_only=True)
class Outage(Described):
    """Killed, its outbox filled through the product's own, and started again."""

    edge: str

    async def strike(self, town: Town, random: Random) -> None:
        """Fill it."""
        await town.process(self.edge).kill()
        receiver = town.topics[self.edge][0].rpartition("_")[2]
        command = (
            *("-m", "tests.system.chaos.prefill", str(town.outbox(self.edge))),
            *("--gateway", self.edge, "--receiver", receiver),
            *("--ledger", str(town.ledger(self.edge)), "--rows", str(ROWS)),
            *("--before", str(int(town.now() - NEWEST_S))),
        )
        await town.processes.python("outage", *command)
        if not await town.process("outage").gone(FILLS_WITHIN_S):
            raise TimeoutError(f"the outbox of {self.edge} could not be filled")
        assert town.processes.exit_code("outage") == 0
        await town.process("outage").kill()

    async def heal(self, town: Town) -> None:
        """Start it."""
        await town.process(self.edge).start()


def _outage(random: Random) -> Outage:
    edge = random.choice(EDGES)
    return Outage(
        kind=_OUTAGE,
        name=f"{_OUTAGE} of {edge}",
        touches=process(edge, "outage"),
        hold_s=0.0,
        edge=edge,
    )


KINDS = (Kind(_OUTAGE, 1, _outage, anywhere),)
