"""One run: the town starts, the producer emits, the nemesis strikes, and all of it is counted."""

import asyncio
import math
import pickle
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.system.chaos.evidence import Evidence, gather, waiting, waiting_at_hub
from tests.system.chaos.fault import Kind
from tests.system.chaos.ground import EDGES
from tests.system.chaos.health import Health
from tests.system.chaos.judge import Violation, judge
from tests.system.chaos.ledger import Ledger
from tests.system.chaos.nemesis import Nemesis, plan
from tests.system.chaos.producer import PRESS_EVERY_S, Producer, register_tags
from tests.system.chaos.town import Town

STARTS_WITHIN_S = 180.0  # the first hub compiles the tracker
QUIET_S = 3.0
STILL_S = 6.0  # late windows are amended after a pause, and what that says goes to the sink
SETTLES_WITHIN_S = 120.0
SETTLE_LOOK_S = 0.5
STOP_TRIES = 3
TESTIMONY = "testimony.pickle"  # of a run, to be judged again
PRESSURE = Path("/proc/pressure/cpu")
SECONDS_A_FAULT = 8.0  # more than a fault takes: so many presses have a tag of their own


class Outcome(NamedTuple):
    """What a run gave; `skipped` says of a kind of fault why it cannot be struck here."""

    evidence: Evidence
    violations: list[Violation]
    skipped: dict[str, str]


async def run(
    folder: Path,
    kinds: Sequence[Kind],
    *,
    faults: int,
    seed: int,
    log: Callable[[str], None] = lambda _text: None,
) -> Outcome:
    """Strike `faults` of `kinds` at a town in `folder`, and judge."""
    ledger = Ledger()
    presses = round(faults * SECONDS_A_FAULT / PRESS_EVERY_S) + 10
    async with Town(folder) as town, asyncio.TaskGroup() as tasks:
        reasons = {kind.name: kind.needs(town) for kind in kinds}
        rounds = plan([kind for kind in kinds if not reasons[kind.name]], faults=faults, seed=seed)
        await register_tags(town, ledger, presses=presses)
        health = Health(town)
        watching = [
            tasks.create_task(town.watch(), name="watch"),
            tasks.create_task(health.run(), name="health"),
            tasks.create_task(ledger.watch_alerts(town), name="alerts"),
        ]
        await town.start()
        await health.whole(within_s=STARTS_WITHIN_S)
        producing = tasks.create_task(Producer(town, ledger, presses=presses).run())
        await health.flows(since=town.now(), within_s=STARTS_WITHIN_S)
        since, stalled_s = town.now(), _stalled_s()
        nemesis = Nemesis(town, health, seed=seed, log=log)
        await asyncio.sleep(QUIET_S)
        await nemesis.strike(rounds)
        await asyncio.sleep(QUIET_S)
        producing.cancel()
        until = town.now()
        stalled_share = (_stalled_s() - stalled_s) / (until - since)
        await _settle(town, partial(waiting, before=until))
        await _stop(town, EDGES)
        await _finish(town)
        for task in watching:
            task.cancel()
        (folder / TESTIMONY).write_bytes(
            pickle.dumps((ledger, nemesis.history, town.exits, since, until, seed))
        )
        evidence = await gather(town, ledger, nemesis.history, since=since, until=until)
        evidence.stalled_share = stalled_share
    return Outcome(evidence, judge(evidence), {name: why for name, why in reasons.items() if why})


async def _settle(town: Town, wants: Callable[[Town], Mapping[str, int]]) -> None:
    """Wait until nothing waits for a while; or until it becomes no less for long."""
    least = math.inf
    still_since = less_at = town.now()
    while town.now() < min(less_at + SETTLES_WITHIN_S, still_since + STILL_S):
        try:
            waits = sum(wants(town).values())
        except sqlite3.OperationalError:  # held by its owner for this moment
            waits = 1
        if waits:
            still_since = town.now()
        if waits < least:
            least, less_at = waits, town.now()
        await asyncio.sleep(SETTLE_LOOK_S)


async def _finish(town: Town) -> None:
    """End the hub at a moment when nothing is left for the sink, and then the sink."""
    for _ in range(STOP_TRIES):
        await _settle(town, waiting_at_hub)
        await _stop(town, ("hub",))
        if not waiting_at_hub(town):
            break
        await town.process("hub").start()
    await _stop(town, ("hub", "sink"))


async def _stop(town: Town, names: Iterable[str]) -> None:
    """A process that does not run was killed by a fault that was not healed."""
    for name in names:
        if town.process(name).is_up:
            await town.process(name).stop()


def _stalled_s() -> float:
    """Seconds since the start of the machine in which some process waited for a core (Linux)."""
    if not PRESSURE.exists():
        return 0.0
    return int(PRESSURE.read_text().splitlines()[0].rpartition("total=")[2]) / 1e6
