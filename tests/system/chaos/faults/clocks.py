"""The wall clock of one process: an hour off and back, or not set at all when it starts."""

import asyncio
from dataclasses import dataclass
from random import Random

from tests.system.chaos.fault import Kind
from tests.system.chaos.faults.described import Described, process, with_faketime
from tests.system.chaos.ground import EDGES, ROLES
from tests.system.chaos.town import Town

HOUR_S = 3_600
STARTS_S = 4.0
HOLD_S = (2.5, 5.0)  # a step is seen within a second
_STEPPED, _STARTS_OFF, _UNSET = (
    "clock stepped an hour and back",
    "starts with a clock an hour off",
    "edge starts in 1970",
)


@dataclass(slots=True, kw_only=True)
class Step(Described):
    """Under a process that runs; it was started anew with a clock that can be bent."""

    role: str
    by_s: int

    async def strike(self, town: Town, random: Random) -> None:
        """Off."""
        process, clock = town.process(self.role), town.clock(self.role)
        assert clock is not None
        await process.kill()
        await process.start(**clock.environment)
        await asyncio.sleep(STARTS_S)
        clock.step(self.by_s)

    async def heal(self, town: Town) -> None:
        """And back."""
        clock = town.clock(self.role)
        assert clock is not None
        clock.reset()


@dataclass(slots=True, kw_only=True)
class StartOff(Described):
    """Killed, and started with a clock that is off: by `by_s`, or not set since 1970 (None)."""

    role: str
    by_s: int | None

    async def strike(self, town: Town, random: Random) -> None:
        """Start it there."""
        process, clock = town.process(self.role), town.clock(self.role)
        assert clock is not None
        await process.kill()
        clock.step(-int(town.now()) if self.by_s is None else self.by_s)
        await process.start(**clock.environment)

    async def heal(self, town: Town) -> None:
        """The clock is set while it runs."""
        clock = town.clock(self.role)
        assert clock is not None
        clock.reset()


def _stepped(random: Random) -> Step:
    role, by_s = random.choice(ROLES), random.choice((-HOUR_S, HOUR_S))
    return Step(
        kind=_STEPPED,
        name=f"clock of {role} {by_s:+d} s and back",
        touches=frozenset({f"clock:{role}"}) | process(role),
        hold_s=random.uniform(*HOLD_S),
        role=role,
        by_s=by_s,
    )


def _starts_off(random: Random) -> StartOff:
    role, by_s = random.choice(EDGES), random.choice((-HOUR_S, HOUR_S))
    return StartOff(
        kind=_STARTS_OFF,
        name=f"{role} starts {by_s:+d} s off",
        touches=frozenset({f"clock:{role}"}) | process(role),
        hold_s=random.uniform(*HOLD_S) + 3.0,
        role=role,
        by_s=by_s,
    )


def _unset(random: Random) -> StartOff:
    role = random.choice(EDGES)
    return StartOff(
        kind=_UNSET,
        name=f"{role} starts in 1970",
        touches=frozenset({f"clock:{role}"}) | process(role),
        hold_s=random.uniform(*HOLD_S) + 3.0,
        role=role,
        by_s=None,
    )


KINDS = (
    Kind(_STEPPED, 4, _stepped, with_faketime),
    Kind(_STARTS_OFF, 1, _starts_off, with_faketime),
    Kind(_UNSET, 2, _unset, with_faketime),
)
