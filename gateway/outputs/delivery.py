"""Lines reach InfluxDB or the quarantine; nothing else ends a delivery.

While the server cannot take lines, for whatever reason that is not the lines' own, `deliver` waits:
who called it keeps the batch and takes no more. A batch that the server refuses is halved until the
bad lines stand alone, or are, by the server's own count, all that is left. Lines of a refused batch
may have been kept by the server; they are written again, which changes nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import structlog

from gateway.clock import Clock
from gateway.outputs.quarantine import Quarantine

MAX_LINES = 5_000  # a request that InfluxDB's own limits (25 MB, 10 s) take with room to spare
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
LONGEST_OBEYED_WAIT_S = 300.0  # a server's Retry-After beyond it would look like a dead sink

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server has every line, on its disk."""


@dataclass(frozen=True, slots=True)
class Refused:
    """At least one line is wrong for this database; the server may have kept the others.

    `dropped` is how many it did not keep, where it says so; else 0.
    """

    reason: str
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The server takes nothing now. `problem` is one of few words; `advice` says what to do."""

    problem: str
    advice: str
    retry_after_s: float = 0.0


Outcome: TypeAlias = Accepted | Refused | Unavailable


class LineWriter(Protocol):
    """One try at writing lines; answers, and raises nothing, for all that a network can do."""

    async def write(self, lines: Sequence[str]) -> Outcome:
        """Offer lines of line protocol with timestamps in milliseconds."""


@dataclass(slots=True)
class DeliveryCounts:
    """What happened since the start; `waits` counts failed tries by problem."""

    accepted: int = 0
    quarantined: int = 0
    waits: Counter[str] = field(default_factory=Counter)


class Delivery:
    """Brings lines to a writer, one batch at a time, for as long as it takes."""

    def __init__(
        self,
        writer: LineWriter,
        quarantine: Quarantine,
        *,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.counts = DeliveryCounts()
        self._writer = writer
        self._quarantine = quarantine
        self._clock = clock
        self._sleep = sleep
        self._problem = ""
        self._wait_s = FIRST_WAIT_S

    async def deliver(self, lines: Sequence[str]) -> None:
        """Return once every line is accepted or in the quarantine."""
        pending = [lines[start : start + MAX_LINES] for start in range(0, len(lines), MAX_LINES)]
        pending.reverse()
        already_quarantined = self.counts.quarantined
        while pending:
            batch = pending.pop()
            refused = await self._offer(batch)
            if refused is None:
                self.counts.accepted += len(batch)
            elif len(batch) in {1, refused.dropped}:
                await self.quarantine(batch, reason=refused.reason)
            else:
                middle = len(batch) // 2
                pending += [batch[middle:], batch[:middle]]
        if bad := self.counts.quarantined - already_quarantined:
            # Not the server's reason: it quotes the line, a position that belongs in no log.
            _log.error(
                "InfluxDB refused lines; they are in the quarantine",
                lines=bad,
                total=self.counts.quarantined,
            )

    async def quarantine(self, lines: Sequence[str], *, reason: str) -> None:
        """Put lines aside for good; waits while the disk does not take them."""
        while True:
            try:
                await asyncio.to_thread(
                    self._quarantine.add, lines, reason=reason, at=self._clock.utc()
                )
            except OSError as error:
                await self._wait(
                    Unavailable(
                        "quarantine_unwritable",
                        f"{error.filename or self._quarantine.path}: {error.strerror}. "
                        "Free the disk or mend its rights.",
                    )
                )
            else:
                break
        self._works_again()
        self.counts.quarantined += len(lines)

    async def _offer(self, batch: Sequence[str]) -> Refused | None:
        while True:
            outcome = await self._writer.write(batch)
            match outcome:
                case Unavailable():
                    await self._wait(outcome)
                case Refused():
                    self._works_again()
                    return outcome
                case Accepted():
                    self._works_again()
                    return None

    async def _wait(self, outcome: Unavailable) -> None:
        self.counts.waits[outcome.problem] += 1
        if outcome.problem != self._problem:
            _log.warning(
                "InfluxDB takes nothing; the hub keeps its rows",
                problem=outcome.problem,
                advice=outcome.advice,
            )
            self._problem = outcome.problem
        wait_s = max(self._wait_s, min(outcome.retry_after_s, LONGEST_OBEYED_WAIT_S))
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        await self._sleep(wait_s)

    def _works_again(self) -> None:
        if self._problem:
            _log.info("InfluxDB takes lines again", after=self._problem)
        self._problem = ""
        self._wait_s = FIRST_WAIT_S
