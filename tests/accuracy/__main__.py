"""How well the product does in each world: `python -m tests.accuracy [world …] [--shared]`.

`--shared` adds the real recordings of the shared folder; `--zones` has a line for each zone.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from gateway.cli.locate import Mode
from tests.accuracy.towns import Trial
from tests.accuracy.trials import Outcome, outcome, recorded
from tests.accuracy.worlds import WORLDS
from tests.needs import shared_dir

HEADER = (
    "world             mode       median    p90  cov68  cov95  avail   false/h  missed %  delay s"
)


def main() -> None:
    """Print the table, a line as soon as it is known."""
    asked = argparse.ArgumentParser(prog="tests.accuracy", description=__doc__)
    asked.add_argument("worlds", nargs="*", choices=[*WORLDS, []], metavar="world")
    asked.add_argument("--shared", action="store_true")
    asked.add_argument("--zones", action="store_true")
    asked.add_argument("--mode", choices=list(Mode), type=Mode, action="append")
    given = asked.parse_args()
    modes = given.mode or list(Mode)
    sys.stdout.write(HEADER + "\n")
    if given.shared:
        for real in sorted((shared_dir() / "data" / "recordings").iterdir()):
            if (real / "truth.csv.gz").exists():
                _show(real.name, [recorded(real)], modes, zones=given.zones)
    for name in given.worlds or ([] if given.shared else list(WORLDS)):
        with tempfile.TemporaryDirectory() as folder:
            _show(name, WORLDS[name](Path(folder)), modes, zones=given.zones)


def _show(name: str, trials: list[Trial], modes: list[Mode], *, zones: bool) -> None:
    for mode in modes:
        found = outcome(trials, mode)
        sys.stdout.write(_line(name, mode, found) + "\n")
        sys.stdout.flush()
    if zones:
        for zone in found.zones.values():
            sys.stdout.write(f"  {zone}\n")
        for what, said in (("in zones", found.inside), ("on paths", found.ways)):
            bins = ", ".join(f"{p:.2f} → {true:.2f} ({n})" for p, true, n in said.bins())
            sys.stdout.write(f"  {what}, said → came true: {bins}\n")


def _line(name: str, mode: Mode, found: Outcome) -> str:
    where, events = found.positions, found.events
    line = (
        f"{name:<17} {mode:<9} {where.median:7.2f} {where.p90:6.2f} {where.coverage68:6.2f} "
        f"{where.coverage95:6.3f} {found.available.share:6.2f}"
    )
    if mode is not Mode.LIVE:
        return line
    return (
        f"{line}  {events.false_per_hour:8.2f} {events.missed_percent:9.1f} "
        f"{events.median_delay_s:8.1f}"
    )


if __name__ == "__main__":
    main()
