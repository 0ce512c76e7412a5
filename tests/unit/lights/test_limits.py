import pytest

from gateway.lights.limits import NAMES, Limits, LimitsError, limits_of
from tests.unit.lights.watched import LED, SODIUM


def test_the_table_s_numbers_are_the_defaults():
    limits = limits_of(SODIUM, {})
    assert limits.failure_ratio == 0.20
    assert limits.power_tolerance == 0.15
    assert (limits.dimming_points, limits.dimming_for_s) == (15.0, 300.0)
    assert limits.voltage_tolerance == 0.15
    assert limits.power_factor == 0.65
    assert limits.off_power_w == 6.0
    assert (limits.cycles, limits.cycles_within_s) == (3.0, 3_600.0)
    assert limits.temperature_c == 65.0
    assert limits.missed_polls == 3.0
    assert (limits.tilt_deg, limits.tilt_for_s) == (5.0, 60.0)


def test_a_type_has_its_own_warm_up_and_power_factor():
    assert limits_of(SODIUM, {}).failure_for_s > SODIUM.warm_up_s
    assert limits_of(LED, {}).power_factor == 0.9
    assert limits_of(LED, {}).warm_up_s == 5.0


def test_a_lamp_s_own_limit_stands_over_its_type_s():
    assert limits_of(LED, {"temperature_c": 80, "warm_up_s": 9}).temperature_c == 80
    assert limits_of(LED, {"warm_up_s": 9}).warm_up_s == 9


def test_an_unknown_limit_says_which_there_are():
    with pytest.raises(LimitsError, match=r"'hot' is not known; there are: .*temperature_c"):
        limits_of(LED, {"hot": 1.0})


@pytest.mark.parametrize("value", [float("nan"), -1.0, 1e9])
@pytest.mark.parametrize("name", NAMES)
def test_a_limit_that_no_lamp_can_have_is_refused(name, value):
    with pytest.raises(LimitsError, match=f"limit {name} is .* it must be from"):
        limits_of(LED, {name: value})


@pytest.mark.parametrize("name", NAMES)
def test_every_default_may_be_set(name):
    limits_of(LED, {name: getattr(Limits(), name)})
