"""A crowd that passes leaves nothing behind; `make bench` tells the same of a million adverts."""

import gc
from types import FunctionType, ModuleType

from tests.bench.crowd import Street

MANY = 40_000  # more than fills all that is remembered of senders


def held_by(*roots: object) -> int:
    """How many objects are reached from `roots`; classes, functions and modules aside."""
    seen: dict[int, object] = {}
    waiting = list(roots)
    while waiting:
        one = waiting.pop()
        if id(one) not in seen and not isinstance(one, type | FunctionType | ModuleType):
            seen[id(one)] = one
            waiting += gc.get_referents(one)
    return len(seen)


async def test_a_third_crowd_takes_no_more_memory_than_the_two_before() -> None:
    street = Street(adverts_each=1)
    held = []
    for _ in range(3):
        await street.hear(MANY)
        held.append(held_by(street.hearing, street.adverts))
    assert held[2] - max(held[:2]) < MANY / 20
