"""From an SOS on the air to the hub's alert, in a crowd and with hours of backlog.

Broker, hub and edge are processes; presses and strangers come as a remote receiver's messages. Half
of the tags were heard before they are pressed, the others come out of nothing.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.bench.figure import Figure
from tests.system.siren import Sirens, rig_of, sirens

PRESSES = 240
EVERY_S = 0.2
STRANGERS_PER_S = 1_000.0
BACKLOG_ROWS = 50_000
LIMIT_MS = 300.0


def measure() -> Sequence[Figure]:
    """Median and 99 % of the delay, and what was left of the backlog at the end."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> Sequence[Figure]:
    async with rig_of(folder / "rig") as rig:
        crowd = sirens(rig, PRESSES)
        await crowd.register()
        await crowd.fill_outbox(BACKLOG_ROWS)
        await crowd.start()
        await crowd.cry(every_s=EVERY_S, strangers_per_s=STRANGERS_PER_S)
        return _figures(crowd)


def _figures(crowd: Sirens) -> Sequence[Figure]:
    delays_s = crowd.delays_s()
    if len(delays_s) < PRESSES:
        sys.exit(f"of {PRESSES} presses only {len(delays_s)} became an alert")
    figures = []
    for name, odd in (("tag heard before", 1), ("tag out of nothing", 0)):
        delays_ms = [1_000 * delay for number, delay in delays_s.items() if number % 2 == odd]
        median, most = np.quantile(delays_ms, (0.5, 0.99))
        figures += [
            Figure(f"SOS to alert, {name}: median", float(median), "ms", "limit", LIMIT_MS),
            Figure(f"SOS to alert, {name}: 99 %", float(most), "ms", "limit", LIMIT_MS),
        ]
    left, strangers = float(crowd.backlog()), crowd.strangers_per_s
    return [
        *figures,
        Figure("SOS: backlog left at the end", left, "rows", "at the beginning", BACKLOG_ROWS),
        Figure("SOS: strangers' adverts", strangers, "1/s", "wanted", STRANGERS_PER_S),
    ]
