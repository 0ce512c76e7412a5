"""A backup under load, kill -9, a restore, and on it goes: what is missing is in a named gap.

Every advert of the producer has an identifier of its own, so each is looked for by name: what came
before the backup and after the kill is there once, what came between is said to be gone.
"""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.system.rig import Rig, until
from tests.system.test_kill import CHILDREN, TOWN, Ledger, produce, settle, windows

APART_S = 5.0
WAY_S = 0.5  # an advert is of the second in which it came, and is noted before it goes
EDGE_S = 3.0  # a window's second, the hub's lateness, and what is on its way


@pytest.mark.timeout(240)
async def test_a_restored_hub_goes_on_and_says_what_is_gone(tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    async with Rig(tmp_path / "rig", site=TOWN) as rig:
        await rig.register_children(CHILDREN)
        await rig.start_all()
        await rig.start_town()
        await until(lambda: "orders taken" in rig.log("edge"), within_s=20, what="edge listens")
        ledger, stop = Ledger(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(produce(rig, ledger, stop), name="producer")
            await asyncio.sleep(2 * APART_S)
            backed_up_from = rig.now()
            await rig.machimori("backup", str(copy))
            backed_up_until = rig.now()
            await asyncio.sleep(APART_S)
            await rig.kill("hub")
            killed_at = rig.now()
            await asyncio.sleep(EDGE_S)
            await rig.machimori("restore", str(copy))
            await rig.start("hub")
            await rig.answers()
            on_again_at = rig.now()
            await asyncio.sleep(2 * APART_S)
            stop.set()
        await settle(rig)
        found = Counter(
            reading.identifier for window in windows(rig) for reading in window.readings
        )
        produced = {name: at for name, at in ledger.produced.items() if at > first(ledger, found)}
        assert max(found[name] for name in produced) == 1
        ((since, until_),) = gaps(rig, "database_restored")
        assert backed_up_from - EDGE_S < since < backed_up_until + EDGE_S
        assert killed_at - EDGE_S < until_ < on_again_at
        for name, at in produced.items():
            if at < backed_up_from - EDGE_S or at > killed_at + EDGE_S:
                assert found[name] == 1, at
            elif not found[name]:
                assert since - WAY_S <= at <= until_ + WAY_S, (since, at, until_)
        gone = [at for name, at in produced.items() if not found[name]]
        assert len(gone) > 20  # a backup is not the present: the hub had receipted these
        after = {(tag, at) for tag, at in rig.stored_positions() if at > on_again_at * 1000}
        assert after
        assert rig.stored_positions() <= await rig.influx_positions()
        assert len(list(rig.database.parent.glob("hub.sqlite.before-*Z"))) == 1


def first(ledger: Ledger, found: Counter[str]) -> float:
    """When the edge had begun to listen."""
    return min(at for name, at in ledger.produced.items() if found[name])


def gaps(rig: Rig, reason: str) -> list[tuple[float, float]]:
    rows = rig.rows("SELECT since, until FROM gaps WHERE reason = ?", reason)
    return [(float(str(since)), float(str(until))) for since, until in rows]
