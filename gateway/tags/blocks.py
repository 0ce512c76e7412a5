"""Which stretches of a day are worth learning from, and which of them are held back."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import mode

import numpy as np

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

    `windows` are by time. A tag that lies at home is heard all day and tells little: blocks are
    ranked by how many receivers are the best for a while. One of HELD_BACK_OF is held back, and of
    two or more at least one.
    """
    found = _stretches(windows, directory, receivers)
    chosen = _enough(found, max(len(receivers), LEAST_SECONDS // SECONDS_A_RECEIVER))
    return _divided(chosen)


@dataclass(slots=True)
class _Stretch:
    """Seconds of one tag, and the receiver that heard it best in each."""

    seconds: list[int]
    best: list[str]

    @property
    def passed(self) -> int:
        """How many receivers are the best for a while."""
        return len({mode(self.best[k : k + WHILE_S]) for k in range(0, len(self.best), WHILE_S)})

    def ends_before(self, second: int) -> bool:
        return second - self.seconds[-1] > PAUSE_S or second - self.seconds[0] >= BLOCK_S


class _Found:
    """Stretches, packed: hundreds of tags have hundreds of thousands of them in a day."""

    def __init__(self) -> None:
        self._tags: dict[str, int] = {}
        self._receivers: dict[str, int] = {}
        self._rows = array("q")  # passed, tag, since, until and where its heard ones end
        self._heard = array("q")  # receiver, and for how many seconds it was the best

    def add(self, tag: str, stretch: _Stretch) -> None:
        for receiver, seconds in Counter(stretch.best).items():
            number = self._receivers.setdefault(receiver, len(self._receivers))
            self._heard.extend((number, seconds))
        number = self._tags.setdefault(tag, len(self._tags))
        ends = len(self._heard) // 2
        span = stretch.seconds[0], stretch.seconds[-1]
        self._rows.extend((stretch.passed, number, *span, ends))

    def ranked(self) -> Iterator[tuple[Block, dict[str, int]]]:
        """The liveliest first, each with the seconds in which receivers were its best."""
        tags, receivers = list(self._tags), list(self._receivers)
        rows = np.array(self._rows, dtype=np.int64).reshape(-1, 5)
        heard = np.array(self._heard, dtype=np.int64).reshape(-1, 2)
        by_name = np.argsort(np.argsort(tags)) if tags else np.empty(0, dtype=np.intp)
        for k in np.lexsort((rows[:, 2], by_name[rows[:, 1]], -rows[:, 0])).tolist():
            _, tag, since, until, ends = rows[k].tolist()
            begins = int(rows[k - 1, 4]) if k else 0
            pairs = heard[begins:ends].tolist()
            block = Block(tags[tag], since, until, held_back=False)
            yield block, {receivers[one]: seconds for one, seconds in pairs}


def _stretches(windows: Iterable[Window], directory: Directory, receivers: Set[str]) -> _Found:
    """What each tag was heard of, cut at pauses, and where it was heard for long."""
    found = _Found()
    growing: dict[str, _Stretch] = {}
    for second, group in groupby(windows, key=lambda window: window.second):
        for tag, (_, receiver) in _strongest(group, directory, receivers).items():
            stretch = growing.get(tag)
            if stretch is not None and stretch.ends_before(second):
                found.add(tag, stretch)
                stretch = None
            if stretch is None:
                stretch = growing[tag] = _Stretch([], [])
            stretch.seconds.append(second)
            stretch.best.append(receiver)
    for tag, stretch in growing.items():
        found.add(tag, stretch)
    return found


def _strongest(
    windows: Iterable[Window], directory: Directory, receivers: Set[str]
) -> dict[str, tuple[float, str]]:
    """Of one second: each tag's highest level, and the receiver that heard it so."""
    found: dict[str, tuple[float, str]] = {}
    for window in windows:
        for reading in window.readings:
            known = directory.find(reading.identifier)
            if known is not None and reading.receiver in receivers:
                level = (reading.mean_dbm, reading.receiver)
                found[known.tag] = max(level, found.get(known.tag, level))
    return found


def _enough(found: _Found, receivers: int) -> list[Block]:
    """Take those that a receiver still needs, at most so many seconds for all."""
    left = receivers * SECONDS_A_RECEIVER
    had: dict[str, int] = defaultdict(int)
    chosen: list[Block] = []
    for block, heard in found.ranked():
        if left <= 0:
            break
        if len(chosen) < HELD_BACK_OF or any(had[one] < SECONDS_A_RECEIVER for one in heard):
            chosen.append(block)
            left -= sum(heard.values())
            for receiver, count in heard.items():
                had[receiver] += count
    return chosen


def _divided(chosen: Sequence[Block]) -> list[Block]:
    """Of each tag every HELD_BACK_OF-th block, by time, is held back.

    Tags take turns in which of theirs is the first, in the order in which they were heard: what
    they are called does not matter.
    """
    by_tag: dict[str, list[Block]] = {}
    for block in sorted(chosen, key=lambda one: (one.since, one.until, one.tag)):
        by_tag.setdefault(block.tag, []).append(block)
    return sorted(
        replace(block, held_back=(turn + number) % HELD_BACK_OF == 1)
        for turn, blocks in enumerate(by_tag.values())
        for number, block in enumerate(blocks)
    )
