from math import log

import numpy as np
import pytest

from gateway.tags.arriving import MISS_TEMPER, THRESHOLD_SPREAD_DB, detectable
from gateway.tags.levels import nothing_learned
from gateway.tags.missing import ENOUGH_HEARD, LISTENERS, listeners, weigh_misses
from gateway.tags.motion import Singles
from gateway.tags.surroundings import STREET
from gateway.tags.weighing import FIRST, FREE, Heard, Learned, Listening, decoded
from tests.unit.tags.cells import DETECTION, THRESHOLD_DBM, even, heard, listening, new_means

MANY = 40


def misses(
    where: Listening,
    what: Heard,
    means: Singles,
    *,
    alive: list[int],
    sent: float = 1.0,
    learned: Learned | None = None,
) -> tuple[Singles, float]:
    """Scores (cells,) of what was missed, and what hearing was to be expected."""
    cells = len(where.cells)
    scores = np.zeros(cells + 1, dtype=np.float32)
    living = np.isin(np.arange(len(where.columns)), alive)
    expected = weigh_misses(
        where,
        what,
        living,
        sent,
        learned or nothing_learned(STREET),
        even(cells),
        means,
        np.arange(cells, dtype=np.int32),
        scores,
    )
    assert scores[-1] == 0.0
    return scores[:-1], expected


def test_half_of_the_packets_that_could_be_are_detected_at_the_threshold() -> None:
    assert detectable(0.0) == pytest.approx(0.5)
    assert detectable(-1e6) == pytest.approx(0.0, abs=1e-6)
    assert detectable(1e6) == pytest.approx(1.0)
    draws = np.random.default_rng(5).normal(size=200_000) * THRESHOLD_SPREAD_DB
    assert detectable(4.0) == pytest.approx((draws < 4.0).mean(), abs=0.005)


def test_misses_of_several_receivers_multiply_where_somebody_heard() -> None:
    levels = [[-94.0, -99.0, -60.0], [-87.0, -87.0, -60.0]]
    scores, expected = misses(
        listening(levels), heard({2: -60.0}), new_means(cells=2), alive=[0, 1, 2]
    )
    reach = [[detectable(level - THRESHOLD_DBM) for level in row[:2]] for row in levels]
    wanted = MISS_TEMPER * np.log(1 - DETECTION * np.array(reach)).sum(axis=1)
    assert scores == pytest.approx(wanted, rel=1e-4)
    assert expected == 0.0


def test_where_nobody_heard_the_tag_may_not_have_sent() -> None:
    where, means = listening([[-30.0], [-180.0]]), new_means(cells=2)
    scores, expected = misses(where, heard({}), means, alive=[0], sent=0.5)
    assert scores == pytest.approx([MISS_TEMPER * log(1 - 0.5 * DETECTION), 0.0], abs=1e-5)
    assert expected == pytest.approx(0.99 / 2 * 0.5 * DETECTION)


def test_a_miss_is_judged_by_what_was_learned_of_the_tag_and_the_receiver() -> None:
    where, means = listening([[-97.0, -97.0]]), new_means()
    learned = nothing_learned(STREET)
    learned.owners[FIRST] = 1
    means[0, 0], means[0, FIRST] = -3.0, 8.0
    scores, _ = misses(where, heard({}), means, alive=[0, 1], learned=learned)
    missed = [1 - DETECTION * detectable(above) for above in (-3.0, 5.0)]
    assert scores[0] == pytest.approx(MISS_TEMPER * np.log(missed).sum(), rel=1e-4)


def test_the_dead_and_those_who_heard_it_miss_nothing() -> None:
    where = listening([[-30.0, -30.0]])
    scores, _ = misses(where, heard({0: -30.0}), new_means(), alive=[0])
    assert scores.tolist() == [0.0]


def test_when_enough_have_heard_it_a_miss_says_nothing_more() -> None:
    where = listening([[-60.0] * MANY])
    few, enough = (
        misses(where, heard(dict.fromkeys(range(hearers), -60.0)), new_means(), alive=[39])[0]
        for hearers in (ENOUGH_HEARD - 1, ENOUGH_HEARD)
    )
    assert few[0] < 0
    assert enough[0] == 0.0


def test_those_asked_are_the_likeliest_to_have_heard_it() -> None:
    random = np.random.default_rng(6)
    where = listening(random.uniform(-110, -60, (3, MANY)).tolist())
    mass = np.array([0.2, 0.5, 0.2, 0.1], dtype=np.float32)
    alive = random.random(MANY) < 0.7
    learned = nothing_learned(STREET)
    learned.owners[FIRST : FIRST + 13] = np.arange(0, 39, 3)
    first = int(np.flatnonzero(alive)[0])
    columns, owned = listeners(
        where, heard({first: -60.0}), alive, learned, mass, np.arange(3, dtype=np.int32)
    )
    asked = [k for k in np.argsort(-decoded(where.expected)[1]).tolist() if alive[k] and k != first]
    assert columns.tolist() == asked[: LISTENERS - 1]  # one has heard it
    assert owned.tolist() == [FIRST + k // 3 if k % 3 == 0 and k < 39 else FREE for k in columns]


def test_nobody_is_asked_who_is_not_there() -> None:
    where = listening([[-60.0, -62.0, -61.0]])
    columns, _ = listeners(
        where,
        heard({}),
        np.array([False, False, True]),
        nothing_learned(STREET),
        even(1),
        np.zeros(1, dtype=np.int32),
    )
    assert columns.tolist() == [2]
