from math import log

import numpy as np
import pytest

from gateway.tags.arriving import MISS_TEMPER, PACKETS_SD_DB, detectable, louder
from gateway.tags.levels import OFFSET_SD_DB, knowledge_of, nothing_learned, resumed
from gateway.tags.motion import WIDTH, Belief, Singles, mass_of
from gateway.tags.surroundings import STREET
from gateway.tags.tile import Ground
from gateway.tags.weighing import (
    FAR_DB_PER_DB,
    FAR_DBM,
    FIRST,
    FORGOTTEN_AFTER_S,
    FREE,
    LEAST_MASS,
    OFFSET_DRIFT_DB,
    RESCUED,
    STRIPES,
    Doubles,
    Heard,
    Learned,
    decoded,
    directions,
    drift,
    fade,
    rescued,
    slots_of,
    weigh,
    weigh_readings,
)
from tests.unit.tags.cells import (
    EAST,
    NORTH,
    SD_DB,
    THRESHOLD_DBM,
    even,
    heard,
    listening,
    new_means,
)
from tests.unit.tags.mixture import (
    Before,
    arrival_of,
    as_heard,
    drifted,
    leans_of,
    limits_of,
    log_density,
    mixture,
    noise_of,
    terms_of,
)
from tests.unit.tags.places import road

LEAN_DB = STREET.lean_sd_db
MANY = 40
COLUMNS = WIDTH - FIRST


def hear(
    learned: Learned,
    means: Singles,
    second: int,
    dbm: dict[int, float],
    expected: list[list[float]],
    *,
    packets: int = 2,
    threshold_dbm: float = THRESHOLD_DBM,
) -> tuple[Singles, float]:
    """Scores (cells,) of what was heard, and what they share; `learned` and `means` learn."""
    where, what = listening(expected), heard(dbm, packets=packets)
    where.threshold_dbm[:] = threshold_dbm
    cells = len(expected)
    scores = np.zeros(cells + 1, dtype=np.float32)
    slots = slots_of(second, where, what, learned, means)
    believed = np.arange(cells, dtype=np.int32)
    shared = weigh_readings(where, what, slots, learned, even(cells), means, believed, scores)
    return scores[:-1], shared


def random_covariance(random: np.random.Generator, size: int, *, sd: float) -> Doubles:
    roots = random.normal(size=(size, size)) * sd / np.sqrt(size)
    return np.asarray(roots @ roots.T + np.eye(size))


def test_a_second_passes_as_an_autoregression_of_every_deviation() -> None:
    learned = nothing_learned(STREET)
    learned.prior[FIRST:] = SD_DB**2
    learned.covariance[:] = random_covariance(np.random.default_rng(1), WIDTH, sd=2.0)
    before, wanted = learned.covariance[0, 0], drifted(learned)
    drift(learned)
    assert learned.covariance[0, 0] == pytest.approx(before + OFFSET_DRIFT_DB**2)
    assert learned.covariance == pytest.approx(wanted)


def test_the_means_fade_as_much() -> None:
    kept = nothing_learned(STREET).kept
    means = np.random.default_rng(2).normal(size=(4, WIDTH)).astype(np.float32)
    wanted = means * kept
    fade(means, kept, np.array([0, 2], dtype=np.int32))
    wanted[1] = means[1]
    assert means == pytest.approx(wanted, rel=1e-5)
    assert means[:, 0].tolist() == wanted[:, 0].tolist()


def test_time_forgets_the_shadow_but_not_the_tag() -> None:
    learned, means = nothing_learned(STREET), new_means()
    for second in range(30):
        hear(learned, means, second, {0: -70.0}, [[-80.0]])
    offset = means[0, 0]
    for _ in range(1200):
        drift(learned)
        fade(means, learned.kept, np.zeros(1, dtype=np.int32))
    assert means[0, 0] == offset > 1
    assert means[0, FIRST] == pytest.approx(0.0, abs=0.01)
    assert learned.covariance[FIRST, FIRST] == pytest.approx(SD_DB**2, rel=0.01)


