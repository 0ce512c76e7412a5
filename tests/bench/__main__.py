"""`make bench`: what this machine does, as JSON in `.bench/` and as tables.

A figure stands beside the limit or the peer that was measured in the same run, so that it can be
read on another machine. `python -m tests.bench decode link` runs only those.
"""

import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from tests.bench import (
    air,
    budget,
    bus,
    calendars,
    crowd,
    decode,
    decoders,
    drain,
    eid,
    influx,
    lamps,
    lanes,
    link,
    memory,
    outage,
    peers,
    sos,
    staff,
    store,
    tracker,
)
from tests.bench.figure import Comparison, Figure, table
from tests.needs import ROOT

BENCHES: tuple[tuple[str, Callable[[], Sequence[Figure]]], ...] = (
    ("decode", decode.measure),
    ("air", air.measure),
    ("eid", eid.measure),
    ("link", link.measure),
    ("lanes", lanes.measure),
    ("drain", drain.measure),
    ("influx", influx.measure),
    ("sos", sos.measure),
    ("store", store.measure),
    ("bus", bus.measure),
    ("tracker", tracker.measure),
    ("lamps", lamps.measure),
    ("staff", staff.measure),
    ("memory", memory.measure),
    ("crowd", crowd.measure),
    ("budget", budget.measure),
    ("outage", outage.measure),
    ("calendars", calendars.measure),
)
COMPARISONS: tuple[tuple[str, Callable[[], Comparison]], ...] = (
    ("peers", peers.measure),
    ("decoders", decoders.compare),
)


def main(wanted: Sequence[str]) -> None:
    """Run the benches named, or all."""
    known = [name for name, _ in (*BENCHES, *COMPARISONS)]
    if strange := set(wanted) - set(known):
        sys.exit(f"there is no bench {', '.join(sorted(strange))}: take of {', '.join(known)}")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    figures: list[Figure] = []
    for name, measure in BENCHES:
        if not wanted or name in wanted:
            sys.stderr.write(f"{name} …\n")
            figures += measure()
    comparisons: list[Comparison] = []
    for name, compare in COMPARISONS:
        if not wanted or name in wanted:
            sys.stderr.write(f"{name} …\n")
            comparisons.append(compare())
    out = ROOT / ".bench"
    out.mkdir(exist_ok=True)
    write(out / "bench.json", figures, comparisons)
    tables = [table(figures)] if figures else []
    tables += [comparison.table() for comparison in comparisons]
    sys.stdout.write("\n\n".join(tables) + "\n")


def write(file: Path, figures: Sequence[Figure], comparisons: Sequence[Comparison]) -> None:
    """What was measured, and on what, as JSON."""
    document = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "figures": [figure.document() for figure in figures],
        "comparisons": [comparison.document() for comparison in comparisons],
    }
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
