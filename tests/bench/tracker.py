"""A second of a whole neighbourhood: how long the pipeline's step takes, and what it holds.

Tags walk for a while before anything is measured: beliefs are then as narrow as in life. Every case
runs in a process of its own, so that memory is that of the case alone; time is that of the core.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from gateway.tags import tracker
from gateway.tags.identity import Directory
from gateway.tags.pipeline import Pipeline
from gateway.tags.warming import warm_up
from tests.bench.figure import Figure
from tests.bench.town import Town, identifiers_of, seconds_of
from tests.needs import ROOT

WARM_UP_S, MEASURED_S = 25, 7
MANY, SHORTER_WARM_UP_S = 10_000, 8
LARGE = (20.0, 600)  # km of paths, receivers
SMALL = (2.0, 60)
TAGS = 2000
CROWDS = (100, 1000, MANY)

STEP_LIMIT_MS = 60.0
MEMORY_LIMIT_MB = 150.0


def measure() -> Sequence[Figure]:
    """The step against its limit, memory, and how the cost of a fix grows."""
    compiling = [sys.executable, "-m", "gateway.tags.warming"]  # what it takes is no part of a case
    subprocess.run(compiling, check=True, cwd=ROOT)
    town = _run(TAGS, LARGE)
    figures = [
        Figure("tracker: step, 2,000 tags", town["step_ms"], "ms", "limit", STEP_LIMIT_MS),
        Figure("tracker: … of it compiled", town["compiled_ms"], "ms", "limit", STEP_LIMIT_MS),
        Figure("tracker: memory, whole process", town["rss_mb"], "MB", "limit", MEMORY_LIMIT_MB),
        Figure(
            "tracker: … of it not files' pages", town["private_mb"], "MB", "limit", MEMORY_LIMIT_MB
        ),
        Figure("tracker: … of it by town and tags", town["added_mb"], "MB"),
    ]
    crowds = {TAGS: town} | {tags: _run(tags, LARGE) for tags in CROWDS}
    least = min(crowds)
    for tags, case in sorted(crowds.items()):
        against = f"{least} tags" if tags != least else ""
        name = f"tracker: a fix, {tags:,} tags, 20 km"
        figures.append(Figure(name, case["fix_us"], "µs", against, crowds[least]["fix_us"]))
    small = _run(TAGS, SMALL)["fix_us"]
    figures.append(Figure("tracker: a fix, 2,000 tags, 2 km", small, "µs"))
    figures.append(Figure("tracker: … 20 km", town["fix_us"], "µs", "2 km", small))
    return figures


def _run(tags: int, size: tuple[float, int]) -> Mapping[str, float]:
    """One case in a process of its own."""
    arguments = [str(value) for value in (tags, *size)]
    command = [sys.executable, "-m", "tests.bench.tracker", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    found: Mapping[str, float] = json.loads(done.stdout)
    return found


def case(tags: int, km: float, receivers: int) -> Mapping[str, float]:
    """Median time of a step, memory after it: resident, its private part, and what was added."""
    town = Town(km=km, receivers=receivers)
    pipeline = Pipeline(town.site, Directory(identifiers_of(tags)))
    warm_up(town.site)
    before_mb = _memory_mb("RssAnon")
    compiled = _Watched(tracker.step)
    loops: Any = tracker
    loops.step = compiled
    warm_up_s = SHORTER_WARM_UP_S if tags >= MANY else WARM_UP_S
    steps: list[tuple[float, float]] = []
    for second in seconds_of(town, tags=tags, count=warm_up_s + MEASURED_S):
        begun, compiled.spent_s = time.process_time(), 0.0
        pipeline.step(second.window.second, [second.window])
        steps.append((time.process_time() - begun, compiled.spent_s))
    step_s, compiled_s = (median(part) for part in zip(*steps[warm_up_s:], strict=True))
    private_mb = _memory_mb("RssAnon")
    return {
        "step_ms": step_s * 1e3,
        "compiled_ms": compiled_s * 1e3,
        "fix_us": step_s / tags * 1e6,
        "rss_mb": _memory_mb("VmRSS"),
        "private_mb": private_mb,
        "added_mb": private_mb - before_mb,
    }


class _Watched:
    """A function, and how long it took."""

    def __init__(self, function: Callable[..., None]) -> None:
        self._function = function
        self.spent_s = 0.0

    def __call__(self, *arguments: object) -> None:
        begun = time.process_time()
        self._function(*arguments)
        self.spent_s += time.process_time() - begun


def _memory_mb(kind: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(re.findall(rf"{kind}:\s+(\d+) kB", status)[0]) / 1024


if __name__ == "__main__":
    wanted_tags, wanted_km, wanted_receivers = sys.argv[1:]
    found_case = case(int(wanted_tags), float(wanted_km), int(wanted_receivers))
    sys.stdout.write(json.dumps(found_case) + "\n")
