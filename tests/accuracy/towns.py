"""A town over many days: one scene with one radio, people that go out, receivers with faults."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from gateway.cli.recording import Recording, Row
from gateway.report.scoring import Truth
from gateway.site import load_site
from gateway.tags.propagation import Radio
from gateway.tags.survey import SurveyRow
from tests.accuracy.radio import Air, Climate
from tests.accuracy.scenes import Point, Scene, degrees, write_site
from tests.accuracy.walks import DAY_S, START_AT, TICK_S, Walk, hops, walk

OUTING_EVERY_S = 1_800
STARTS_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Faults:
    """Receivers, by index, that are not what they should be.

    `dead` say nothing; `swapped` pairs speak under each other's name; `moved` stand where the scene
    says, and the site file says another place; `deaf_db` have lost that much.
    """

    dead: frozenset[int] = frozenset()
    swapped: tuple[tuple[int, int], ...] = ()
    moved: Mapping[int, Point] = field(default_factory=dict)
    deaf_db: Mapping[int, float] = field(default_factory=dict)


WELL = Faults()


@dataclass(frozen=True, slots=True)
class Trial:
    """A recording, and by tag the truth about it and how much stronger it is than the usual.

    `radios` are what is known of receivers when it is located.
    """

    recording: Recording
    truths: Mapping[str, Truth]
    offsets_db: Mapping[str, float]
    radios: Mapping[str, Radio] = field(default_factory=dict)


class Town:
    """Its days can be asked for in any order: each is what it is by seed and number."""

    def __init__(
        self, folder: Path, scene: Scene, climate: Climate, *, seed: int, faults: Faults = WELL
    ) -> None:
        """The site file is written into `folder`, which must be there."""
        stated = scene.receivers.copy()
        for receiver, point in faults.moved.items():
            stated[receiver, :2] = point
        file = folder / f"{scene.name}-{seed}.geojson"
        write_site(file, replace(scene, receivers=stated))
        self.site = load_site(file)
        self._scene = scene
        self._seed = seed
        self._faults = faults
        self._air = Air(scene, climate, seed, loss_db=faults.deaf_db)
        self._names = {k: f"r{k}" for k in range(len(scene.receivers))}
        for one, other in faults.swapped:
            self._names[one], self._names[other] = self._names[other], self._names[one]

    def day(
        self,
        offsets_db: Mapping[str, float],
        *,
        seconds: int,
        number: int = 0,
        outings: int = 1,
        rate_hz: float = 2.0,
    ) -> Trial:
        """Day `number`: every tag of `offsets_db` goes out `outings` times for `seconds`."""
        rows: list[Row] = []
        truths = {}
        for index, (tag, offset_db) in enumerate(offsets_db.items()):
            random = np.random.default_rng([self._seed, 2, number, index])
            walks = [self._outing(random, number, k, seconds=seconds) for k in range(outings)]
            for one in walks:
                heard = self._air.hear(
                    random, one, offset_db=offset_db, rate_hz=rate_hz, day=number
                )
                rows += (
                    Row(h.at, self._names[h.receiver], tag, h.rssi_dbm)
                    for h in heard
                    if h.receiver not in self._faults.dead
                )
            xy = np.concatenate([one.xy for one in walks])
            truths[tag] = Truth(
                np.concatenate([one.at for one in walks]), self.site.to_metres(degrees(xy))
            )
        return Trial(Recording(self.site, tuple(sorted(rows)), {}), truths, dict(offsets_db))

    def survey(
        self, *, every_m: float = 4.0, stay_s: float = 10.0, rate_hz: float = 2.0, number: int = 0
    ) -> list[SurveyRow]:
        """On day `number` a technician stands at a spot every so often along the ways that a map
        shows, facing anywhere, with a tag of the usual strength."""
        random = np.random.default_rng([self._seed, 3, number])
        spots, _ = hops(self._scene, self._scene.ways, hop_m=every_m)
        rows = []
        for spot, xy in zip(spots, self.site.to_metres(degrees(spots)).tolist(), strict=True):
            at = START_AT + number * DAY_S + np.arange(0, stay_s, TICK_S)
            facing = np.full(len(at), random.uniform(-np.pi, np.pi))
            stay = Walk(at, np.tile(spot, (len(at), 1)), facing)
            rows += [
                SurveyRow((xy[0], xy[1]), self._names[h.receiver], h.rssi_dbm, f"day {number}")
                for h in self._air.hear(random, stay, rate_hz=rate_hz, day=number)
                if h.receiver not in self._faults.dead
            ]
        return rows

    def _outing(self, random: np.random.Generator, day: int, number: int, *, seconds: int) -> Walk:
        start_at = START_AT + day * DAY_S + number * OUTING_EVERY_S
        start_at += float(random.uniform(0, STARTS_WITHIN_S))
        return walk(random, self._scene, seconds=seconds, start_at=start_at)
