"""The network between any two: cut, stalled, slow, or gone for one side only."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.system.chaos.fault import Kind
from tests.system.chaos.faults.described import Described, anywhere
from tests.system.chaos.ground import PAIRS
from tests.system.chaos.proxy import Proxy, Way
from tests.system.chaos.town import Town

HOLD_S = (0.3, 4.0)
LONG_S = (22.0, 28.0)  # beyond the keepalive, and InfluxDB's time limit
SLOW_BYTES_PER_S = (1_500, 20_000)

Bend = Callable[[Proxy, Random], None]


@dataclass(slots=True, kw_only=True)
class Net(Described):
    """`bend` is done to every pair's network."""

    pairs: tuple[tuple[str, str], ...]
    bend: Bend

    async def strike(self, town: Town, random: Random) -> None:
        """Bend them."""
        for pair in self.pairs:
            self.bend(town.proxy(*pair), random)

    async def heal(self, town: Town) -> None:
        """Whole again."""
        for pair in self.pairs:
            town.proxy(*pair).heal()


def touched(*pairs: tuple[str, str]) -> frozenset[str]:
    """What a fault of these networks touches; the sink has two of them."""
    return frozenset(f"net:{a}" if b == "mosquitto" else f"net:{a} {b}" for a, b in pairs)


def _one(what: str, bend: Bend, random: Random, *, hold_s: tuple[float, float] = HOLD_S) -> Net:
    pair = random.choice(PAIRS)
    return Net(
        kind=what,
        name=f"{what}: {pair[0]} and {pair[1]}",
        touches=touched(pair),
        hold_s=random.uniform(*hold_s),
        pairs=(pair,),
        bend=bend,
    )


def _all_to_broker(random: Random) -> Net:
    pairs = tuple(pair for pair in PAIRS if pair[1] == "mosquitto")
    return Net(
        kind="network cut between all",
        name="network cut between all and the broker",
        touches=touched(*pairs),
        hold_s=random.uniform(*HOLD_S),
        pairs=pairs,
        bend=_cut,
    )


def _cut(proxy: Proxy, _random: Random) -> None:
    proxy.cut()


def _reset(proxy: Proxy, _random: Random) -> None:
    proxy.reset()


def _stall(proxy: Proxy, _random: Random) -> None:
    proxy.stall()


def _stall_one_way(proxy: Proxy, random: Random) -> None:
    proxy.stall(frozenset({random.choice(tuple(Way))}))


def _slow(proxy: Proxy, random: Random) -> None:
    proxy.slow(bytes_per_s=random.uniform(*SLOW_BYTES_PER_S))


def _ghost(proxy: Proxy, _random: Random) -> None:
    proxy.leave_ghosts()


KINDS = (
    Kind("network cut", 6, partial(_one, "network cut", _cut), anywhere),
    Kind("network cut between all", 2, _all_to_broker, anywhere),
    Kind("connection reset", 2, partial(_one, "connection reset", _reset), anywhere),
    Kind("network stalls", 2, partial(_one, "network stalls", _stall), anywhere),
    Kind(
        "network stalls one way",
        3,
        partial(_one, "network stalls one way", _stall_one_way),
        anywhere,
    ),
    Kind(
        "network stalls for long",
        1,
        partial(_one, "network stalls for long", _stall, hold_s=LONG_S),
        anywhere,
    ),
    Kind("network slow", 3, partial(_one, "network slow", _slow), anywhere),
    Kind("half-open connection", 2, partial(_one, "half-open connection", _ghost), anywhere),
)
