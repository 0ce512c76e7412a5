"""The lamps' bus against the wire itself, on pseudo-terminals with slaves in other processes.

At 19,200 baud, byte-paced: a round of 32 lamps, the time of a command while they are polled, what
one dead lamp costs the others, and the processor's share. Unpaced: 100,000 polls with noise, cut
and lost answers, strangers' answers and late ones, of which not one may pass for another's.
"""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from gateway.lights.bus import Bus
from gateway.lights.bus_words import Line, NodeCommand
from tests.bench.figure import Figure
from tests.integration.bus_rig import (
    ALIKE,
    TEN,
    Heard,
    first_of_all,
    lamps,
    limit_s,
    nodes,
    running,
    until,
)
from tests.integration.bus_slave import Slaves

LAMPS = range(1, 33)
DEAD = 7
PACED_S = 60.0
COMMAND_S = 0.150
ROUNDS = 20
COMMANDS = 40
LINES = 24
POLLS = 100_000
FASTEST = 4_000_000  # baud: how long the bus expects an answer to take
TIMEOUT_S, QUIET_S = 0.1, 0.15
FAULTS: Mapping[str, Any] = {
    "noise": 0.015,
    "dropped": 0.01,
    "lost": 0.005,
    "strange": 0.005,
    "late": 0.02,
    "late_s": (TIMEOUT_S, TIMEOUT_S + QUIET_S),
}


def measure() -> Sequence[Figure]:
    """Everything at once would disturb itself: one after the other, some minutes in all."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> Sequence[Figure]:
    with first_of_all():
        figures = [*await _round(folder), await _dead(folder)]
    return [*figures, *await _spoilt(folder)]


async def _round(folder: Path) -> Sequence[Figure]:
    """Rounds, then commands between polls; the processor's share is of this whole process."""
    with nodes(Slaves(units=tuple(LAMPS), baud=19_200), folder) as slaves:
        line = Line("bench", slaves.device, round_s=0.0)
        limit = len(LAMPS) * limit_s(line, TEN.blocks[0])
        rounds: list[float] = []
        begun, used = time.monotonic(), time.process_time()
        async with running(line, lamps(TEN, LAMPS)) as (bus, heard):
            await until(lambda: bus.state().round_s)
            while len(rounds) < ROUNDS:
                await _so_many(bus, len(LAMPS))
                rounds.append(bus.state().round_s or 0.0)
            share = (time.process_time() - used) / (time.monotonic() - begun)
            sent = await _commands(bus, heard)
        took = [write["at"] - at for write, at in zip(slaves.told("write"), sent, strict=True)]
    return [
        Figure("bus: a round, 32 lamps × 10", median(rounds), "s", "the wire's own", limit),
        Figure(f"bus: … the best of {ROUNDS}", min(rounds), "s", "the wire's own", limit),
        Figure("bus: a command, median", 1000 * median(took), "ms", "limit", 1000 * COMMAND_S),
        Figure(
            f"bus: … the longest of {COMMANDS}", 1000 * max(took), "ms", "limit", 1000 * COMMAND_S
        ),
        Figure("bus: processor, a line", 100 * share, "%"),
    ]


async def _so_many(bus: Bus, polls: int) -> None:
    due = bus.counts["polls"] + polls
    await until(lambda: bus.counts["polls"] >= due)


async def _commands(bus: Bus, heard: Heard) -> list[float]:
    """One after the other; when each was given."""
    sent: list[float] = []
    for level in range(COMMANDS):
        await asyncio.sleep(0.11)
        sent.append(time.monotonic())
        bus.command(NodeCommand("9", level=float(level)))
        await until(lambda: len(heard.commanded) == len(sent))
    return sent


async def _dead(folder: Path) -> Figure:
    """A minute of two lines at once, one with a lamp that is dead from the beginning."""

    async def polls_per_s(link: str, silent: tuple[int, ...]) -> float:
        slaves = Slaves(units=tuple(LAMPS), baud=19_200, silent=silent)
        with nodes(slaves, folder, link) as line:
            paced = Line(link, line.device, round_s=0.0)
            async with running(paced, lamps(TEN, LAMPS)) as (_, heard):
                await asyncio.sleep(PACED_S)
                return sum(polled.lamp != str(DEAD) for polled in heard.polled) / PACED_S

    well, beside = await asyncio.gather(polls_per_s("well", ()), polls_per_s("dead", (DEAD,)))
    return Figure("bus: the others, one lamp dead", beside, "1/s", "all well", well)


async def _spoilt(folder: Path) -> Sequence[Figure]:
    counts: Counter[str] = Counter()
    begun = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(LINES):
            group.create_task(_spoilt_line(number, folder, counts), name=f"line {number}")
    taken_s = time.monotonic() - begun
    return [
        Figure("bus: polls, unpaced, with faults", counts["polls"], "", "wanted", POLLS),
        Figure("bus: … values that were another's", counts["wrong"], ""),
        Figure("bus: … late answers kept out", counts["late"], "", "made", counts["made late"]),
        Figure("bus: … a second, all lines", counts["polls"] / taken_s, "1/s"),
    ]


async def _spoilt_line(number: int, folder: Path, counts: Counter[str]) -> None:
    """One line's part of the polls; a late answer comes up to the end of the quiet time."""
    told = Slaves(units=tuple(range(1, 17)), seed=number, **FAULTS)
    with nodes(told, folder, f"spoilt-{number}") as slaves:
        line = Line(
            "spoilt",
            slaves.device,
            FASTEST,
            timeout_s=TIMEOUT_S,
            quiet_s=QUIET_S,
            round_s=0.0,
        )
        async with running(line, lamps(ALIKE, range(1, 17))) as (bus, heard):
            while bus.counts["polls"] < POLLS / LINES:
                await asyncio.sleep(0.1)
                heard.polled.clear()
        counts.update(bus.counts)
        counts["wrong"] += len(heard.wrong)
        counts.update(f"made {each['fault']}" for each in slaves.told("fault"))
