"""`make bench`: what this machine does, as JSON in `.bench/` and as a table.

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

from tests.bench import decode, link, memory, peers, tracker
from tests.bench.figure import Figure, table
from tests.needs import ROOT

BENCHES: tuple[tuple[str, Callable[[], Sequence[Figure]]], ...] = (
    ("decode", decode.measure),
    ("link", link.measure),
    ("tracker", tracker.measure),
    ("peers", peers.measure),
    ("memory", memory.measure),
)


def main(wanted: Sequence[str]) -> None:
    """Run the benches named, or all."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    figures: list[Figure] = []
    for name, measure in BENCHES:
        if not wanted or name in wanted:
            sys.stderr.write(f"{name} …\n")
            figures += measure()
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    out = ROOT / ".bench"
    out.mkdir(exist_ok=True)
    write(out / "bench.json", machine, figures)
    sys.stdout.write(table(figures) + "\n")


def write(file: Path, machine: object, figures: Sequence[Figure]) -> None:
    """The figures as JSON."""
    document = {"machine": machine, "figures": [figure.document() for figure in figures]}
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
