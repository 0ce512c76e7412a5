import pytest
from firmware_sim.firmware_fleet import natives

from tests.unit.firmware_sim.conftest import SCHOOL_IS_OUT


def of(share, *, start=SCHOOL_IS_OUT, count=30, seed=1):
    return natives(count, share, seed=seed, start=start)


@pytest.mark.parametrize(
    ("share", "numbers"),
    [(0.0, []), (1 / 3, list(range(0, 30, 3))), (0.1, [0, 10, 20]), (1.0, list(range(30)))],
)
def test_a_share_of_the_tags_is_native_spread_from_the_first(share, numbers):
    assert list(of(share)) == numbers


def test_keys_follow_from_seed_and_date_and_nobody_shares_them():
    here, later, elsewhere = of(1.0), of(1.0, start=SCHOOL_IS_OUT + 900.0), of(1.0, seed=2)

    keys = [one.keys for one in here.values()]
    assert keys == [one.keys for one in later.values()]
    assert len({one.identity_key for one in keys} | {one.bind_key for one in keys}) == 60
    assert not {one.identity_key for one in keys} & {
        one.keys.identity_key for one in elsewhere.values()
    }
    assert all(SCHOOL_IS_OUT - 4 * 86_400 < one.zero_at < SCHOOL_IS_OUT for one in keys)


def test_a_share_of_more_than_all_is_refused():
    with pytest.raises(ValueError, match="native is a share"):
        of(1.5)
