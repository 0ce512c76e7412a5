"""What a day of unlabelled walks tells of the receivers: levels, and where the tags probably were.

The windows are gone through once for each set of radios: the tracker says where every tag was. What
is learned from is seen with hindsight; what is held back is seen before its second was heard, so
that it can score a prediction.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.model import Window
from gateway.site import Points, Site
from gateway.tags.blocks import Block
from gateway.tags.identity import Directory
from gateway.tags.levels import Level
from gateway.tags.pipeline import Pipeline
from gateway.tags.propagation import Floats, Radio
from gateway.tags.route import Hindsight, Lag
from gateway.tags.tracker import Estimate

Indexes = NDArray[np.intp]
Masses = NDArray[np.floating[Any]]

EVERY_S = 2
STILL_M = 1.0
STILL_S = 30
HINDSIGHT = Lag(lag_s=40, block_s=80)
POINTS = 8
UNSURE_M = 20.0


@dataclass(frozen=True, slots=True)
class Hearings:
    """What one receiver heard: `rows` (m,) of the evidence, mean dBm (m,) and packets (m,)."""

    rows: Indexes
    dbm: Floats
    packets: Floats

    def among(self, kept: NDArray[np.bool_], number: Indexes) -> "Hearings":
        """Those of rows that are `kept` (n,), which get a new `number` (n,)."""
        mine = kept[self.rows]
        return Hearings(number[self.rows[mine]], self.dbm[mine], self.packets[mine])


@dataclass(frozen=True, slots=True)
class Evidence:
    """`n` seconds in which some receiver heard a tag, at all receivers of the site.

    `tag` (n,) is below `tags`. `points` (n, POINTS, 2), metres, are equally likely places, `middle`
    (n, 2) is their mean. `sent` (n,) are the packets that the best receiver got, so at least so
    many were sent. `absent` names the rows in which a receiver was not alive.
    """

    second: Indexes
    tags: int
    tag: Indexes
    points: Points
    middle: Points
    sent: Floats
    hearings: Mapping[str, Hearings]
    absent: Mapping[str, Indexes]

    def among(self, keys: Indexes) -> "Evidence":
        """Only the rows whose key is one of `keys`."""
        kept = np.isin(self.keys, keys)
        number = np.cumsum(kept) - 1
        return Evidence(
            second=self.second[kept],
            tags=self.tags,
            tag=self.tag[kept],
            points=self.points[kept],
            middle=self.middle[kept],
            sent=self.sent[kept],
            hearings={one: heard.among(kept, number) for one, heard in self.hearings.items()},
            absent={one: number[rows[kept[rows]]] for one, rows in self.absent.items()},
        )

    @property
    def keys(self) -> Indexes:
        """A number (n,) for each row: the same tag and second has the same in other evidence."""
        return np.asarray(self.second * self.tags + self.tag)


@dataclass(slots=True)
class _Rows:
    """Evidence being gathered."""

    second: list[int] = field(default_factory=list)
    tag: list[str] = field(default_factory=list)
    points: list[Points] = field(default_factory=list)
    levels: list[Mapping[str, Level]] = field(default_factory=list)
    alive: list[Set[str]] = field(default_factory=list)

    def add(
        self, tag: str, second: int, points: Points, heard: Mapping[str, Level], alive: Set[str]
    ) -> None:
        self.second.append(second)
        self.tag.append(tag)
        self.points.append(points)
        self.levels.append(heard)
        self.alive.append(alive)

    def evidence(self, receivers: Sequence[str], tags: Sequence[str]) -> Evidence:
        found: dict[str, list[tuple[int, float, int]]] = {receiver: [] for receiver in receivers}
        for row, levels in enumerate(self.levels):
            for receiver, level in levels.items():
                found[receiver].append((row, *level))
        tables = {one: np.array(rows, dtype=float).reshape(-1, 3) for one, rows in found.items()}
        points = np.array(self.points, dtype=float).reshape(-1, POINTS, 2)
        number = {tag: index for index, tag in enumerate(tags)}
        return Evidence(
            second=np.array(self.second, dtype=np.intp),
            tags=len(tags),
            tag=np.array([number[tag] for tag in self.tag], dtype=np.intp),
            points=points,
            middle=points.mean(axis=1),
            sent=np.array([max(v.packets for v in row.values()) for row in self.levels], float),
            hearings={
                one: Hearings(table[:, 0].astype(np.intp), table[:, 1], table[:, 2])
                for one, table in tables.items()
            },
            absent={
                one: np.array(
                    [k for k, alive in enumerate(self.alive) if one not in alive], np.intp
                )
                for one in receivers
            },
        )


def gather(
    site: Site,
    directory: Directory,
    windows: Iterable[Window],
    *,
    receivers: Sequence[str],
    blocks: Iterable[Block],
    radios: Mapping[str, Radio],
) -> tuple[Evidence, Evidence]:
    """What to learn from and what was held back, as the tracker sees it on `site` with `radios`.

    `receivers` are all whose levels are wanted, also those that `site` leaves out.
    """
    return _Gathering(site, directory, receivers, blocks, radios).run(windows)


class _Gathering:
    def __init__(
        self,
        site: Site,
        directory: Directory,
        receivers: Sequence[str],
        blocks: Iterable[Block],
        radios: Mapping[str, Radio],
    ) -> None:
        self._pipeline = Pipeline(site, directory, radios=radios)
        self._directory = directory
        self._receivers = receivers
        self._wanted = frozenset(receivers)
        self._blocks: dict[str, list[Block]] = defaultdict(list)
        for block in sorted(blocks, reverse=True):
            self._blocks[block.tag].append(block)
        self._tags = sorted(self._blocks)
        self._learned, self._held_back = _Rows(), _Rows()
        self._hindsight: dict[str, Hindsight] = {}
        self._waiting: dict[tuple[str, int], tuple[Mapping[str, Level], Set[str]]] = {}
        self._last: dict[str, Estimate] = {}
        self._kept: dict[str, tuple[int, Points]] = {}

    def run(self, windows: Iterable[Window]) -> tuple[Evidence, Evidence]:
        for second, group in groupby(windows, key=lambda window: window.second):
            self._step(second, [self._chosen(window) for window in group])
        for tag, hindsight in self._hindsight.items():
            for one in hindsight.end():
                self._learn(tag, one.estimate, one.mass)
        return (
            self._learned.evidence(self._receivers, self._tags),
            self._held_back.evidence(self._receivers, self._tags),
        )

    def _chosen(self, window: Window) -> Window:
        readings = tuple(
            reading
            for reading in window.readings
            if (known := self._directory.find(reading.identifier)) is not None
            and self._block(known.tag, window.second) is not None
        )
        return Window(window.second, window.alive, readings)

    def _block(self, tag: str, second: int) -> Block | None:
        blocks = self._blocks.get(tag, [])
        while blocks and blocks[-1].until < second:
            blocks.pop()
        return blocks[-1] if blocks and blocks[-1].since <= second else None

    def _step(self, second: int, windows: Sequence[Window]) -> None:
        step = self._pipeline.step(second, windows)
        heard = self._heard(windows)
        alive = frozenset(receiver for window in windows for receiver in window.alive)
        for tag, estimate in step.estimates:
            before = self._last.get(tag)
            self._last[tag] = estimate
            block = self._block(tag, second)
            if block is not None and tag in heard:
                if not block.held_back:
                    self._waiting[tag, second] = (heard[tag], alive)
                elif before is not None and before.since == estimate.since:
                    self._hold_back(tag, second, before, heard[tag], alive)
            hindsight = self._hindsight.setdefault(tag, Hindsight(HINDSIGHT))
            for one in hindsight.update(estimate):
                self._learn(tag, one.estimate, one.mass)

    def _heard(self, windows: Sequence[Window]) -> dict[str, dict[str, Level]]:
        heard: dict[str, dict[str, Level]] = {}
        for reading in (reading for window in windows for reading in window.readings):
            known = self._directory.find(reading.identifier)
            if known is not None and reading.receiver in self._wanted:
                by_receiver = heard.setdefault(known.tag, {})
                had = by_receiver.get(reading.receiver, Level(0.0, 0))
                packets = had.packets + reading.packets
                total = had.mean_dbm * had.packets + reading.mean_dbm * reading.packets
                by_receiver[reading.receiver] = Level(total / packets, packets)
        return heard

    def _hold_back(
        self, tag: str, second: int, before: Estimate, heard: Mapping[str, Level], alive: Set[str]
    ) -> None:
        if second % EVERY_S == 0:
            points = _spread(before.tile.cells, before.mass)
            self._held_back.add(tag, second, points, heard, alive)

    def _learn(self, tag: str, estimate: Estimate, mass: Masses) -> None:
        heard, alive = self._waiting.pop((tag, estimate.second), ({}, frozenset()))
        if not heard or mass[-1] > 0.5:
            return
        points = _spread(estimate.tile.cells, mass)
        middle = points.mean(axis=0)
        if np.hypot(*(points - middle).T).mean() > UNSURE_M:
            return
        kept = self._kept.get(tag)
        if kept is None or _enough_later(kept, (estimate.second, middle)):
            self._kept[tag] = (estimate.second, middle)
            self._learned.add(tag, estimate.second, points, heard, alive)


def _enough_later(before: tuple[int, Points], now: tuple[int, Points]) -> bool:
    still = np.hypot(*(now[1] - before[1])) < STILL_M
    return now[0] - before[0] >= (STILL_S if still else EVERY_S)


def _spread(cells: Points, mass: Masses) -> Points:
    """POINTS equally likely cells: the quantiles of the belief along the order of the cells."""
    reached = np.cumsum(mass[:-1], dtype=float)
    at = (np.arange(POINTS) + 0.5) / POINTS * reached[-1]
    return np.asarray(cells[np.minimum(np.searchsorted(reached, at), len(cells) - 1)])
