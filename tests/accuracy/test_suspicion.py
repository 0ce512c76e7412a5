"""Clones in the simulated town: found where far from their tag; nobody else is suspected."""

import csv
import gzip
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import hypot
from pathlib import Path

import numpy as np
import pytest
from firmware_sim.record import write_recording
from firmware_sim.site import read_site
from firmware_sim.world import World

from gateway.cli.recording import Recording, read_recording, windows_of
from gateway.model import Suspicion, TagIdentifier, Window
from gateway.settings import config_dir
from gateway.tags.suspicion import Watch

START = 1_794_960_000.0 + 6 * 3_600.0  # 15 o'clock in Japan: children are on their way
SECONDS = 480
FAR_M = 250.0
FAR_FOR_S = 60
CLONES = 40


@dataclass(frozen=True, slots=True)
class Town:
    """A recording, and where everybody outdoors was: tag → second → metres."""

    recording: Recording
    truth: dict[str, dict[int, tuple[float, float]]]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    folder = tmp_path_factory.mktemp("town")
    site = read_site(config_dir() / "site.geojson")
    world = World(site, seed=11, start=START, people=80, most_outdoors=40)
    write_recording(world, folder, start=START, seconds=SECONDS)
    recording = read_recording(folder, progress=lambda _done, _all: None)
    return Town(recording, _truth(folder, recording))


def _truth(folder: Path, recording: Recording) -> dict[str, dict[int, tuple[float, float]]]:
    found: dict[str, dict[int, tuple[float, float]]] = defaultdict(dict)
    with gzip.open(folder / "truth.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    lonlat = np.array([(float(row["lon"]), float(row["lat"])) for row in rows])
    for row, xy in zip(rows, recording.site.to_metres(lonlat).tolist(), strict=True):
        found[row["tag"]][int(float(row["at"]))] = (xy[0], xy[1])
    return found


def told(town: Town, *, clone: str = "", of: str = "") -> Iterator[Suspicion]:
    """What a watch says, everything that `clone` sends being under the name `of`."""
    watch = Watch(town.recording.site.receivers)
    names = {of: of, clone: of} if of else {tag: tag for tag in town.truth}
    tags = {sent: TagIdentifier(sent, tag, button=False) for sent, tag in names.items()}
    for window in windows_of(town.recording, tail_s=0):
        yield from watch.step(window.second, [window], tags.get)


def far_since(town: Town, one: str, other: str) -> int | None:
    """Since when both have been outdoors and far apart for a minute."""
    here, there = town.truth[one], town.truth[other]
    run = 0
    for second in range(int(START), int(START) + SECONDS):
        apart = second in here and second in there and _apart_m(here[second], there[second]) > FAR_M
        run = run + 1 if apart else 0
        if run == FAR_FOR_S:
            return second - FAR_FOR_S
    return None


def _apart_m(here: tuple[float, float], there: tuple[float, float]) -> float:
    return hypot(here[0] - there[0], here[1] - there[1])


def test_nobody_of_a_town_is_suspected(town: Town) -> None:
    assert len(town.truth) > 30
    assert list(told(town)) == []


def test_a_clone_far_from_its_tag_is_found(town: Town) -> None:
    two = combinations(town.truth, 2)
    pairs = ((one, other, far_since(town, one, other)) for one, other in two)
    far = [(one, other, since) for one, other, since in pairs if since is not None]
    waited_s = []
    for one, other, since in far[:CLONES]:
        first = next(told(town, clone=other, of=one), None)
        waited_s.append(np.inf if first is None else max(0.0, first.at - since))
    share = np.mean(np.array(waited_s) <= 5 * 60)
    sys.stdout.write(
        f"\n{len(waited_s)} clones over {FAR_M:.0f} m away: {share:.0%} found within 5 min, "
        f"half of them within {np.median(waited_s):.0f} s\n"
    )
    assert len(waited_s) >= 20
    assert share >= 0.9


def test_the_real_recording_suspects_nobody(shared: Path) -> None:
    folder = shared / "data" / "recordings" / "danis-dev"
    recording = read_recording(folder, progress=lambda _done, _all: None)
    watch = Watch(recording.site.receivers)
    tags = {tag: TagIdentifier(tag, tag, button=False) for tag in recording.tags}
    windows: list[Window] = list(windows_of(recording, tail_s=0))
    assert len(windows) > 100
    assert [one for w in windows for one in watch.step(w.second, [w], tags.get)] == []
