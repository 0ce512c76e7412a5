"""What the page of staff asks of a hub with 5,000 lamps, of which one in ten has a fault.

Processor time of the whole process, by which a busy machine matters less.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import httpx
from sqlalchemy import Connection

from gateway.lamps import LampEvent, LampEventKind
from gateway.store import lamp_events
from gateway.store.database import Database
from tests.bench.figure import Figure
from tests.unit.api.lamp_pieces import reading, site, tell
from tests.unit.api.town import NOW, Town, settle

LAMPS = 5_000
ROUNDS = 5
V1 = "/api/v1"
ALL = {"all": True, "level": 50, "minutes": 5}


def measure() -> Sequence[Figure]:
    """The list of every lamp, one lamp's night, and an override of all."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> Sequence[Figure]:
    async with Database(folder / "hub.sqlite") as database:
        await database.write(settle)
        await database.write(_speak)
        town = Town(database, site=site(LAMPS, asleep=0))
        async with town.client("suzuki") as client:
            listed = await _cpu_ms(client, "GET", f"{V1}/lamps", {})
            planned = await _cpu_ms(client, "GET", f"{V1}/lamps/l-7/plan", {})
            commanded = await _cpu_ms(client, "POST", f"{V1}/overrides", ALL)
    return [
        Figure(f"staff: a list of {LAMPS:,} lamps", listed, "ms"),
        Figure(f"staff: one night of {LAMPS:,} lamps' orders", planned, "ms"),
        Figure(f"staff: an override of {LAMPS:,} lamps", commanded, "ms"),
    ]


async def _cpu_ms(client: httpx.AsyncClient, method: str, path: str, body: object) -> float:
    """The median of some rounds, after one that does not count."""
    times = []
    for _ in range(ROUNDS + 1):
        begun_s = time.process_time()
        answer = await client.request(method, path, json=body)
        times.append(1_000.0 * (time.process_time() - begun_s))
        answer.raise_for_status()
    return median(times[1:])


def _speak(connection: Connection) -> None:
    """Every lamp has said something; l-1 did so when the town was settled."""
    for number in range(2, LAMPS + 1):
        said = reading(
            f"l-{number}", supply_voltage_v=200.1, temperature_c=31.0, active_energy_kwh=1_234.5
        )
        tell(connection, said, number=number)
    faults = [
        LampEvent(f"l-{number}", LampEventKind.LAMP_FAILURE, NOW - 50.0, {"active_power_w": 0.0})
        for number in range(10, LAMPS + 1, 10)
    ]
    lamp_events.record(connection, faults, at=NOW)
