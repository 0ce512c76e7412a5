"""A slow consumer: a process takes nothing for a while, and goes on as if nothing had been."""

import signal
from dataclasses import dataclass
from random import Random

from tests.system.chaos.fault import Kind
from tests.system.chaos.faults.described import Described, anywhere, process
from tests.system.chaos.ground import NAMES
from tests.system.chaos.town import Town

HOLD_S = (0.5, 4.0)
_PAUSED = "process stands still"


@dataclass(slots=True, kw_only=True)
class Pause(Described):
    """SIGSTOP, SIGCONT."""

    victim: str

    async def strike(self, town: Town, random: Random) -> None:
        """Stop it."""
        town.process(self.victim).signal(signal.SIGSTOP)

    async def heal(self, town: Town) -> None:
        """Go on."""
        town.process(self.victim).signal(signal.SIGCONT)


def _paused(random: Random) -> Pause:
    victim = random.choice(NAMES)
    return Pause(
        kind=_PAUSED,
        name=f"{victim} stands still",
        touches=process(victim),
        hold_s=random.uniform(*HOLD_S),
        victim=victim,
    )


KINDS = (Kind(_PAUSED, 5, _paused, anywhere),)
