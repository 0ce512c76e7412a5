"""What a bus asks next: commands ahead of polls, lamps in rounds, silent ones seldom. Pure.

A lamp that was told a level is asked next whether it follows.

A round asks every lamp for the blocks of its register map that are asked in every round, and a few
lamps for blocks that are due now and then, so that no round is much longer than another.

A lamp that does not answer costs a time-out and the quiet time after it, as much as 17 polls. So
each failure adds to its trouble and each answer takes a quarter away; from three on the lamp is
asked after half a minute, then after a minute. One that fails more often than every fifth time thus
counts as one that is dead. When one comes back the others are tried, too: they often share a fuse.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.lights.bus_words import Failure, NodeCommand
from gateway.lights.profiles import Block, Profile

TROUBLE = 3.0
TROUBLE_MOST = 5.0
TROUBLE_OFF = 0.25
RETRY_FIRST_S = 30.0
RETRY_MOST_S = 60.0
# Of the blocks that are asked now and then, a round takes as many as one lamp in eight has.
EXTRA_PART = 8


@dataclass(frozen=True, slots=True)
class OnBus:
    """A lamp, and how its node is reached."""

    lamp: str
    unit: int
    profile: Profile


@dataclass(frozen=True, slots=True)
class Read:
    """Ask a lamp for one block."""

    on: OnBus
    block: Block


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell a lamp a command, by every write of it."""

    on: OnBus
    command: NodeCommand


@dataclass(slots=True)
class _Health:
    trouble: float = 0.0
    retry_at: float = 0.0


