"""A generated town of any size, and tags that walk in it: the same input for whoever is measured.

Streets on a lattice with a pole every so often. Levels follow log-distance, which no tracker is
told the constants of, with shadows that stay at a place, a loss that each tag has, and fading.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import shapely
from numpy.typing import NDArray

from gateway.model import Reading, TagIdentifier, Window
from gateway.site import PathLine, Receiver, Region, Site

FIRST_SECOND = 1_800_000_000
BLOCK_M = 100.0
POLE_HEIGHT_M = 4.0
BESIDE_M = 3.0
ZONE_M = 40.0
ZONES_PER_KM = 1.0

PACES_M_S = (0.9, 1.6)
STOP_PER_S, START_PER_S = 0.01, 0.05

AUDIBLE = 12  # poles nearest to a street that are asked
POWER_DBM, EXPONENT = -58.0, 2.4
GAIN_SD_DB, OFFSET_SD_DB, SHADOW_SD_DB, FADING_SD_DB = 3.0, 4.0, 4.0, 5.0
SHADOW_WAVES, SHADOW_WAVES_M = 6, (8.0, 40.0)
DETECTION, SENSITIVITY_DBM = 0.8, -98.0

Floats = NDArray[np.float64]
Indexes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Second:
    """What is heard in a second, and where every tag (t, 2) is at its end, metres."""

    window: Window
    truth: Floats


class Town:
    """`km` of streets, `receivers` on poles evenly beside them, and squares as zones."""

    def __init__(self, *, km: float, receivers: int) -> None:
        self.streets = _streets(km)
        random = np.random.default_rng(round(km * 1000))
        along = (np.arange(receivers) + 0.5) * len(self.streets) / receivers
        on, part = np.divmod(along, 1.0)
        span = self.streets[:, 1] - self.streets[:, 0]
        aside = span[:, ::-1] * [BESIDE_M / BLOCK_M, -BESIDE_M / BLOCK_M]
        street = on.astype(int)
        self.poles = self.streets[street, 0] + span[street] * part[:, None] + aside[street]
        middles = self.streets.mean(axis=1)
        apart = np.linalg.norm(middles[:, None] - self.poles, axis=2)
        self.near = np.argsort(apart, axis=1)[:, : min(AUDIBLE, receivers)]
        angle = random.uniform(0, 2 * np.pi, (receivers, SHADOW_WAVES))
        wave = 2 * np.pi / random.uniform(*SHADOW_WAVES_M, (receivers, SHADOW_WAVES))
        self._waves = np.stack([wave * np.cos(angle), wave * np.sin(angle)], axis=-1)
        self._phases = random.uniform(0, 2 * np.pi, (receivers, SHADOW_WAVES))
        self._gains_db = random.normal(0, GAIN_SD_DB, receivers)
        self.names = tuple(f"r-{number}" for number in range(receivers))
        zones = random.choice(len(self.streets), max(round(km * ZONES_PER_KM), 1), replace=False)
        self.site = Site(
            name="town",
            crs="EPSG:6677",
            paths=tuple(PathLine(f"p-{k}", "", line) for k, line in enumerate(self.streets)),
            areas=(),
            zones=tuple(_zone(f"z-{k}", middles[street]) for k, street in enumerate(zones)),
            lots=(),
            receivers=tuple(
                Receiver(name, (x, y), POLE_HEIGHT_M, "", None)
                for name, (x, y) in zip(self.names, self.poles.tolist(), strict=True)
            ),
            lamps=(),
            cameras=(),
            shelters=(),
            plan=b"",
        )

    def levels_dbm(self, xy: Floats, receivers: Indexes) -> Floats:
        """Level (t, r) of the usual tag at points (t, 2), at the `receivers` (t, r) asked there."""
        away = xy[:, None] - self.poles[receivers]
        distance = np.sqrt((away**2).sum(axis=2) + (POLE_HEIGHT_M - 1) ** 2)
        turns = np.einsum("trwk,tk->trw", self._waves[receivers], xy) + self._phases[receivers]
        shadow = SHADOW_SD_DB * np.sqrt(2 / SHADOW_WAVES) * np.cos(turns).sum(axis=2)
        loss = 10 * EXPONENT * np.log10(distance)
        return np.asarray(POWER_DBM + self._gains_db[receivers] - loss + shadow)


def identifiers_of(tags: int) -> list[TagIdentifier]:
    """One for each tag."""
    return [TagIdentifier(f"uid:{n:032x}", f"t-{n:05}", button=False) for n in range(tags)]


def seconds_of(town: Town, *, tags: int, count: int) -> Iterator[Second]:
    """`tags` walk in `town` for `count` seconds."""
    random = np.random.default_rng(tags)
    walkers = _Walkers(town.streets, tags, random)
    offsets_db = random.normal(0, OFFSET_SD_DB, (tags, 1))
    names = [known.identifier for known in identifiers_of(tags)]
    for second in range(FIRST_SECOND, FIRST_SECOND + count):
        walkers.walk(0.5)
        near = town.near[walkers.street]
        levels = offsets_db + town.levels_dbm(walkers.xy, near)
        levels += random.normal(0, FADING_SD_DB, levels.shape)
        received = (random.random(levels.shape) < DETECTION) & (levels > SENSITIVITY_DBM)
        who, dbm = np.nonzero(received)[0], levels[received]
        heard_by = [town.names[receiver] for receiver in near[received].tolist()]
        of = [names[tag] for tag in who.tolist()]
        loudest = np.rint(dbm).astype(int).tolist()
        readings = tuple(map(Reading, heard_by, of, np.round(dbm, 1).tolist(), loudest, repeat(1)))
        walkers.walk(0.5)
        yield Second(Window(second, town.names, readings), walkers.xy)


class _Walkers:
    """Each on a `street` (t,) at `xy` (t, 2); stops now and then, turns back only at a dead end."""

    def __init__(self, streets: Floats, tags: int, random: np.random.Generator) -> None:
        self._random = random
        self._ends = np.concatenate([streets, streets[:, ::-1]])
        self._ways = _ways(self._ends)
        self._way = random.integers(len(self._ends), size=tags)
        self._along_m = random.uniform(0, BLOCK_M, tags)
        self._pace = random.uniform(*PACES_M_S, tags)
        self._stands = np.zeros(tags, dtype=bool)

    @property
    def street(self) -> Indexes:
        return np.asarray(self._way % (len(self._ends) // 2))

    @property
    def xy(self) -> Floats:
        start, end = self._ends[self._way, 0], self._ends[self._way, 1]
        return np.asarray(start + (end - start) * (self._along_m / BLOCK_M)[:, None])

    def walk(self, duration_s: float) -> None:
        chance = self._random.random(len(self._way)) / duration_s
        self._stands = np.where(self._stands, chance > START_PER_S, chance < STOP_PER_S)
        self._along_m += np.where(self._stands, 0.0, self._pace * duration_s)
        for tag in np.flatnonzero(self._along_m > BLOCK_M):
            self._along_m[tag] -= BLOCK_M
            self._way[tag] = self._random.choice(self._ways[self._way[tag]])


def _streets(km: float) -> Floats:
    """Lattice edges (s, 2, 2), those nearest to the middle first, of `km` together."""
    count = round(km * 1000 / BLOCK_M)
    side = int(np.sqrt(count / 2)) + 2
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    edges = np.array([(p, p + step) for p in grid for step in np.eye(2) if (p + step).max() < side])
    reach = np.abs(edges.mean(axis=1) - (side - 1) / 2).max(axis=1)
    return np.asarray(edges[np.argsort(reach, kind="stable")[:count]] * BLOCK_M)


def _ways(ends: Floats) -> list[Indexes]:
    """Onto which directed streets one may go at the end of each: back only at a dead end."""
    found = []
    for way, (start, end) in enumerate(ends):
        onward = np.flatnonzero((ends[:, 0] == end).all(axis=1) & (ends[:, 1] != start).any(axis=1))
        found.append(onward if len(onward) else np.array([(way + len(ends) // 2) % len(ends)]))
    return found


def _zone(id_: str, middle: Floats) -> Region:
    (x, y), half = middle.tolist(), ZONE_M / 2
    return Region(id_, "zone", "", {}, shapely.box(x - half, y - half, x + half, y + half))
