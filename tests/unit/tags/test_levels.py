import numpy as np
import pytest

from gateway.tags.levels import (
    FIRST,
    FORGOTTEN_AFTER_S,
    OFFSET_SD_DB,
    SHADOW_MEMORY_S,
    SHARED_BY_PACKETS,
    Level,
    Levels,
)
from gateway.tags.surroundings import STREET

SD_DB, LEAN_DB = 4.5, STREET.lean_sd_db
EAST_AND_NORTH = np.array([[1.0, 0.0], [0.0, 1.0]])


def levels(*, cells: int = 1) -> Levels:
    return Levels(cells=cells, surroundings=STREET, sd_db=lambda _: SD_DB)


def weigh(
    known: Levels, second: int, dbm: dict[str, float], expected: list[list[float]]
) -> np.ndarray:
    heard = {receiver: Level(level, 2) for receiver, level in dbm.items()}
    return known.log_likelihood(
        second,
        heard,
        expected=np.array(expected, dtype=float),
        directions=EAST_AND_NORTH[: len(heard)],
    )


def packet_variance(packets: int) -> float:
    return STREET.packet_sd_db**2 * (SHARED_BY_PACKETS + (1 - SHARED_BY_PACKETS) / packets)


def test_one_update_is_the_conditional_of_the_joint_gaussian() -> None:
    known = levels()
    log = weigh(known, 0, {"a": -70.0, "b": -78.0}, [[-75.0, -76.0]])
    terms = np.array([[1, 1, 0, 1, 0], [1, 0, 1, 0, 1]], dtype=float)
    prior = np.diag(np.square([OFFSET_SD_DB, LEAN_DB, LEAN_DB, SD_DB, SD_DB]))
    joint = terms @ prior @ terms.T + np.eye(2) * packet_variance(2)
    surprise = np.array([5.0, -2.0])
    gain = prior @ terms.T @ np.linalg.inv(joint)
    assert log == pytest.approx([-0.5 * surprise @ np.linalg.inv(joint) @ surprise])
    assert known.means[0] == pytest.approx(gain @ surprise)
    kept = known.known(np.ones(1))
    assert kept.covariance == pytest.approx(prior - gain @ terms @ prior)
    assert kept.receivers == ("a", "b")


def test_a_weak_tag_is_learned_to_be_weak() -> None:
    known = levels()
    for second in range(60):
        known.drift(1.0)
        weigh(known, second, {"a": -88.0, "b": -83.0}, [[-80.0, -75.0]])
    assert known.above_usual_db(["a", "b"])[0] == pytest.approx([-8, -8], abs=1.2)
    assert known.above_usual_db(["never heard"])[0, 0] < -3.5


def test_every_cell_learns_its_own_explanation() -> None:
    known = levels(cells=2)
    for second in range(60):
        weigh(known, second, {"a": -70.0}, [[-70.0], [-80.0]])
    here, there = known.means[:, 0] + known.means[:, FIRST]
    assert here == pytest.approx(0.0, abs=0.5)
    assert there > 5


def test_a_deviation_that_is_known_is_no_news() -> None:
    known = levels(cells=2)
    gaps = []
    for second in range(60):
        log = weigh(known, second, {"a": -70.0}, [[-70.0], [-80.0]])
        gaps.append(float(log[0] - log[1]))
    assert gaps[0] > 0
    assert gaps[-1] < gaps[0] / 5


def test_one_wild_reading_says_no_more_than_a_bad_one() -> None:
    bad = weigh(levels(cells=2), 0, {"a": -40.0}, [[-80.0], [-81.0]])
    wild = weigh(levels(cells=2), 0, {"a": 120.0}, [[-80.0], [-81.0]])
    assert wild == pytest.approx(bad)


def test_more_packets_say_more_but_never_without_end() -> None:
    gaps = []
    for packets in (1, 4, 1000, 100_000):
        log = levels(cells=2).log_likelihood(
            0,
            {"a": Level(-70.0, packets)},
            expected=np.array([[-70.0], [-80.0]]),
            directions=EAST_AND_NORTH[:1],
        )
        gaps.append(log[0] - log[1])
    assert gaps[0] < gaps[1] < gaps[2]
    assert gaps[3] == pytest.approx(gaps[2], rel=0.01)


def test_time_forgets_the_shadow_but_not_the_tag() -> None:
    known = levels()
    for second in range(30):
        weigh(known, second, {"a": -70.0}, [[-80.0]])
    offset = known.means[0, 0]
    known.drift(10 * SHADOW_MEMORY_S)
    assert known.means[0, 0] == offset
    assert known.means[0, FIRST] == pytest.approx(0.0, abs=0.01)
    assert known.known(np.ones(1)).covariance[FIRST, FIRST] == pytest.approx(SD_DB**2, rel=0.01)


def test_no_wait_makes_the_tag_less_known_than_a_new_one() -> None:
    known = levels()
    weigh(known, 0, {"a": -70.0}, [[-80.0]])
    known.drift(1e9)
    assert known.known(np.ones(1)).covariance[0, 0] <= OFFSET_SD_DB**2 * (1 + 1e-9)


def test_a_receiver_that_fell_silent_leaves_no_column() -> None:
    known = levels()
    weigh(known, 0, {"a": -70.0, "b": -70.0}, [[-80.0, -80.0]])
    weigh(known, FORGOTTEN_AFTER_S + 1, {"b": -70.0}, [[-80.0]])
    assert known.known(np.ones(1)).receivers == ("b",)
    assert known.means.shape == (1, FIRST + 1)


def test_knowledge_holds_what_cells_disagree_on_as_doubt() -> None:
    known = levels(cells=2)
    for second in range(20):
        weigh(known, second, {"a": -70.0}, [[-70.0], [-90.0]])
    apart = known.known(np.array([0.5, 0.5]))
    sure = known.known(np.array([1.0, 0.0]))
    assert apart.covariance[0, 0] > sure.covariance[0, 0] + 1
    again = levels(cells=3)
    again.begin_with(sure, second=20)
    assert again.means == pytest.approx(np.tile(sure.mean, (3, 1)))
    weigh(again, 21, {"a": -70.0, "c": -70.0}, [[-70.0, -70.0]] * 3)
    assert again.known(np.ones(3) / 3).receivers == ("a", "c")
