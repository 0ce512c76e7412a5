"""The chaos harness in short: one fault of each family, and the judge finds nothing.

The long one is `make chaos`; a seed that failed here is replayed with
`python -m tests.system.chaos --faults 8 --seed SEED`, and `--only` for each of KINDS.
"""

import secrets
from pathlib import Path

import pytest

from tests.system.chaos import report
from tests.system.chaos.faults import CATALOGUE
from tests.system.chaos.run import run

FAULTS = 8
KINDS = (
    "kill at any time",
    "kill hub after a commit",
    "broker killed after its PUBACK",
    "network cut",
    "duplicate delivery",
    "disk full (edge)",
    "torn WAL of the outbox",
    "clock stepped an hour and back",
)


@pytest.mark.timeout(420)
async def test_nothing_is_lost_twice_or_late_under_a_fault_of_each_family(tmp_path: Path) -> None:
    kinds = [kind for kind in CATALOGUE if kind.name in KINDS]
    assert len(kinds) == len(KINDS)
    seed = secrets.randbelow(1_000_000)
    even = [kind._replace(weight=1) for kind in kinds]
    outcome = await run(tmp_path / "town", even, faults=FAULTS, seed=seed)
    said = report.text(outcome, seed=seed)
    assert not outcome.violations, said
    assert len(outcome.evidence.history.struck) == FAULTS, said
    assert outcome.evidence.sos, said
    assert len(outcome.evidence.positions) > FAULTS, said
