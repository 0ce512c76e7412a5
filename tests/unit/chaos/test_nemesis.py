"""The plan of the faults: drawn by the seed alone, and never two at the same thing."""

from collections import Counter
from functools import partial
from random import Random

from tests.system.chaos.fault import Kind
from tests.system.chaos.nemesis import MOST_AT_ONCE, plan
from tests.unit.chaos.test_judge import Stood

THINGS = {"kill": ("hub", "sink", "gw-01"), "cut": ("hub",), "step": ("clock",)}


def _draw(name: str, random: Random) -> Stood:
    return Stood(
        kind=name, touches=frozenset({random.choice(THINGS[name])}), hold_s=random.random()
    )


KINDS = tuple(
    Kind(name, weight, partial(_draw, name), lambda _town: "")
    for name, weight in (("kill", 3), ("cut", 2), ("step", 1))
)


def test_a_seed_gives_the_same_faults_in_the_same_order() -> None:
    assert plan(KINDS, faults=50, seed=7) == plan(KINDS, faults=50, seed=7)
    assert plan(KINDS, faults=50, seed=7) != plan(KINDS, faults=50, seed=8)


def test_a_plan_has_as_many_faults_as_asked_for_every_kind_by_its_weight() -> None:
    strikes = [strike for one in plan(KINDS, faults=60, seed=1) for strike in one]
    assert [strike.number for strike in strikes] == list(range(60))
    assert Counter(strike.fault.kind for strike in strikes) == {"kill": 30, "cut": 20, "step": 10}


def test_faults_of_one_round_touch_different_things() -> None:
    rounds = plan(KINDS, faults=200, seed=3)
    assert max(map(len, rounds)) == MOST_AT_ONCE
    for strikes in rounds:
        touched = [thing for strike in strikes for thing in strike.fault.touches]
        assert len(touched) == len(set(touched))
