import copy

import numpy as np
import pytest

from gateway.tags.levels import (
    LEAN_MEMORY_S,
    OFFSET_SD_DB,
    SHADOW_MEMORY_S,
    knowledge_of,
    nothing_learned,
    resumed,
    without_receivers,
)
from gateway.tags.motion import WIDTH, Singles
from gateway.tags.surroundings import ROOM, STREET
from gateway.tags.weighing import FIRST, FREE, Learned


def means(*, cells: int) -> Singles:
    return np.random.default_rng(cells).normal(size=(cells, WIDTH)).astype(np.float32)


def owned(*receivers: int) -> Learned:
    learned = nothing_learned(STREET)
    learned.owners[FIRST : FIRST + len(receivers)] = receivers
    return learned


def test_of_a_new_tag_only_the_usual_spread_is_known() -> None:
    learned = nothing_learned(STREET)
    lean = STREET.lean_sd_db**2
    assert np.diag(learned.covariance).tolist() == pytest.approx(
        [OFFSET_SD_DB**2, lean, lean, *[0.0] * (WIDTH - FIRST)]
    )
    assert learned.covariance.sum() == learned.prior.sum() == OFFSET_SD_DB**2 + 2 * lean
    assert set(learned.owners.tolist()) == {FREE}
    assert nothing_learned(ROOM).packet_variance == ROOM.packet_sd_db**2


def test_the_tag_stays_what_it_is_while_body_and_shadows_are_forgotten() -> None:
    kept = nothing_learned(STREET).kept
    assert kept[0] == 1.0
    assert kept[1:FIRST] ** LEAN_MEMORY_S == pytest.approx(np.exp(-1))
    assert kept[FIRST:] ** SHADOW_MEMORY_S == pytest.approx(np.exp(-1))


def test_knowledge_is_the_mean_over_the_belief_and_what_cells_disagree_on_is_doubt() -> None:
    rows = means(cells=5)
    mass = np.array([0.4, 0.3, 0.2, 0.1, 0.0], dtype=np.float32)
    kept = knowledge_of(owned(7), rows, mass)
    apart = np.cov(rows[:4].astype(float).T, aweights=mass[:4], ddof=0)
    assert kept.mean == pytest.approx(np.average(rows, axis=0, weights=mass))
    assert kept.learned.covariance == pytest.approx(owned(7).covariance + apart, abs=1e-5)
    assert kept.learned.owners[FIRST] == 7


def test_of_a_place_that_is_sure_nothing_is_lost() -> None:
    rows = means(cells=3)
    kept = knowledge_of(owned(7), rows, np.array([0.0, 1.0, 0.0], dtype=np.float32))
    assert kept.mean.tolist() == rows[1].tolist()
    assert kept.learned.covariance == pytest.approx(owned(7).covariance)


def test_a_new_track_resumes_from_knowledge_and_leaves_that_as_it_was() -> None:
    kept = knowledge_of(owned(7, 3), means(cells=1), np.ones(1, dtype=np.float32))
    before = copy.deepcopy(kept.learned)
    again = resumed(kept, second=500)
    assert again.owners[FIRST : FIRST + 2].tolist() == [7, 3]
    assert again.covariance == pytest.approx(kept.learned.covariance)
    again.covariance[:] = again.prior[:] = again.owners[:] = again.last_heard[:] = -9
    assert kept.learned.covariance.tolist() == before.covariance.tolist()
    assert kept.learned.prior.tolist() == before.prior.tolist()
    assert kept.learned.owners.tolist() == before.owners.tolist()
    assert kept.learned.last_heard.tolist() == before.last_heard.tolist()


def test_whom_it_knew_counts_as_heard_just_before_it_began() -> None:
    kept = knowledge_of(owned(7, 3), means(cells=1), np.ones(1, dtype=np.float32))
    assert set(resumed(kept, second=500).last_heard.tolist()) == {499}


def test_where_receivers_are_judged_anew_only_the_tag_and_its_body_stay_known() -> None:
    learned = owned(7, 3)
    learned.covariance[:] = np.cov(np.random.default_rng(8).normal(size=(WIDTH, 50)))
    learned.prior[FIRST : FIRST + 2] = 20.0
    kept = knowledge_of(learned, means(cells=1), np.ones(1, dtype=np.float32))
    before = copy.deepcopy(kept)
    left = without_receivers(kept)
    assert left.mean.tolist() == [*kept.mean[:FIRST], *[0.0] * (WIDTH - FIRST)]
    known, own = left.learned, slice(FIRST)
    assert known.covariance[own, own].tolist() == kept.learned.covariance[own, own].tolist()
    assert not known.covariance[FIRST:].any()
    assert not known.covariance[:, FIRST:].any()
    assert known.prior.tolist() == [*learned.prior[:FIRST], *[0.0] * (WIDTH - FIRST)]
    assert set(known.owners.tolist()) == {FREE}
    assert kept.mean.tolist() == before.mean.tolist()
    assert kept.learned.owners.tolist() == before.learned.owners.tolist()
    assert kept.learned.covariance.tolist() == before.learned.covariance.tolist()