def test_no_wait_makes_the_tag_less_known_than_a_new_one() -> None:
    learned = nothing_learned(STREET)
    hear(learned, new_means(), 0, {0: -70.0}, [[-80.0]])
    assert learned.covariance[0, 0] < OFFSET_SD_DB**2
    for _ in range(50_000):
        drift(learned)
    assert learned.covariance[0, 0] == pytest.approx(OFFSET_SD_DB**2)


def test_the_first_reading_is_the_conditional_of_the_joint_gaussian() -> None:
    learned, means = nothing_learned(STREET), new_means()
    scores, shared = hear(learned, means, 0, {EAST: -70.0, NORTH: -78.0}, [[-75.0, -76.0]])
    terms = np.array([[1, 1, 0, 1, 0], [1, 0, 1, 0, 1]], dtype=float)
    levels, threshold = np.array([-75.0, -76.0]), np.full(2, THRESHOLD_DBM, dtype=np.float32)
    prior = np.diag(np.square([OFFSET_SD_DB, LEAN_DB, LEAN_DB, SD_DB, SD_DB]))
    joint = terms @ prior @ terms.T + noise_of(heard({EAST: -70.0, NORTH: -78.0}))
    surprise = np.array([-70.0, -78.0]) - as_heard(levels, threshold)
    wanted = log_density(surprise, joint) + arrival_of(levels, threshold)
    gain = prior @ terms.T @ np.linalg.inv(joint)
    assert scores[0] + shared == pytest.approx(wanted, rel=1e-5)
    assert means[0, :5] == pytest.approx(gain @ surprise, abs=1e-4)
    assert learned.covariance[:5, :5] == pytest.approx(prior - gain @ terms @ prior)
    assert learned.owners[FIRST:].tolist() == [EAST, NORTH, *[FREE] * (COLUMNS - 2)]


@pytest.mark.parametrize("seed", range(10))
def test_readings_are_weighed_and_learned_as_the_textbook_conditions_a_gaussian(seed: int) -> None:
    random = np.random.default_rng(seed)
    cells, receivers, hearers = 20, 14, int(random.integers(1, 13))
    where = listening(random.uniform(-90, -50, (cells, receivers)).tolist())
    where = where._replace(
        cells=random.uniform(0, 50, (cells, 2)).astype(np.float32),
        antennas=random.uniform(0, 50, (receivers, 3)).astype(np.float32),
    )
    who = random.permutation(receivers)[:hearers].astype(np.int32)
    slots = (FIRST + random.permutation(WIDTH - FIRST)[:hearers]).astype(np.int32)
    what = Heard(
        who,
        (decoded(where.expected).mean(axis=0)[who] + random.normal(size=hearers) * 4).astype(
            np.float32
        ),
        random.integers(1, 5, hearers).astype(np.float32),
    )
    learned = nothing_learned(STREET)
    prior = random_covariance(random, WIDTH, sd=3.0)
    learned.covariance[:] = prior
    means = random.normal(size=(cells + 1, WIDTH)).astype(np.float32)
    before = means.astype(float)
    mass = np.append(random.dirichlet(np.ones(cells)) * 0.9, 0.1).astype(np.float32)
    believed = np.flatnonzero(random.random(cells) < 0.7).astype(np.int32)
    scores = np.zeros(cells + 1, dtype=np.float32)

    shared = weigh_readings(where, what, slots, learned, mass, means, believed, scores)

    on_map = mass[believed] / mass[believed].sum()
    terms = terms_of(leans_of(where, what, on_map @ where.cells[believed]), slots)
    limits = limits_of(terms @ prior @ terms.T)
    joint = terms @ prior @ terms.T + noise_of(what)
    gain = prior @ terms.T @ np.linalg.inv(joint)
    usual = np.vstack(
        [decoded(where.expected)[:, who], on_map @ decoded(where.expected)[believed][:, who]]
    )
    for cell in (*believed.tolist(), cells):
        level, arrived = usual[cell] + terms @ before[cell], 0.0
        if cell < cells:
            arrived = float(arrival_of(level, where.threshold_dbm[who]))
            level = as_heard(level, where.threshold_dbm[who])
        surprise = np.clip(what.dbm - level, -limits, limits)
        if cell < cells:
            wanted = log_density(surprise, joint) + arrived
            assert scores[cell] + shared == pytest.approx(wanted, rel=1e-4)
        assert means[cell] == pytest.approx(before[cell] + gain @ surprise, abs=1e-3)
    assert learned.covariance == pytest.approx(prior - gain @ terms @ prior, abs=1e-5)
    left_out = np.setdiff1d(np.arange(cells), believed)
    assert not scores[left_out].any()
    assert means[left_out] == pytest.approx(before[left_out])


