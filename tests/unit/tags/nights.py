"""Walks up and down a road, heard through a plain radio: what calibration learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gateway.model import TagIdentifier, Window
from gateway.site import Site
from gateway.tags.evidence import POINTS, Evidence, Hearings
from gateway.tags.identity import Directory
from gateway.tags.levels import Level
from gateway.tags.propagation import Floats, Radio, expected_dbm
from tests.unit.tags.places import window

FADING_DB = 5.0
DIRECTORY = Directory(TagIdentifier(tag, tag, button=False) for tag in ("ann", "ben", "cho"))


@dataclass(frozen=True, slots=True)
class Air:
    """How receivers of `place` hear: `at` names the pole that one hangs at if not at its own.

    Those in `dead` hear nothing; those `absent` are not alive either.
    """

    place: Site
    radios: Mapping[str, Radio] = field(default_factory=dict)
    at: Mapping[str, str] = field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()

    def levels(self, random: np.random.Generator, xy: Floats, offset_db: float) -> Floats:
        """What each receiver reads of one packet (n, r) sent at `xy` (n, 2); NaN where missed."""
        spots = {receiver.id: receiver.xy for receiver in self.place.receivers}
        there = [
            replace(receiver, xy=spots[self.at.get(receiver.id, receiver.id)])
            for receiver in self.place.receivers
        ]
        radios = [self.radios.get(receiver.id, Radio()) for receiver in there]
        level = expected_dbm(there, radios, xy) + offset_db
        level += random.normal(0, FADING_DB, level.shape)
        threshold = np.array([radio.threshold_dbm for radio in radios])
        chance = np.array([radio.detection for radio in radios])
        chance[[one.id in self.dead | self.absent for one in there]] = 0.0
        got = (level > threshold) & (random.random(level.shape) < chance)
        return np.where(got, level, np.nan)


def to_and_fro(place: Site, seconds: int, *, start_s: float = 0.0) -> Floats:
    """Where a walker (n, 2) is each second on the first path of `place`, a straight one."""
    first, last = place.paths[0].points[[0, -1]]
    length = float(np.hypot(*(last - first)))
    gone = (1.3 * (np.arange(seconds) + start_s)) % (2 * length)
    part = np.minimum(gone, 2 * length - gone) / length
    return np.asarray(first + part[:, None] * (last - first))


def windows_of(
    air: Air, *, seed: int, seconds: int, offsets_db: Mapping[str, float], since: int = 1_000
) -> list[Window]:
    """Tags that walk up and down for `seconds`; each sends a packet a second."""
    random = np.random.default_rng(seed)
    names = [receiver.id for receiver in air.place.receivers]
    heard: list[dict[str, dict[str, Level]]] = [{} for _ in range(seconds)]
    for number, (tag, offset_db) in enumerate(offsets_db.items()):
        way = to_and_fro(air.place, seconds, start_s=40.0 * number)
        for second, row in enumerate(air.levels(random, way, offset_db)):
            got = {n: Level(float(v), 1) for n, v in zip(names, row, strict=True) if v == v}
            heard[second][tag] = got
    found = (window(air.place, since + second, levels) for second, levels in enumerate(heard))
    alive = tuple(name for name in names if name not in air.absent)
    return [replace(one, alive=alive) for one in found]


def evidence_of(
    air: Air, *, seed: int, seconds: int = 900, offsets_db: Sequence[float] = (0.0, -6.0, 5.0)
) -> Evidence:
    """The same, with the places known."""
    random = np.random.default_rng(seed)
    ways = [to_and_fro(air.place, seconds, start_s=40.0 * k) for k in range(len(offsets_db))]
    levels = [
        air.levels(random, way, offset_db) for way, offset_db in zip(ways, offsets_db, strict=True)
    ]
    table = np.concatenate(levels)
    heard = ~np.isnan(table).all(axis=1)
    table = table[heard]
    rows = {
        r.id: np.flatnonzero(~np.isnan(t))
        for r, t in zip(air.place.receivers, table.T, strict=True)
    }
    return Evidence(
        second=np.tile(np.arange(seconds), len(ways))[heard],
        tags=len(ways),
        tag=np.repeat(np.arange(len(ways)), seconds)[heard],
        middle=np.concatenate(ways)[heard],
        points=np.repeat(np.concatenate(ways)[heard][:, None], POINTS, axis=1),
        sent=np.ones(len(table)),
        hearings={
            one: Hearings(mine, table[mine, k], np.ones(len(mine)))
            for k, (one, mine) in enumerate(rows.items())
        },
        absent={
            one: np.arange(len(table)) if one in air.absent else np.zeros(0, dtype=np.intp)
            for one in rows
        },
    )
