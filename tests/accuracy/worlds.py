"""The worlds that the product is tried in, by name: what tests assert of, and the table shows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.accuracy.radio import INDOORS, OUTDOORS, WORN, Climate
from tests.accuracy.scenes import Scene, neighbourhood, room, street
from tests.accuracy.towns import WELL, Faults, Town, Trial
from tests.accuracy.trials import corrected, learned

OFFSETS_DB = (0.0, -6.0, 5.0, -3.0)
WALK_S = 600
ROOMS = ((1, 10, 0.0), (2, 12, -4.0), (3, 6, 3.0), (4, 8, -8.0))
SOME_FAULTS = Faults(dead=frozenset({3}), swapped=((5, 6),))

World = Callable[[Path], list[Trial]]


def short_street() -> Scene:
    """Ten poles over 130 m."""
    return street()


def long_street() -> Scene:
    """Poles 30 m apart over 270 m."""
    return street(length_m=270, poles=9, crossings=4)


def trials(
    folder: Path,
    scene: Scene,
    climate: Climate = OUTDOORS,
    *,
    offsets_db: Sequence[float] = OFFSETS_DB,
    rate_hz: float = 1.0,
    faults: Faults = WELL,
    seeds: Sequence[int] = (1, 2),
    seconds: int = WALK_S,
) -> list[Trial]:
    """A day in each of several towns on the same ground; a tag for each of `offsets_db`."""
    tags = {f"tag{k}": offset_db for k, offset_db in enumerate(offsets_db)}
    return [
        Town(folder, scene, climate, seed=seed, faults=faults).day(
            tags, seconds=seconds, rate_hz=rate_hz
        )
        for seed in seeds
    ]


def after_a_night(
    folder: Path, scene: Scene, *, faults: Faults = WELL, seeds: Sequence[int] = (1, 2)
) -> list[Trial]:
    """The day after one of which a night's calibration learned, in each of several towns."""
    tags = {f"tag{k}": offset_db for k, offset_db in enumerate(OFFSETS_DB)}
    days = []
    for seed in seeds:
        town = Town(folder, scene, OUTDOORS, seed=seed, faults=faults)
        before, day = (town.day(tags, seconds=WALK_S, number=n, rate_hz=1.0) for n in (1, 2))
        days.append(corrected(day, learned(before)))
    return days


def rooms(folder: Path) -> list[Trial]:
    """Four rooms of 6 to 12 receivers, a tag in each."""
    return [
        Town(folder, room(np.random.default_rng(seed), receivers=count), INDOORS, seed=seed).day(
            {"tag": offset_db}, seconds=WALK_S
        )
        for seed, count, offset_db in ROOMS
    ]


WORLDS: Mapping[str, World] = {
    "street-13": lambda folder: trials(folder, short_street()),
    "street-26": lambda folder: trials(folder, street(poles=5)),
    "street-30": lambda folder: trials(folder, long_street()),
    "street-30-usual": lambda folder: trials(folder, long_street(), offsets_db=[0.0] * 4),
    "street-30-weak": lambda folder: trials(folder, long_street(), offsets_db=[-10.0] * 4),
    "street-30-worn": lambda folder: trials(folder, long_street(), WORN),
    "street-30-slow": lambda folder: trials(folder, long_street(), rate_hz=0.5),
    "street-30-faults": lambda folder: trials(folder, long_street(), faults=SOME_FAULTS),
    "street-30-night": lambda folder: after_a_night(folder, long_street()),
    "street-30-mended": lambda folder: after_a_night(folder, long_street(), faults=SOME_FAULTS),
    "street-30-deaf": lambda folder: trials(
        folder, long_street(), faults=Faults(deaf_db={2: 15.0, 6: 15.0})
    ),
    "street-30-moved": lambda folder: trials(
        folder, long_street(), faults=Faults(moved={4: (225.0, 10.0)})
    ),
    "town-20": lambda folder: trials(folder, neighbourhood(spacing_m=20), seeds=[1]),
    "town-30": lambda folder: trials(folder, neighbourhood(spacing_m=30)),
    "town-40": lambda folder: trials(folder, neighbourhood(spacing_m=40), seeds=[1]),
    "rooms": rooms,
}