def test_a_weak_tag_is_learned_to_be_weak() -> None:
    learned, means = nothing_learned(STREET), new_means()
    for second in range(60):
        drift(learned)
        fade(means, learned.kept, np.zeros(1, dtype=np.int32))
        hear(learned, means, second, {2: -88.0, 3: -83.0}, [[-50.0, -50.0, -80.0, -75.0]])
    assert means[0, 0] + means[0, FIRST : FIRST + 2] == pytest.approx([-8, -8], abs=1.2)
    assert means[0, 0] < -3.5


def test_what_the_body_shades_on_one_side_is_learned_as_a_lean() -> None:
    learned, means = nothing_learned(STREET), new_means()
    for second in range(20):
        hear(learned, means, second, {EAST: -70.0, NORTH: -82.0}, [[-75.0, -75.0]])
    assert means[0, 1] > 0.5
    assert means[0, 2] < -0.5


def test_every_cell_learns_its_own_explanation() -> None:
    learned, means = nothing_learned(STREET), new_means(cells=2)
    for second in range(60):
        hear(learned, means, second, {2: -70.0}, [[0.0, 0.0, -70.0], [0.0, 0.0, -80.0]])
    here, there, _ = means[:, 0] + means[:, FIRST]
    assert here == pytest.approx(0.0, abs=0.5)
    assert there > 5


def test_a_deviation_that_is_known_is_no_news() -> None:
    learned, means = nothing_learned(STREET), new_means(cells=2)
    gaps = []
    for second in range(60):
        scores, _ = hear(learned, means, second, {0: -70.0}, [[-70.0], [-80.0]])
        gaps.append(float(scores[0] - scores[1]))
    assert gaps[0] > 0
    assert gaps[-1] < gaps[0] / 5


def test_one_wild_reading_says_no_more_than_a_bad_one() -> None:
    bad, wild = (
        hear(nothing_learned(STREET), new_means(cells=2), 0, {0: dbm}, [[-80.0], [-81.0]])
        for dbm in (-40.0, 120.0)
    )
    assert wild[0] == pytest.approx(bad[0])


def test_what_comes_from_far_says_less() -> None:
    levels = [-50.0, FAR_DBM, -80.0, -95.0]
    variances = []
    for dbm in levels:
        expected = [[dbm], [dbm - 6.0]]
        known = nothing_learned(STREET), new_means(cells=2)
        scores, _ = hear(*known, 0, {0: dbm}, expected, threshold_dbm=-300.0)
        variances.append(18.0 / (scores[0] - scores[1]))
    more = np.array(variances) - variances[0]
    far_db = FAR_DB_PER_DB * (FAR_DBM - np.array(levels[1:]))
    assert more == pytest.approx([0.0, *far_db**2], rel=1e-3, abs=0.01)


def test_who_is_heard_is_rather_where_that_was_to_be_expected() -> None:
    """The level is as far from what it would be at the weak cell as from that at the strong one."""
    levels, threshold = np.array([[-112.0], [-90.0]]), np.full(1, THRESHOLD_DBM, np.float32)
    between = float(as_heard(levels, threshold).mean())
    scores, _ = hear(nothing_learned(STREET), new_means(cells=2), 0, {0: between}, levels.tolist())
    weak, strong = (detectable(level - THRESHOLD_DBM) for level in levels[:, 0].tolist())
    assert scores[1] - scores[0] == pytest.approx(MISS_TEMPER * log(strong / weak), abs=1e-3)


