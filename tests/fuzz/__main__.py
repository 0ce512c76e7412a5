"""`make fuzz`: every target for a minute or more, led by what its code does (atheris, libFuzzer).

What was found to lead somewhere stays in `.fuzz/{target}/`, so that the next run goes on from
there. An input that breaks something is kept as `.fuzz/{target}-crash-…`.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.seeds import SEEDS
from tests.needs import ROOT

FOUND = ROOT / ".fuzz"
# What takes seconds, or half a gigabyte, is a bug as well; one second a busy machine may take.
LIMITS = ("-timeout=5", "-rss_limit_mb=512")
LONGEST = {"remote": 2_048}


def main() -> None:
    """Run the targets named, or all, one after the other; exits with 1 where one broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="target", help=f"of {', '.join(SEEDS)}")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    asked = parser.parse_args()
    if strange := set(asked.targets) - set(SEEDS):
        parser.error(f"there is no target {', '.join(sorted(strange))}: take of {', '.join(SEEDS)}")
    broken = [
        target for target in asked.targets or SEEDS if not _holds(target, seconds=asked.seconds)
    ]
    if broken:
        sys.exit(f"broken: {', '.join(broken)}; the inputs are in {FOUND}")


def _holds(target: str, *, seconds: int) -> bool:
    """A process for each target, for libFuzzer ends its own."""
    corpus = FOUND / target
    _write(corpus, SEEDS[target])
    sys.stdout.write(f"{target} …\n")
    sys.stdout.flush()
    command = [
        *(sys.executable, "-m", "tests.fuzz.one", target),
        *(f"-max_total_time={seconds}", f"-max_len={LONGEST.get(target, 300)}", *LIMITS),
        *("-print_final_stats=1", f"-artifact_prefix={corpus}-", str(corpus)),
    ]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    told = done.stderr.splitlines()
    said = [line for line in told if line.startswith(("stat::number_of", "stat::new", "Done"))]
    sys.stdout.write("\n".join(said if done.returncode == 0 else told[-40:]) + "\n")
    return done.returncode == 0


def _write(corpus: Path, seeds: Sequence[bytes]) -> None:
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number:03}").write_bytes(seed)


if __name__ == "__main__":
    main()
