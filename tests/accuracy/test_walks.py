import numpy as np
import pytest

from tests.accuracy.scenes import Floats, Scene, neighbourhood, room, street
from tests.accuracy.walks import START_AT, walk
from tests.accuracy.worlds import long_street, short_street

SCENES = [
    short_street(),
    long_street(),
    neighbourhood(spacing_m=30),
    room(np.random.default_rng(1), receivers=6),
]


def from_ways(scene: Scene, points: Floats) -> Floats:
    """How far points (n, 2) are from the nearest way or trail."""
    best = np.full(len(points), np.inf)
    for a, b in np.concatenate([scene.ways, scene.trails]).tolist():
        start, span = scene.places[a], scene.places[b] - scene.places[a]
        share = np.clip((points - start) @ span / (span @ span), 0, 1)
        best = np.minimum(best, np.hypot(*(points - start - share[:, None] * span).T))
    return best


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_people_walk_on_ways_and_trails_at_a_walking_pace(scene: Scene) -> None:
    found = walk(np.random.default_rng(2), scene, seconds=1200)
    assert found.at[0] == START_AT
    assert len(found.at) == len(found.xy) == len(found.heading) == 12_000
    assert from_ways(scene, found.xy).max() < 2.0
    speed = np.hypot(*(found.xy[50:] - found.xy[:-50]).T) / 5
    assert np.percentile(speed, 99) < 2 * scene.pace_m_s
    assert 0.3 * scene.pace_m_s < np.median(speed[speed > 0.1]) < 1.5 * scene.pace_m_s
    assert 0.02 < (speed < 0.05).mean() < 0.6, "now and then they halt"


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_every_zone_is_visited(scene: Scene) -> None:
    ways = [walk(np.random.default_rng(seed), scene, seconds=1800).xy for seed in range(4)]
    for west, south, east, north in scene.zones.values():
        inside = [
            (xy[:, 0] > west) & (xy[:, 0] < east) & (xy[:, 1] > south) & (xy[:, 1] < north)
            for xy in ways
        ]
        assert any(one.any() and not one.all() for one in inside)


def test_poles_stand_as_far_apart_as_asked_for() -> None:
    assert np.diff(long_street().receivers[:, 0]) == pytest.approx(30)
    assert np.diff(street().receivers[:, 0]) == pytest.approx(13)
    counts = [len(neighbourhood(spacing_m=metres).receivers) for metres in (20, 30, 40)]
    assert counts == sorted(counts, reverse=True)
    for receivers in (6, 12):
        assert len(room(np.random.default_rng(1), receivers=receivers).receivers) == receivers