class Polling:
    """One bus's order of work; every `now` is in monotonic seconds.

    `round_s` is the least time from the beginning of a round to the next; `last_round_s` how long
    the last whole one took.
    """

    def __init__(self, lamps: Sequence[OnBus], *, round_s: float) -> None:
        self.last_round_s: float | None = None
        self._least_round_s = round_s
        self._lamps: dict[str, OnBus] = {}
        self._health: dict[str, _Health] = {}
        self._due: dict[tuple[str, Block], float] = {}
        self._commands: dict[str, NodeCommand] = {}
        self._round: deque[Read] = deque()
        self._round_began: float | None = None
        self._next_round_at = 0.0
        self.follow(lamps)

    @property
    def lamps(self) -> tuple[str, ...]:
        """The lamps on this bus."""
        return tuple(self._lamps)

    def follow(self, lamps: Sequence[OnBus]) -> None:
        """These are the lamps now; what is known of one that stays as it was is kept."""
        now = {on.lamp: on for on in lamps}
        stay = {lamp for lamp, on in now.items() if self._lamps.get(lamp) == on}
        self._lamps = now
        self._health = {
            lamp: self._health[lamp] if lamp in stay else _Health() for lamp in self._lamps
        }
        self._due = {
            (lamp, block): self._due.get((lamp, block), 0.0) if lamp in stay else 0.0
            for lamp, on in self._lamps.items()
            for block in on.profile.blocks
            if block.every_s > 0
        }
        self._commands = {lamp: told for lamp, told in self._commands.items() if lamp in now}
        self._round = deque(read for read in self._round if read.on.lamp in stay)

    def command(self, command: NodeCommand) -> None:
        """Take a command; what it says takes the place of what still waits for that lamp.

        KeyError where the lamp is not on this bus.
        """
        if command.lamp not in self._lamps:
            raise KeyError(command.lamp)
        waiting = self._commands.get(command.lamp)
        self._commands[command.lamp] = command if waiting is None else _merged(waiting, command)

    def has(self, on: OnBus) -> bool:
        """Whether that lamp still is that node: orders may change while it is asked."""
        return self._lamps.get(on.lamp) == on

    def take_commands(self) -> list[NodeCommand]:
        """All commands that wait; they wait no more."""
        commands = list(self._commands.values())
        self._commands.clear()
        return commands

    def next(self, now: float) -> Read | Tell | None:
        """What to do now, or None: nothing before `due_at`, unless a command comes."""
        if self._commands:
            lamp = next((lamp for lamp in self._commands if self._well(lamp)), None)
            lamp = next(iter(self._commands)) if lamp is None else lamp
            return Tell(self._lamps[lamp], self._commands.pop(lamp))
        if not self._round:
            self._begin_round(now)
        return self._round.popleft() if self._round else None

    def due_at(self, now: float) -> float:
        """When there is something to poll again."""
        if any(health.retry_at <= now for health in self._health.values()):
            return self._next_round_at
        soonest = min((health.retry_at for health in self._health.values()), default=now + 3600.0)
        return max(self._next_round_at, soonest)

    def answered(self, job: Read | Tell, now: float) -> None:
        """The lamp did what it was asked, or refused: it is there."""
        self._finish(job, now)
        health = self._health.get(job.on.lamp)
        if health is None:
            return
        came_back = health.trouble >= TROUBLE and health.retry_at > 0
        health.trouble = max(0.0, health.trouble - TROUBLE_OFF)
        health.retry_at = 0.0
        if came_back:
            for other in self._health.values():
                other.retry_at = 0.0
        if isinstance(job, Tell):
            self._look(job)

    def failed(self, job: Read | Tell, failure: Failure, now: float) -> None:
        """The lamp did not answer, or not as it should."""
        if failure is Failure.EXCEPTION:
            self.answered(job, now)
            return
        lamp = job.on.lamp
        self._round = deque(read for read in self._round if read.on.lamp != lamp)
        self._finish(job, now)
        health = self._health.get(lamp)
        if health is None:
            return
        health.trouble = min(TROUBLE_MOST, health.trouble + 1.0)
        if health.trouble >= TROUBLE:
            doublings = int(health.trouble - TROUBLE)
            health.retry_at = now + min(RETRY_MOST_S, RETRY_FIRST_S * 2**doublings)

    def backing_off(self, now: float) -> tuple[str, ...]:
        """The lamps that are not asked in every round now."""
        return tuple(lamp for lamp, health in self._health.items() if health.retry_at > now)

    def _look(self, tell: Tell) -> None:
        """See next whether the lamp follows what it was told: somebody waits for that."""
        on = self._lamps[tell.on.lamp]
        looks = [Read(on, block) for block in on.profile.blocks if not block.every_s]
        if tell.command.level is not None:
            self._round = deque([*looks, *(read for read in self._round if read not in looks)])

    def _well(self, lamp: str) -> bool:
        return self._health[lamp].retry_at == 0.0

    def _begin_round(self, now: float) -> None:
        if now < self._next_round_at:
            return
        asked = [on for lamp, on in self._lamps.items() if self._health[lamp].retry_at <= now]
        reads = [
            Read(on, block) for on in asked for block in on.profile.blocks if not block.every_s
        ]
        extra = sorted(
            (at, on.lamp, index)
            for on in asked
            for index, block in enumerate(on.profile.blocks)
            if (at := self._due.get((on.lamp, block), now + 1.0)) <= now
        )
        for _, lamp, index in extra[: max(1, len(self._lamps) // EXTRA_PART)]:
            on = self._lamps[lamp]
            reads.append(Read(on, on.profile.blocks[index]))
        self._round.extend(reads)
        self._round_began = now if reads else None
        self._next_round_at = now + self._least_round_s

    def _finish(self, job: Read | Tell, now: float) -> None:
        if isinstance(job, Tell):
            return
        key = (job.on.lamp, job.block)
        if key in self._due:
            self._due[key] = now + job.block.every_s
        if not self._round and self._round_began is not None:
            self.last_round_s = now - self._round_began
            self._round_began = None


def _merged(waiting: NodeCommand, newer: NodeCommand) -> NodeCommand:
    """What `newer` says, and of `waiting` what it leaves open."""
    merged = newer
    if newer.level is None and waiting.level is not None:
        merged = replace(merged, level=waiting.level, ramp_s=waiting.ramp_s)
    if newer.fallback_level is None:
        merged = replace(merged, fallback_level=waiting.fallback_level)
    if newer.watchdog_s is None:
        merged = replace(merged, watchdog_s=waiting.watchdog_s)
    return merged if merged.ref else replace(merged, ref=waiting.ref)
