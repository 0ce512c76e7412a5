import pytest

from gateway.lamps import LampType
from gateway.lights.expected import expected_w, least_lit, least_power_factor, level_of
from tests.unit.lights.watched import LED, SODIUM


@pytest.mark.parametrize(("level", "watts"), [(0, 0.4), (25, 11.5), (60, 24.3), (100, 40)])
def test_power_lies_straight_between_the_points_and_back(level, watts):
    assert expected_w(LED, level) == pytest.approx(watts)
    assert level_of(LED, watts) == pytest.approx(level)


def test_beyond_the_curve_nothing_is_made_up():
    assert expected_w(LED, 120) == 40
    assert level_of(LED, 70) == 100


def test_the_least_power_factor_follows_the_type_s_curve_scaled_to_the_limit():
    assert least_power_factor(LED, 100, at_full=0.9) == pytest.approx(0.9)
    assert least_power_factor(LED, 50, at_full=0.9) == pytest.approx(0.65)
    assert least_power_factor(LED, 50, at_full=0.45) == pytest.approx(0.325)
    assert least_power_factor(LED, 5, at_full=0.9) is None


def test_without_a_curve_only_the_upper_half_is_judged():
    assert least_power_factor(SODIUM, 50, at_full=0.65) == 0.65
    assert least_power_factor(SODIUM, 49, at_full=0.65) is None


def test_the_lowest_level_is_the_curve_s_first_unless_it_says_nothing_of_the_lower_half():
    assert least_lit(SODIUM) == (50, 68.0)
    assert least_lit(LampType("two-points", power_curve=((0, 0.5), (100, 50.0)))) == (0, 0)
