"""An outage: an edge comes back with thousands of windows that wait.

They are of half an hour's seconds: the hub tracks a past second anew but once, however many windows
of it come. A whole day's (86,400) take as long to be worked off as all other faults together.
"""

from dataclasses import dataclass
from random import Random

from tests.system.chaos.fault import Kind
from tests.system.chaos.faults.described import Described, anywhere, process
from tests.system.chaos.ground import EDGES
from tests.system.chaos.town import Town

ROWS = 5_000
OLDEST_S, NEWEST_S = 5_400, 3_600  # before now: before the town began
FIRSTS = range(0, 1 << 30, ROWS)
FILLS_WITHIN_S = 50.0
_OUTAGE = f"outage ({ROWS:,} windows wait)"


@dataclass(slots=True, kw_only=True)
class Outage(Described):
    """Killed, its outbox filled through the product's own, and started again."""

    edge: str

    async def strike(self, town: Town, random: Random) -> None:
        """Fill it."""
        await town.process(self.edge).kill()
        receiver = town.topics[self.edge][0].rpartition("_")[2]
        now = int(town.now())
        command = (
            *("-m", "tests.system.chaos.prefill", str(town.outbox(self.edge))),
            *("--gateway", self.edge, "--receiver", receiver),
            *("--ledger", str(town.ledger(self.edge)), "--rows", str(ROWS)),
            *("--since", str(now - OLDEST_S), "--until", str(now - NEWEST_S)),
            *("--first", str(random.choice(FIRSTS))),
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
