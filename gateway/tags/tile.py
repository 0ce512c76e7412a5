"""A piece of the site around a tag, with all that a step of the filter looks up.

A tile has at most 256 cells, so a step's cost does not grow with the town. Tiles are cut on a
coarse raster when a tag first comes there, and shared by all tags.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gateway.site import Points, Site, SiteError
from gateway.tags.compiled import addresses_of
from gateway.tags.graph import build_graph, moves_within
from gateway.tags.motion import Counts, Moves, Shorts, Singles
from gateway.tags.propagation import Radio, antennas_of, expected_dbm
from gateway.tags.surroundings import surroundings_of
from gateway.tags.survey import Survey
from gateway.tags.weighing import Listening, decoded, encoded

Floats = NDArray[np.float64]

TILE_CELLS = 256
RASTER_M = 30.0
RIM_M = 10.0
BESIDE_M = 20.0
EARSHOT_DB = 6.0
KEPT_TILES = 1024


@dataclass(frozen=True, slots=True)
class Tile:
    """`n` cells of the site, and one more place, the last: out of coverage.

    `amid` (r,) are the receivers of `listening` that stand beside one of them, `rim` (n,) the cells
    beside those that were left out. It is `surveyed` where most of its receivers are. `keys` name
    the states of `moves` across tiles, `order` sorts them. `inside` (k, n) is 1 where a cell lies
    in a zone, for those of the site's `zone_count` zones that are here: by `zone_numbers` (k,).
    `path` (n,) is the index of the cell's path, -1 on none. `address` is for compiled code: how
    much there is of everything, and where it lies.
    """

    amid: NDArray[np.bool_]
    rim: NDArray[np.bool_]
    moves: Moves
    keys: Counts
    listening: Listening
    surveyed: bool
    zone_count: int
    zone_numbers: Counts
    inside: Singles
    path: Counts
    order: Shorts = field(init=False, repr=False, compare=False)
    address: NDArray[np.int64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", np.argsort(self.keys).astype(np.int16))
        moves, listening = self.moves, self.listening
        parts = (len(self.cells), len(moves.tails), len(moves.weights))
        sizes = (*parts, *listening.expected.shape[1:], len(listening.columns), len(self.inside))
        zones, names = (self.zone_numbers, self.inside), (self.keys, self.order)
        arrays = (*moves, *listening, self.path, self.rim, *zones, self.amid, *names)
        address = np.concatenate([np.array(sizes, dtype=np.int64), addresses_of(arrays)])
        object.__setattr__(self, "address", address)

    @property
    def sizes(self) -> tuple[int, int]:
        """How many places and how many states a belief here has at most."""
        return len(self.path) + 1, len(self.moves.stays)

    @property
    def cells(self) -> Points:
        """Where the cells are (n, 2), metres."""
        return self.listening.cells.astype(np.float64)

    @property
    def zones(self) -> Singles:
        """1 (z, n) where a cell lies inside a zone of the site."""
        zones = np.zeros((self.zone_count, len(self.cells)), dtype=np.float32)
        zones[self.zone_numbers] = self.inside
        return zones

    @property
    def expected(self) -> Singles:
        """The level (n, r), dBm, that the usual tag has at the receivers of `listening`."""
        return decoded(self.listening.expected)

    def take(self, other: "Tile", states: Singles, *, absent: float) -> Singles:
        """A vector over the states of `other`, over those of this tile; new ones are `absent`."""
        place = np.searchsorted(other.keys, self.keys, sorter=other.order)
        found = other.order[np.minimum(place, len(other.order) - 1)]
        same = other.keys[found] == self.keys
        return np.where(same, states[found], np.float32(absent))


class Ground:
    """The whole site as the filter sees it; hands out tiles."""

    def __init__(
        self,
        site: Site,
        *,
        radios: Mapping[str, Radio] | None = None,
        survey: Survey | None = None,
    ) -> None:
        """`radios` are the receivers that were calibrated; a survey says more of those it knows.

        Raises SiteError for a useless site.
        """
        if not site.receivers:
            raise SiteError(
                f"{site.name}: no receivers, so nothing can be located. "
                "Add a feature of kind receiver for every antenna."
            )
        self._graph = build_graph(site)
        self._all = site.receivers
        self.numbers = {receiver.id: number for number, receiver in enumerate(site.receivers)}
        self._spots = np.array([receiver.xy for receiver in site.receivers])
        self._survey = survey
        self._radios = {**(radios or {}), **(survey.radios if survey else {})}
        self.surroundings = surroundings_of(site.receivers)
        cells = self._graph.cells
        inside = [zone.contains(cells) for zone in site.zones]
        self._zones = np.array(inside, dtype=np.float32).reshape(len(inside), len(cells))
        self.zone_count = len(inside)
        self._tiles: OrderedDict[tuple[int, int], Tile] = OrderedDict()
        every = [self.radio(receiver.id) for receiver in site.receivers]
        margin = np.array([radio.power_dbm - radio.threshold_dbm for radio in every])
        exponent = np.array([radio.exponent for radio in every])
        self._reach_m = 10 ** ((margin + EARSHOT_DB) / (10 * exponent))

    def radio(self, receiver: str) -> Radio:
        """The propagation of a receiver: surveyed, calibrated, or what the surroundings suggest."""
        return self._radios.get(receiver, self.surroundings.radio)

    def tile_by(self, receiver: int) -> Tile:
        """The tile around a receiver of the site, by its number."""
        return self.tile_at(self._all[receiver].xy)

    def tile_at(self, xy: tuple[float, float]) -> Tile:
        """The tile around a point, metres."""
        whole = len(self._graph.cells) <= TILE_CELLS
        square = (0, 0) if whole else (round(xy[0] / RASTER_M), round(xy[1] / RASTER_M))
        tile = self._tiles.pop(square, None) or self._cut(np.array(square) * RASTER_M)
        self._tiles[square] = tile
        if len(self._tiles) > KEPT_TILES:
            self._tiles.popitem(last=False)
        return tile

    def _cut(self, anchor: NDArray[np.float64]) -> Tile:
        graph = self._graph
        distance = np.hypot(graph.cells[:, 0] - anchor[0], graph.cells[:, 1] - anchor[1])
        chosen = np.sort(np.argpartition(distance, min(TILE_CELLS, len(distance)) - 1)[:TILE_CELLS])
        cells, reach = graph.cells[chosen], distance[chosen]
        whole = len(chosen) == len(graph.cells)
        rim = np.zeros(len(chosen), dtype=bool) if whole else reach > reach.max() - RIM_M
        numbers, away_m = self._within_earshot(cells)
        listening = self._listening(cells, numbers)
        covered = (decoded(listening.expected) > listening.threshold_dbm).any(axis=1)
        exits = graph.ends[chosen] | ~covered
        moves, keys = moves_within(graph, chosen, exits=exits, surroundings=self.surroundings)
        here = np.flatnonzero(self._zones[:, chosen].any(axis=1))
        return Tile(
            amid=away_m < BESIDE_M,
            rim=rim,
            moves=moves,
            keys=keys,
            listening=listening,
            surveyed=self._is_surveyed(numbers),
            zone_count=len(self._zones),
            zone_numbers=here.astype(np.int32),
            inside=self._zones[np.ix_(here, chosen)],
            path=graph.path[chosen],
        )

    def _listening(self, cells: Points, numbers: Sequence[int]) -> Listening:
        receivers = [self._all[number] for number in numbers]
        radios = [self.radio(receiver.id) for receiver in receivers]
        columns = np.full(len(self._all), -1, dtype=np.int16)
        columns[numbers] = np.arange(len(numbers))
        expected = expected_dbm(receivers, radios, cells)
        variance = np.square([radio.power_sd_db for radio in radios])
        for column, receiver in enumerate(receivers):
            surveyed = self._survey and self._survey.levels(receiver.id, cells)
            if surveyed:
                expected[:, column], sd_db = surveyed
                variance[column] += (sd_db**2).mean()
        return Listening(
            cells=cells.astype(np.float32),
            receivers=np.array(numbers, dtype=np.int32),
            columns=columns,
            expected=encoded(expected),
            antennas=antennas_of(receivers).astype(np.float32),
            threshold_dbm=np.array([radio.threshold_dbm for radio in radios], dtype=np.float32),
            detection=np.array([radio.detection for radio in radios], dtype=np.float32),
            variance=variance.astype(np.float32),
        )

    def _is_surveyed(self, numbers: Sequence[int]) -> bool:
        """Whether a survey knows most of these receivers."""
        known = self._survey.radios if self._survey else {}
        return 2 * sum(self._all[number].id in known for number in numbers) > len(numbers)

    def _within_earshot(self, cells: Points) -> tuple[list[int], Floats]:
        """Receivers, by index, that hear a usual tag on the nearest of `cells` now and then.

        And how far (r,) metres the nearest of the cells is.
        """
        middle = cells.mean(axis=0)
        radius = np.hypot(*(cells - middle).T).max()
        near = np.flatnonzero(np.hypot(*(self._spots - middle).T) < self._reach_m + radius)
        spots = self._spots[near]
        squares = (spots[:, :1] - cells[:, 0]) ** 2 + (spots[:, 1:] - cells[:, 1]) ** 2
        away_m = np.sqrt(squares.min(axis=1, initial=np.inf))
        heard = np.maximum(away_m, 1.0) < self._reach_m[near]
        return near[heard].tolist(), away_m[heard]
