from statistics import mean

import numpy as np
import pytest

from tests.bench.town import Town, identifiers_of, seconds_of

TAGS = 200


@pytest.fixture(scope="module")
def town() -> Town:
    return Town(km=2.0, receivers=60)


def test_a_tag_is_heard_by_about_four_receivers(town: Town) -> None:
    heard = [len(second.window.readings) for second in seconds_of(town, tags=TAGS, count=20)]
    assert 3.8 < mean(heard) / TAGS < 4.7


def test_readings_name_receivers_of_the_town_and_each_pair_once(town: Town) -> None:
    known = {one.identifier for one in identifiers_of(TAGS)}
    for second in seconds_of(town, tags=TAGS, count=3):
        pairs = [(reading.receiver, reading.identifier) for reading in second.window.readings]
        assert len(set(pairs)) == len(pairs)
        assert {receiver for receiver, _ in pairs} <= set(town.names)
        assert {identifier for _, identifier in pairs} <= known


def test_whoever_hears_a_tag_best_is_mostly_near(town: Town) -> None:
    rows = {one.identifier: row for row, one in enumerate(identifiers_of(TAGS))}
    poles = dict(zip(town.names, town.poles, strict=True))
    second = next(seconds_of(town, tags=TAGS, count=1))
    best = {}
    for reading in sorted(second.window.readings, key=lambda reading: reading.mean_dbm):
        best[rows[reading.identifier]] = poles[reading.receiver]
    away = [np.linalg.norm(pole - second.truth[row]) for row, pole in best.items()]
    assert len(away) > 0.9 * TAGS
    assert np.median(away) < 30.0


def test_tags_walk_on_and_some_stand(town: Town) -> None:
    truth = np.array([second.truth for second in seconds_of(town, tags=TAGS, count=60)])
    went = np.linalg.norm(np.diff(truth, axis=0), axis=2)
    assert went.max() < 1.7
    assert 0.1 < (went == 0.0).mean() < 0.4
    assert 0.7 < went.mean() < 1.2


def test_the_same_crowd_walks_the_same_way_again(town: Town) -> None:
    once, again = (list(seconds_of(town, tags=20, count=5)) for _ in range(2))
    assert [second.window for second in once] == [second.window for second in again]
