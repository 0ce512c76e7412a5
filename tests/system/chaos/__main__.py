"""`make chaos`: faults on purpose, a ledger, and counting.

`python -m tests.system.chaos --seed 7 --faults 40 --only "torn WAL"` replays some; `--folder` keeps
what was written. Exits with 1 where anything was lost, twice, late or left over.
"""

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
from pathlib import Path

from tests.needs import ROOT
from tests.system.chaos import report
from tests.system.chaos.faults import CATALOGUE
from tests.system.chaos.run import run

FAULTS = 200
OUT = ROOT / ".bench" / "chaos.json"


def main() -> int:
    """Strike, judge, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--faults", type=int, default=FAULTS)
    parser.add_argument("--only", action="append", help="kinds of faults whose names hold this")
    parser.add_argument("--folder", type=Path, help="where the town stands; kept")
    wanted = parser.parse_args()
    kinds = [
        kind
        for kind in CATALOGUE
        if wanted.only is None or any(word in kind.name for word in wanted.only)
    ]
    if not kinds:
        sys.exit(f"no kind of fault is named so; there are: {', '.join(k.name for k in CATALOGUE)}")
    _say(f"seed {wanted.seed}: {wanted.faults} faults of {len(kinds)} kinds")
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = wanted.folder or Path(temporary)
        outcome = asyncio.run(run(folder, kinds, faults=wanted.faults, seed=wanted.seed, log=_say))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(report.figures(outcome, seed=wanted.seed), indent=1))
    _say(report.text(outcome, seed=wanted.seed))
    return int(bool(outcome.violations))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
