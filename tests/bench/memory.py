"""Resident memory of each role as a process of its own, beside what its unit file allows."""

import asyncio
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.figure import Figure
from tests.needs import ROOT
from tests.system.rig import ROLES, Rig

SETTLED_S = 15.0


def measure() -> Sequence[Figure]:
    """The default town's site, after some seconds of work."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> Sequence[Figure]:
    site = ROOT / "config" / "site.geojson"
    async with Rig(folder / "rig", site=site) as rig:
        await rig.start_all()
        await rig.start_town()
        await asyncio.sleep(SETTLED_S)
        return [
            Figure(
                f"memory: {role}", _resident_mb(rig.pid(role)), "MB", "MemoryMax", _allowed_mb(role)
            )
            for role in ROLES
        ]


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024


def _allowed_mb(role: str) -> float:
    unit = (ROOT / "systemd" / f"machimori-{role}.service").read_text()
    return float(re.findall(r"MemoryMax=(\d+)M", unit)[0])
