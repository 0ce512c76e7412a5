import pytest

from gateway.lights.counter import Counted, counted


def test_a_counter_that_goes_on_counts_the_difference():
    assert counted(10.0, 10.5, full_power_kwh=0.5) == Counted(0.5)


def test_a_counter_of_whole_kilowatt_hours_may_move_by_one_at_once():
    assert counted(10.0, 11.0, full_power_kwh=0.0007) == Counted(1.0)


@pytest.mark.parametrize("end", [1_000.0, 100_000.0, 65_536e-3, 2**32 * 1e-3])
def test_a_full_counter_rolls_over(end):
    found = counted(end - 0.2, 0.1, full_power_kwh=0.3)
    assert found is not None
    assert found.kwh == pytest.approx(0.3)
    assert not found.began_anew


def test_a_counter_that_began_anew_in_the_middle_is_no_roll_over():
    assert counted(1_234.0, 0.02, full_power_kwh=0.04) == Counted(0.02, began_anew=True)


@pytest.mark.parametrize("now_kwh", [500.0, 2_000.0])
def test_a_count_that_this_lamp_cannot_have_made_is_another_meter_s(now_kwh):
    assert counted(1_234.0, now_kwh, full_power_kwh=0.04) is None
