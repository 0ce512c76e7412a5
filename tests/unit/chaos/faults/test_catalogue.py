from dataclasses import asdict
from random import Random

import pytest

from tests.system.chaos.fault import Kind
from tests.system.chaos.faults import CATALOGUE
from tests.system.chaos.faults.described import Described
from tests.system.chaos.ground import NAMES, PAIRS
from tests.system.chaos.points import POINTS

ASKED = (  # what the harness has to be able to do
    "kill at any time",
    *(f"kill {point.name}" for point in POINTS),
    "broker killed after its PUBACK",
    "broker loses its persistence file",
    "network cut",
    "disk full (edge)",
    "disk full (hub)",
    "disk full (sink)",
    "read-only file system",
    "clock stepped an hour and back",
    "torn WAL of the outbox",
    "truncated WAL of the outbox",
    "process stands still",
    "outage (5,000 windows wait)",
    "duplicate delivery",
    "reordered delivery",
    "two edges with one id",
)
THINGS = {
    *(f"process:{name}" for name in (*NAMES, "twin", "outage")),
    *(f"disk:{name}" for name in NAMES),
    *(f"clock:{name}" for name in NAMES),
    *(f"net:{a}" for a, _ in PAIRS),
    "net:sink influxd",
}


def test_everything_that_is_asked_for_is_in_the_catalogue_once() -> None:
    names = [kind.name for kind in CATALOGUE]
    assert set(ASKED) <= set(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.name)
def test_a_kind_draws_what_a_seed_repeats(kind: Kind) -> None:
    for seed in range(20):
        fault, again = kind.draw(Random(seed)), kind.draw(Random(seed))
        assert isinstance(fault, Described)
        assert isinstance(again, Described)
        assert asdict(fault) == asdict(again)
        assert fault.kind == kind.name
        assert fault.touches
        assert fault.touches <= THINGS
        assert 0 <= fault.hold_s < 30
