"""What one second brought of many tags: the readings of each, the strongest first."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.tags.compiled import compiled
from gateway.tags.crowd import News
from gateway.tags.weighing import Doubles, Heard

Rows = NDArray[np.int64]


class Hearing(NamedTuple):
    """`heard[firsts[row]:firsts[row + 1]]` is what was heard of the tag in a row.

    `alive` (receivers of the site,) are those whose silence is evidence.
    """

    firsts: Rows
    heard: Heard
    alive: NDArray[np.bool_]

    def of(self, row: int) -> Heard:
        """That of one row."""
        first, last = self.firsts[row : row + 2].tolist()
        return Heard._make(part[first:last] for part in self.heard)

    def news(self, second: int, rows: Rows) -> News:
        """That of some rows."""
        return News(second, self.firsts[rows], self.firsts[rows + 1], self.heard, self.alive)


def heard_by_row(
    rows: Sequence[int],
    receivers: Sequence[int],
    dbm: Sequence[float],
    packets: Sequence[int],
    *,
    count: int,
) -> tuple[Rows, Heard]:
    """Where what was heard of each of `count` rows begins, and that.

    The arguments are columns of readings; one with a row or receiver below 0 is left out. What one
    receiver heard of several identifiers of a tag is joined.
    """
    readings = len(rows)
    firsts = np.zeros(count + 1, dtype=np.int64)
    heard = Heard(
        np.empty(readings, dtype=np.int32),
        np.empty(readings, dtype=np.float32),
        np.empty(readings, dtype=np.float32),
    )
    joined = _sort(
        np.array(rows, dtype=np.int64),
        np.array(receivers, dtype=np.int64),
        np.array(dbm, dtype=float),
        np.array(packets, dtype=float),
        firsts,
        heard,
    )
    return firsts, Heard._make(part[:joined] for part in heard)


@compiled
def _sort(
    rows: Rows, receivers: Rows, dbm: Doubles, packets: Doubles, firsts: Rows, heard: Heard
) -> int:
    """Fill `firsts` and `heard`; how many readings there are when joined."""
    ends = np.zeros(len(firsts), dtype=np.int64)
    for k in range(len(rows)):
        if rows[k] >= 0 and receivers[k] >= 0:
            ends[rows[k] + 1] += 1
    ends = np.cumsum(ends)
    begins = ends[:-1].copy()
    ends = begins.copy()
    receiver, level, weight = np.empty_like(receivers), np.empty_like(dbm), np.empty_like(dbm)
    for k in range(len(rows)):
        if rows[k] < 0 or receivers[k] < 0:
            continue
        place = begins[rows[k]]
        while place < ends[rows[k]] and receiver[place] != receivers[k]:
            place += 1
        if place == ends[rows[k]]:
            receiver[place], level[place], weight[place] = receivers[k], 0.0, 0.0
            ends[rows[k]] += 1
        weight[place] += packets[k]
        level[place] += (dbm[k] - level[place]) * packets[k] / weight[place]
    joined = 0
    for row in range(len(begins)):
        firsts[row] = joined
        for place in range(begins[row], ends[row]):
            there = joined
            while there > firsts[row] and is_before(
                level[place], receiver[place], heard.dbm[there - 1], heard.receivers[there - 1]
            ):
                heard.receivers[there] = heard.receivers[there - 1]
                heard.dbm[there] = heard.dbm[there - 1]
                heard.packets[there] = heard.packets[there - 1]
                there -= 1
            heard.receivers[there] = receiver[place]
            heard.dbm[there], heard.packets[there] = level[place], weight[place]
            joined += 1
    firsts[len(begins)] = joined
    return joined


@compiled
def is_before(dbm: float, receiver: int, other_dbm: float, other: int) -> bool:
    """The stronger comes first; of equals, the receiver with the lower number."""
    level = np.float32(dbm)
    return bool(level > other_dbm or (level == other_dbm and receiver < other))
