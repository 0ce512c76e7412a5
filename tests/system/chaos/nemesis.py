"""Draws faults by a seed, strikes them in rounds, heals them, and waits until the path is whole.

A round is one to four faults that touch different things and stand at the same time. The plan is
drawn before the first strike, so a seed gives the same faults in the same order whatever happens.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from tests.system.chaos.fault import Fault, Kind
from tests.system.chaos.health import Health, NotWholeError
from tests.system.chaos.town import Town

MOST_AT_ONCE = 4
STAGGER_S = 1.0
QUIET_S = (0.3, 1.5)  # between two rounds
LONG_QUIET_S, LONG_QUIET_EVERY = 6.5, 4  # after some, so that presses are judged strictly
SLOW_S = 5.0  # a way back as long as this is explained
WHOLE_WITHIN_S = 120.0
STRUCK_WITHIN_S = 60.0


class Strike(NamedTuple):
    """One fault of a round, `after_s` its beginning."""

    number: int
    after_s: float
    fault: Fault


@dataclass(slots=True)
class Struck:
    """What was struck, when it stood, and when the path was whole again; true times."""

    number: int
    kind: str
    name: str
    fault: Fault
    since: float
    healed: float = 0.0
    whole: float = 0.0
    flows: float = 0.0


@dataclass(slots=True)
class History:
    """Everything that the nemesis did; `troubles` is what did not go as it should."""

    struck: list[Struck] = field(default_factory=list)
    unwell: list[tuple[float, float]] = field(default_factory=list)
    troubles: list[tuple[float, str]] = field(default_factory=list)

    def standing(self, at: float, *, margin_s: float = 0.0) -> list[Struck]:
        """The faults that stood at that time, or from which the path had not yet recovered."""
        return [one for one in self.struck if one.since - margin_s <= at <= one.whole + margin_s]


def plan(kinds: Sequence[Kind], *, faults: int, seed: int) -> list[list[Strike]]:
    """Rounds with at least `faults` faults, every kind by its weight, drawn by `seed`."""
    random = Random(seed)
    rounds: list[list[Strike]] = []
    deck: deque[Kind] = deque()
    count = 0
    while count < faults:
        size = min(random.randint(1, MOST_AT_ONCE), faults - count)
        one = _round(random, kinds, deck, size=size, number=count)
        rounds.append(one)
        count += len(one)
    return rounds


def _round(
    random: Random, kinds: Sequence[Kind], deck: deque[Kind], *, size: int, number: int
) -> list[Strike]:
    """The next faults of the deck; one that would touch what another touches is put back."""
    strikes: list[Strike] = []
    touched: set[str] = set()
    back: list[Kind] = []
    while len(strikes) < size and len(back) < len(kinds):
        if not deck:
            cards = [kind for kind in kinds for _ in range(kind.weight)]
            random.shuffle(cards)
            deck.extend(cards)
        kind = deck.popleft()
        fault = kind.draw(random)
        if touched & fault.touches:
            back.append(kind)
            continue
        touched |= fault.touches
        after_s = random.uniform(0, STAGGER_S) if strikes else 0.0
        strikes.append(Strike(number + len(strikes), after_s, fault))
    deck.extendleft(reversed(back))
    return strikes


class Nemesis:
    """Strikes a plan; `history` is for the judge."""

    def __init__(
        self, town: Town, health: Health, *, seed: int, log: Callable[[str], None]
    ) -> None:
        self.history = History()
        self._log = log
        self._town = town
        self._health = health
        self._seed = seed

    async def strike(self, rounds: Sequence[Sequence[Strike]]) -> None:
        """All of them, one round after the other. Stops at a path that does not come back."""
        pauses = Random(self._seed)
        for number, strikes in enumerate(rounds):
            is_long = number % LONG_QUIET_EVERY == LONG_QUIET_EVERY - 1
            await asyncio.sleep(LONG_QUIET_S if is_long else pauses.uniform(*QUIET_S))
            if not await self._one_round(strikes):
                return

    async def _one_round(self, strikes: Sequence[Strike]) -> bool:
        """Whether the path is whole again."""
        since, exits = self._town.now(), len(self._town.exits)
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self._one(strike), name=strike.fault.name) for strike in strikes
            ]
        struck = [task.result() for task in running]
        self.history.struck += struck
        try:
            whole = await self._health.whole(within_s=WHOLE_WITHIN_S)
            flows = await self._health.flows(since=whole, within_s=WHOLE_WITHIN_S)
        except NotWholeError as error:
            self.history.troubles.append((since, f"{_names(struck)}: {error}"))
            whole = flows = self._town.now()
        self.history.unwell.append((since, whole))
        for one in struck:
            one.whole, one.flows = whole, flows
        back_s = whole - max(one.healed for one in struck)
        last = f"  (last: {', '.join(self._health.last_wanting)})" if back_s > SLOW_S else ""
        ends = [f"; {one.name} ended by itself: {one.code}" for one in self._town.exits[exits:]]
        said = f"{_names(struck)}{last}{''.join(ends)}"
        self._log(f"{struck[-1].number + 1:4}  back in {back_s:4.1f} s  {said}")
        return not self.history.troubles

    async def _one(self, strike: Strike) -> Struck:
        fault, random = strike.fault, Random(f"{self._seed}-{strike.number}")
        await asyncio.sleep(strike.after_s)
        since = self._town.now()
        try:
            async with asyncio.timeout(STRUCK_WITHIN_S):
                await fault.strike(self._town, random)
                await asyncio.sleep(fault.hold_s)
                await fault.heal(self._town)
        except TimeoutError:
            self.history.troubles.append((since, f"{fault.name}: could not be struck"))
        # Its name now: a point that was never passed has become a plain kill.
        struck = Struck(strike.number, fault.kind, fault.name, fault, since)
        struck.healed = self._town.now()
        return struck


def _names(struck: Sequence[Struck]) -> str:
    return " + ".join(one.name for one in struck)