def test_more_packets_say_more_but_never_without_end() -> None:
    gaps = []
    for packets in (1, 4, 1000, 100_000):
        learned, means = nothing_learned(STREET), new_means(cells=2)
        scores, _ = hear(learned, means, 0, {0: -70.0}, [[-70.0], [-80.0]], packets=packets)
        gaps.append(scores[0] - scores[1])
    assert gaps[0] < gaps[1] < gaps[2]
    assert gaps[3] == pytest.approx(gaps[2], rel=0.01)


def slots(learned: Learned, means: Singles, second: int, *receivers: int) -> list[int]:
    where = listening([[-80.0] * MANY])
    found = slots_of(second, where, heard(dict.fromkeys(receivers, -70.0)), learned, means)
    return list(map(int, found))


def test_a_receiver_keeps_its_column() -> None:
    learned, means = nothing_learned(STREET), new_means()
    first = slots(learned, means, 0, 30, 31)
    learned.covariance[first[0], first[0]] = means[0, first[0]] = 2.0
    assert slots(learned, means, FORGOTTEN_AFTER_S, 32, 30)[1] == first[0]
    assert learned.covariance[first[0], first[0]] == means[0, first[0]] == 2.0


def test_a_receiver_that_fell_silent_leaves_its_column() -> None:
    learned, means = nothing_learned(STREET), new_means()
    hear(learned, means, 0, {0: -70.0, 1: -70.0}, [[-80.0, -80.0]])
    hear(learned, means, FORGOTTEN_AFTER_S, {1: -70.0}, [[-80.0, -80.0]])
    assert learned.owners[FIRST : FIRST + 2].tolist() == [0, 1]
    hear(learned, means, FORGOTTEN_AFTER_S + 1, {1: -70.0}, [[-80.0, -80.0]])
    assert learned.owners[FIRST : FIRST + 2].tolist() == [FREE, 1]
    assert means[0, FIRST] == learned.prior[FIRST] == 0.0
    assert not learned.covariance[FIRST].any()
    assert not learned.covariance[:, FIRST].any()


def test_where_more_are_heard_than_there_are_columns_the_oldest_goes() -> None:
    learned, means = nothing_learned(STREET), new_means()
    for second, receiver in enumerate(range(COLUMNS)):
        slots(learned, means, second, receiver)
    means[:] = 3.0
    slots(learned, means, COLUMNS, 0)
    (slot,) = slots(learned, means, COLUMNS + 1, 35)
    assert sorted(learned.owners[FIRST:].tolist()) == [0, *range(2, COLUMNS), 35]
    assert means[:, slot].tolist() == [0.0, 0.0]
    assert learned.covariance[slot, slot] == learned.prior[slot] == SD_DB**2


@pytest.mark.parametrize("seed", range(5))
def test_all_who_hear_it_in_a_second_have_columns_of_their_own(seed: int) -> None:
    random = np.random.default_rng(seed)
    learned, means = nothing_learned(STREET), new_means()
    for second in range(200):
        receivers = random.permutation(MANY)[: random.integers(1, 13)].tolist()
        found = slots(learned, means, second, *receivers)
        assert learned.owners[found].tolist() == receivers
        owners = learned.owners[learned.owners != FREE].tolist()
        assert len(set(owners)) == len(owners)


def test_a_tag_met_again_takes_no_column_from_one_who_hears_it_now() -> None:
    learned, means = nothing_learned(STREET), new_means()
    for receiver in range(COLUMNS):
        slots(learned, means, 0, receiver)
    mass = np.array([1.0, 0.0], dtype=np.float32)
    again = resumed(knowledge_of(learned, means, mass), second=500)
    receivers = [*range(9), 35, 36, 37]
    assert again.owners[slots(again, means, 500, *receivers)].tolist() == receivers


