"""A second of a whole neighbourhood: how long the pipeline's step takes, and what it holds.

Every case runs in a process of its own, so that memory is that of the case alone; time is that of
the core. Two states are measured: cold, as after a restart of the hub, where every tag is new and
may be anywhere near whoever hears it; and steady, after beliefs have become as narrow as in life.
That takes a minute and a half of walking, for crowds of any size.

The cost of a fix is flat where the dearest size costs about what the cheapest does, so each is
compared with the least of them. What a step costs whatever the number of tags weighs most on few.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import median

from gateway.tags.identity import Directory
from gateway.tags.pipeline import Pipeline
from gateway.tags.warming import warm_up
from tests.bench.figure import Figure
from tests.bench.town import Town, identifiers_of, seconds_of
from tests.needs import ROOT

COLD_S, STEADY_AFTER_S, STEADY_S = 10, 90, 20
LARGE = (20.0, 600)  # km of paths, receivers
SMALL = (2.0, 60)
SMALLEST = (0.2, 4)
TAGS = 2000
CROWDS = (100, 1000, TAGS, 10_000)

STEP_LIMIT_MS = 60.0
MEMORY_LIMIT_MB = 150.0


@dataclass(frozen=True, slots=True)
class Case:
    """Processor time of the first step, the median of the next ones, and those of steady steps.

    `fix_us` is that of a steady step shared among its positions, `heard` the receivers that hear a
    tag. Memory at the end: resident, of that what is not pages of files, and of that what the
    town and its tags added.
    """

    first_ms: float
    cold_ms: float
    steady_ms: float
    longest_ms: float
    fix_us: float
    heard: float
    resident_mb: float
    anonymous_mb: float
    added_mb: float


def measure() -> Sequence[Figure]:
    """The step against its limit, memory, and how the cost of a fix grows."""
    town = case_of(TAGS, LARGE)
    crowds = {f"{tags:,} tags, 20 km": case_of(tags, LARGE).fix_us for tags in CROWDS}
    sizes = {f"2,000 tags, {size[0]:g} km": case_of(TAGS, size).fix_us for size in (SMALL, LARGE)}
    step, held = ("ms", "limit", STEP_LIMIT_MS), ("MB", "limit", MEMORY_LIMIT_MB)
    cold = ("ms", "steady", town.steady_ms)
    return [
        Figure("tracker: receivers that hear a tag", town.heard, "", "wanted", 4.0),
        Figure("tracker: step of 2,000 tags, steady", town.steady_ms, *step),
        Figure(f"tracker: … the longest of {STEADY_S}", town.longest_ms, *step),
        Figure("tracker: … the first, all tags new", town.first_ms, *cold),
        Figure("tracker: … cold, the nine after it", town.cold_ms, *cold),
        Figure("tracker: memory, resident", town.resident_mb, *held),
        Figure("tracker: … not files' pages", town.anonymous_mb, *held),
        Figure("tracker: … added by town and tags", town.added_mb, *held),
        *_beside_the_least("least of 100 to 10,000 tags", crowds),
        *_beside_the_least("least of 2 and 20 km", sizes),
    ]


def _beside_the_least(least: str, fixes_us: Mapping[str, float]) -> list[Figure]:
    return [
        Figure(f"tracker: a fix, {which}", fix_us, "µs", least, min(fixes_us.values()))
        for which, fix_us in fixes_us.items()
    ]


@cache
def case_of(tags: int, size: tuple[float, int]) -> Case:
    """One case, in a process of its own, measured once."""
    _compile()
    arguments = [str(value) for value in (tags, *size)]
    command = [sys.executable, "-m", "tests.bench.tracker", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return Case(**json.loads(done.stdout))


@cache
def _compile() -> None:
    """What the compiler takes, of time and memory, is no part of a case."""
    subprocess.run([sys.executable, "-m", "gateway.tags.warming"], check=True, cwd=ROOT)


def run(tags: int, km: float, receivers: int) -> Case:
    """Walk `tags` in a town from a cold start until steps are steady, and measure both."""
    warm_up(Town(km=SMALLEST[0], receivers=SMALLEST[1]).site)
    before_mb = _memory_mb("RssAnon")
    town = Town(km=km, receivers=receivers)
    pipeline = Pipeline(town.site, Directory(identifiers_of(tags)))
    steps_s, fixes_s, heard = [], [], 0
    for second in seconds_of(town, tags=tags, count=STEADY_AFTER_S + STEADY_S):
        begun = time.process_time()
        step = pipeline.step(second.window.second, [second.window])
        steps_s.append(time.process_time() - begun)
        fixes_s.append(steps_s[-1] / len(step.positions))
        heard += len(second.window.readings)
    steady_s = steps_s[STEADY_AFTER_S:]
    anonymous_mb = _memory_mb("RssAnon")
    return Case(
        first_ms=steps_s[0] * 1e3,
        cold_ms=median(steps_s[1:COLD_S]) * 1e3,
        steady_ms=median(steady_s) * 1e3,
        longest_ms=max(steady_s) * 1e3,
        fix_us=median(fixes_s[STEADY_AFTER_S:]) * 1e6,
        heard=heard / len(steps_s) / tags,
        resident_mb=_memory_mb("VmRSS"),
        anonymous_mb=anonymous_mb,
        added_mb=anonymous_mb - before_mb,
    )


def _memory_mb(kind: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(re.findall(rf"{kind}:\s+(\d+) kB", status)[0]) / 1024


if __name__ == "__main__":
    wanted_tags, wanted_km, wanted_receivers = sys.argv[1:]
    found = run(int(wanted_tags), float(wanted_km), int(wanted_receivers))
    sys.stdout.write(json.dumps(asdict(found)) + "\n")
