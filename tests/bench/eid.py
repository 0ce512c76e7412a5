"""10,000 tags with rotating identifiers: what the hub's tables, look-ups and wide searches take.

Times are the process's own: it is the work of one thread, and waits for nothing.
"""

import gc
import random
import time
import tracemalloc
from collections.abc import Callable, Sequence
from statistics import median

from gateway.tags import eid
from gateway.tags.rotation import SEARCH_EVERY_S, WIDE_S, ClockState, RotatingKey, Rotation
from gateway.tags.rotation_table import SPAN_S, Table, Wanted, search
from tests.bench.figure import Figure

TAGS = 10_000
STRANGERS = 5_000
ZERO = 1_790_000_000.0
NOW = ZERO + 40_000_000.0
MB = 2**20


def measure() -> Sequence[Figure]:
    """Limits are of the requirements, or of what fits beside the rest of the hub."""
    rng = random.Random(7)
    keys = [RotatingKey(f"t-{n}", rng.randbytes(16), 10, ZERO - n) for n in range(TAGS)]
    wanted = [
        Wanted(number, key.identity_key, 10, NOW - key.zero_at, NOW - key.zero_at + SPAN_S)
        for number, key in enumerate(keys)
    ]
    rotation = _heard_an_hour_ago(keys)
    rotation.prepare(NOW)
    sent = [_sent(key, NOW) for key in rng.sample(keys, TAGS)]
    return [
        *_table(wanted, sent),
        Figure(
            f"identity: a reading of {TAGS:,} tags judged",
            _seconds(lambda: _ask(rotation, sent)) / TAGS * 1e6,
            "µs",
        ),
        *_search(keys, rng),
    ]


def _table(wanted: Sequence[Wanted], sent: Sequence[str]) -> Sequence[Figure]:
    find = Table(wanted).find

    def look_up_all() -> None:
        for identifier in sent:
            find(identifier)

    name = f"identity: table of {TAGS:,} tags"
    return [
        Figure(f"{name}, made", _seconds(lambda: Table(wanted), rounds=3), "s", "limit", 1.0),
        Figure(f"{name}, memory", _peak_mb(lambda: Table(wanted)), "MB", "limit", 50.0),
        Figure(f"{name}, look-up", _seconds(look_up_all) / len(sent) * 1e6, "µs", "limit", 2.0),
    ]


def _search(keys: Sequence[RotatingKey], rng: random.Random) -> Sequence[Figure]:
    """A day back and forth, for a tag with a new battery among strangers."""
    tags = [Wanted(n, key.identity_key, 10, *_a_day_around(key)) for n, key in enumerate(keys)]
    identifiers = [f"eid:{rng.getrandbits(64):016x}" for _ in range(STRANGERS)]
    identifiers.append(_sent(keys[17], NOW - 43_200.0))
    name = f"identity: wide search, {TAGS:,} tags × {2 * WIDE_S / SPAN_S:.0f} slots"

    def look() -> None:
        if len(search(identifiers, tags)) != 1:
            raise AssertionError("the tag with the new battery was not found")

    return [
        Figure(f"{name}, time", _seconds(look, rounds=3), "s", "at most every", SEARCH_EVERY_S),
        Figure(f"{name}, memory", _peak_mb(look), "MB", "limit", 50.0),
    ]


def _a_day_around(key: RotatingKey) -> tuple[float, float]:
    return NOW - key.zero_at - WIDE_S, NOW - key.zero_at + WIDE_S


def _heard_an_hour_ago(keys: Sequence[RotatingKey]) -> Rotation:
    at = NOW - 3_600.0
    return Rotation(
        keys, [ClockState(key.tag, -40.0, 40.0, at, int(at - key.zero_at)) for key in keys]
    )


def _sent(key: RotatingKey, at: float) -> str:
    time = int(at - key.zero_at)
    return f"eid:{eid.eid(key.identity_key, exponent=key.exponent, beacon_time=time).hex()}"


def _ask(rotation: Rotation, identifiers: Sequence[str]) -> None:
    for identifier in identifiers:
        rotation.hear(identifier, NOW)


def _seconds(work: Callable[[], object], *, rounds: int = 5) -> float:
    work()
    times_s = []
    for _ in range(rounds):
        begun_s = time.process_time()
        work()
        times_s.append(time.process_time() - begun_s)
    return median(times_s)


def _peak_mb(work: Callable[[], object]) -> float:
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / MB
    finally:
        tracemalloc.stop()
