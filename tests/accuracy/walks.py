"""People on foot: along the ways of a scene and over its trails, with halts and a sway."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tests.accuracy.scenes import Floats, Indexes, Scene

START_AT = 1_770_000_000.0
DAY_S = 86_400
TICK_S = 0.1
HOP_M = 10.0
HALT_S = (3.0, 60.0)
SWAY_M, SWAY_OVER_M = 0.3, 4.0


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a carrier was: times (n,), positions (n, 2) metres, heading (n,) radians."""

    at: Floats
    xy: Floats
    heading: Floats


def walk(
    random: np.random.Generator, scene: Scene, *, seconds: int, start_at: float = START_AT
) -> Walk:
    """From hop to hop, seldom straight back, from anywhere to anywhere."""
    spots, near = hops(scene, np.concatenate([scene.ways, scene.trails]))
    here, came = int(random.integers(len(spots))), np.zeros(2)
    usual = scene.pace_m_s * float(np.clip(random.normal(1, 0.15), 0.6, 1.4))
    xy, heading = [spots[here]], [float(random.uniform(-np.pi, np.pi))]
    while len(xy) * TICK_S < seconds:
        spans = spots[near[here]] - spots[here]
        lengths = np.hypot(*spans.T)
        liking = np.exp(scene.straight_on * (spans / lengths[:, None]) @ came)
        chosen = int(random.choice(len(spans), p=liking / liking.sum()))
        length, came = float(lengths[chosen]), spans[chosen] / lengths[chosen]
        pace = usual * float(np.clip(random.normal(1, 0.15), 0.5, 1.5))
        ticks = max(round(length / pace / TICK_S), 1)
        along = np.linspace(0, length, ticks + 1)[1:]
        xy += [*(spots[here] + along[:, None] * came)]
        heading += [float(np.arctan2(came[1], came[0]))] * ticks
        if random.random() < length / scene.halt_every_m:
            still = round(random.uniform(*HALT_S) / TICK_S)
            xy += [xy[-1]] * still
            heading += [heading[-1] + float(random.normal(0, 1.0))] * still
        here = near[here][chosen]
    count = round(seconds / TICK_S)
    line = np.array(xy[:count])
    at = start_at + TICK_S * np.arange(count, dtype=float)
    return Walk(np.asarray(at), line + _sway(random, line), np.array(heading[:count]))


def hops(scene: Scene, ways: Indexes, *, hop_m: float = HOP_M) -> tuple[Floats, list[list[int]]]:
    """Spots (n, 2) at most `hop_m` apart along `ways` (m, 2), and the neighbours of each."""
    spots = list(scene.places)
    links: list[tuple[int, int]] = []
    for a, b in ways.tolist():
        span = scene.places[b] - scene.places[a]
        parts = max(int(np.ceil(np.hypot(*span) / hop_m)), 1)
        between = [len(spots) + k for k in range(parts - 1)]
        spots += [scene.places[a] + span * share for share in np.arange(1, parts) / parts]
        chain = [a, *between, b]
        links += pairwise(chain)
    near: list[list[int]] = [[] for _ in spots]
    for a, b in links:
        near[a].append(b)
        near[b].append(a)
    return np.array(spots), near


def _sway(random: np.random.Generator, line: Floats) -> Floats:
    """How far (n, 2) a carrier is beside the line: changes with the way walked, not with time."""
    moved = np.hypot(*np.diff(line, axis=0, prepend=line[:1]).T)
    kept = np.exp(-moved / SWAY_OVER_M)
    push = random.normal(0, SWAY_M, line.shape) * np.sqrt(1 - kept**2)[:, None]
    sway = np.zeros(line.shape)
    for k in range(1, len(line)):
        sway[k] = kept[k] * sway[k - 1] + push[k]
    return sway
