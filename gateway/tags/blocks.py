"""Which stretches of a day are worth learning from, and which of them are held back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from statistics import mode
from zlib import crc32

from gateway.model import Window
from gateway.tags.identity import Directory

PAUSE_S = 120  # unheard for so long: the next outing
BLOCK_S = 120  # a longer outing is cut
WHILE_S = 20
HELD_BACK_OF = 4

LEAST_SECONDS = 6_000
SECONDS_A_RECEIVER = 600


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """A stretch of one tag's outing: seconds [`since`, `until`]."""

    tag: str
    since: int
    until: int
    held_back: bool


def choose_blocks(
    windows: Iterable[Window], directory: Directory, receivers: Set[str]
) -> list[Block]:
    """Blocks of outings to learn from: the liveliest, until every receiver has heard enough.

    Every HELD_BACK_OF-th block of a tag is held back. A tag that lies at home is heard all day and
    tells little: blocks are ranked by how many receivers are the best for a while.
    """
    counts: list[tuple[int, Block, Mapping[str, int]]] = []
    for tag, seconds in _strongest(windows, directory, receivers).items():
        turn = crc32(tag.encode())
        for block in _cut(sorted(seconds)):
            best = [seconds[second] for second in block]
            passed = {mode(best[k : k + WHILE_S]) for k in range(0, len(best), WHILE_S)}
            known = Block(tag, block[0], block[-1], held_back=turn % HELD_BACK_OF == 0)
            heard = {one: best.count(one) for one in set(best)}
            counts.append((len(passed), known, heard))
            turn += 1
    counts.sort(key=lambda one: (-one[0], one[1]))
    return _enough(counts, max(len(receivers), LEAST_SECONDS // SECONDS_A_RECEIVER))


def _strongest(
    windows: Iterable[Window], directory: Directory, receivers: Set[str]
) -> dict[str, dict[int, str]]:
    """Tag → second → the receiver that heard it best."""
    found: dict[str, dict[int, tuple[float, str]]] = defaultdict(dict)
    for window in windows:
        for reading in window.readings:
            known = directory.find(reading.identifier)
            if known is not None and reading.receiver in receivers:
                level = (reading.mean_dbm, reading.receiver)
                seconds = found[known.tag]
                seconds[window.second] = max(level, seconds.get(window.second, level))
    return {
        tag: {second: receiver for second, (_, receiver) in seconds.items()}
        for tag, seconds in found.items()
    }


def _cut(seconds: Sequence[int]) -> list[list[int]]:
    blocks: list[list[int]] = []
    for second in seconds:
        if not blocks or second - blocks[-1][-1] > PAUSE_S or second - blocks[-1][0] >= BLOCK_S:
            blocks.append([])
        blocks[-1].append(second)
    return blocks


def _enough(ranked: Sequence[tuple[int, Block, Mapping[str, int]]], receivers: int) -> list[Block]:
    """Take those that a receiver still needs, at most so many seconds for all."""
    left = receivers * SECONDS_A_RECEIVER
    had: dict[str, int] = defaultdict(int)
    chosen: list[Block] = []
    for _, block, heard in ranked:
        if left <= 0:
            break
        if len(chosen) < HELD_BACK_OF or any(had[one] < SECONDS_A_RECEIVER for one in heard):
            chosen.append(block)
            left -= sum(heard.values())
            for receiver, count in heard.items():
                had[receiver] += count
    return sorted(chosen)
