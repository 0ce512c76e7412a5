import numpy as np
import pytest

from gateway.tags.hearing import Hearing, heard_by_row

ROWS = (1, 0, 1, 1, -1, 1)
RECEIVERS = (4, 2, 9, 7, 3, -1)
DBM = (-70.0, -60.0, -50.0, -70.0, -40.0, -40.0)
PACKETS = (1, 2, 3, 4, 5, 6)


def test_each_tag_has_its_own_readings_the_strongest_first() -> None:
    firsts, heard = heard_by_row(ROWS, RECEIVERS, DBM, PACKETS, count=3)
    assert firsts.tolist() == [0, 1, 4, 4]
    assert heard.receivers.tolist() == [2, 9, 4, 7]
    assert heard.dbm.tolist() == [-60, -50, -70, -70]
    assert heard.packets.tolist() == [2, 3, 1, 4]


def test_what_a_receiver_heard_of_several_identifiers_is_joined_by_packets() -> None:
    firsts, heard = heard_by_row(
        (0, 0, 0, 0), (5, 6, 5, 5), (-70.0, -75.0, -80.0, -90.0), (3, 1, 1, 4), count=1
    )
    assert firsts.tolist() == [0, 2]
    assert heard.receivers.tolist() == [6, 5]
    assert heard.dbm == pytest.approx([-75, (-70 * 3 - 80 - 90 * 4) / 8])
    assert heard.packets.tolist() == [1, 8]


@pytest.mark.parametrize("seed", range(5))
def test_it_sorts_as_a_sort_does(seed: int) -> None:
    random = np.random.default_rng(seed)
    pairs = random.permutation(50 * 20)[:400]
    rows, receivers = np.divmod(pairs, 20)
    dbm = random.integers(-90, -80, 400).astype(float)
    firsts, heard = heard_by_row(
        rows.tolist(), receivers.tolist(), dbm.tolist(), [1] * 400, count=50
    )
    wanted = sorted(zip(rows.tolist(), (-dbm).tolist(), receivers.tolist(), strict=True))
    assert heard.receivers.tolist() == [receiver for _, _, receiver in wanted]
    assert np.repeat(range(50), np.diff(firsts)).tolist() == [row for row, _, _ in wanted]


def test_nothing_heard_is_nothing_for_every_tag() -> None:
    firsts, heard = heard_by_row((), (), (), (), count=2)
    assert firsts.tolist() == [0, 0, 0]
    hearing = Hearing(firsts, heard, np.ones(1, dtype=bool))
    assert not len(hearing.of(1).receivers)
    news = hearing.news(7, np.array([1]))
    assert (news.second, news.begins.tolist(), news.ends.tolist()) == (7, [0], [0])
