import tomllib

import pytest
from firmware_sim.lamps.luminaire import LUMINAIRES

from tests.needs import ROOT

TYPES = tomllib.loads((ROOT / "config" / "lamps" / "types.toml").read_text(encoding="utf-8"))


def test_the_simulated_luminaires_are_those_that_the_gateway_knows():
    assert set(LUMINAIRES) == set(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_a_warm_luminaire_takes_what_its_data_sheet_says(name):
    lamp, sheet = LUMINAIRES[name], TYPES[name]
    volts = sheet["nominal_voltage_v"]

    for level, watts in sheet["power_curve"]:
        found = lamp.power_w(level, lit_s=sheet["warm_up_s"], supply_v=volts)
        assert found == pytest.approx(watts)


@pytest.mark.parametrize("name", TYPES)
def test_a_healthy_power_factor_is_above_the_least_that_its_type_allows(name):
    least = TYPES[name].get("power_factor_curve", [[50, 0.65]])

    assert all(LUMINAIRES[name].power_factor(level) > factor for level, factor in least)


def test_it_takes_less_while_cold_and_a_driver_keeps_its_power_when_the_mains_sag():
    led, sodium = LUMINAIRES["led-40"], LUMINAIRES["sodium-110"]

    assert sodium.power_w(100.0, lit_s=0.0, supply_v=200.0) < 0.5 * 127
    assert sodium.power_w(100.0, lit_s=600.0, supply_v=180.0) < 0.9 * 127
    assert led.power_w(100.0, lit_s=600.0, supply_v=180.0) == 40.0