def test_anybody_may_be_believed_again_a_stripe_at_a_time() -> None:
    cells = 50
    mass = np.zeros(cells + 1, dtype=np.float32)
    mass[7], mass[-1] = 0.9, 0.1
    met: set[int] = set()
    for second in range(STRIPES):
        states, now = mass.copy(), mass.copy()
        means = np.full((cells + 1, WIDTH), 9.0, dtype=np.float32)
        means[7], means[-1] = 4.0, 5.0
        believed = rescued(second, states, now, means)
        assert states.tolist() == now.tolist()  # all of them stand
        assert now.sum() == pytest.approx(1.0)
        assert now[:-1].sum() == pytest.approx(0.9 * (1 - RESCUED) + RESCUED, rel=1e-5)
        assert believed.tolist() == np.flatnonzero(now[:-1] >= LEAST_MASS).tolist()
        assert means[believed, :FIRST] == pytest.approx(4.0)  # the usual
        assert not means[believed[believed != 7], FIRST:].any()
        assert (means[7].tolist(), means[-1].tolist()) == ([4.0] * WIDTH, [5.0] * WIDTH)
        met.update(believed.tolist())
    assert met == set(range(cells))


def test_a_cell_with_hardly_any_belief_takes_no_part() -> None:
    mass = np.array([0.5, LEAST_MASS / 2, 0.4, 0.1], dtype=np.float32)
    believed = rescued(0, mass.copy(), mass, new_means(cells=3))
    assert believed.tolist() == [0, 2]


def test_of_weak_packets_only_the_strong_arrive() -> None:
    draws = np.random.default_rng(8).normal(size=400_000) * PACKETS_SD_DB
    for above in (-5.0, 0.0, 6.0):
        arrived = draws[draws > -above]
        assert louder(above) == pytest.approx(arrived.mean(), abs=0.05)
    assert louder(50.0) == pytest.approx(0.0, abs=1e-3)
    assert louder(-60.0) == louder(-50.0)  # so weak a tag would be known to be stronger


def test_a_direction_shortens_where_the_antenna_looks_down() -> None:
    antennas = np.array([[10.0, 0.0, 1.0], [0.0, 3.0, 5.0], [0.1, 0.0, 1.0]], dtype=np.float32)
    found = directions(np.zeros(2, np.float32), antennas, np.arange(3, dtype=np.int32))
    assert found == pytest.approx(np.array([[1.0, 0.0], [0.0, 0.6], [0.1, 0.0]]))


@pytest.mark.parametrize("hearers", [0, 1, 3, 5, 7])
@pytest.mark.parametrize("seed", range(4))
def test_a_second_is_weighed_as_the_mixture_of_every_cells_gaussian(
    seed: int, hearers: int
) -> None:
    random = np.random.default_rng(seed)
    tile = Ground(road(length_m=100, poles=8)).tile_by(0)
    learned = nothing_learned(STREET)
    learned.owners[FIRST : FIRST + 8] = random.permutation(8)
    learned.last_heard[:] = 500
    learned.prior[FIRST : FIRST + 8] = SD_DB**2
    learned.covariance[:] = random_covariance(random, WIDTH, sd=2.5)
    who = random.permutation(8)[:hearers].astype(np.int32)
    levels = decoded(tile.listening.expected).mean(axis=0)[who] + random.normal(size=hearers)
    packets = random.integers(1, 4, hearers)
    before = Before(
        second=501,
        tile=tile,
        heard=Heard(who, levels.astype(np.float32), packets.astype(np.float32)),
        alive=random.random(8) < 0.7,
        sent=0.6,
        learned=learned,
        states=random.dirichlet(np.ones(len(tile.keys))).astype(np.float32),
        means=random.normal(size=(len(tile.cells) + 1, WIDTH)).astype(np.float32),
        silence_log=0.02,
    )
    wanted = mixture(before)
    carried = Belief(before.states, mass_of(tile.moves, before.states), before.means)
    known = (before.heard, before.alive, before.sent, before.learned)
    found = weigh(before.second, tile.moves, tile.listening, *known, carried, before.silence_log)
    best = found.likelihood[:-1].max()
    assert found.log_evidence == pytest.approx(wanted.log_evidence, abs=0.01)
    assert carried.states == pytest.approx(wanted.states, rel=0.02, abs=1e-6)
    assert carried.mass == pytest.approx(mass_of(tile.moves, carried.states))
    assert np.log(found.likelihood[-1] / best) == pytest.approx(wanted.out_log, abs=0.01)
