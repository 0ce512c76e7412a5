"""Kilowatt-hours from readings: metered, estimated, nights, resets and roll-overs."""

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.lamps import LampReading
from gateway.lights.energy import By, NightEnergy, Period, advance, summarise
from tests.unit.lights.watched import LED

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC).timestamp()
FIRST, SECOND = date(2026, 4, 1), date(2026, 4, 2)


def night_of(at: float) -> date:
    """Noon to noon, UTC."""
    return (datetime.fromtimestamp(at, UTC) - timedelta(hours=12)).date()


class Metered:
    """A lamp's energy: what the readings given so far add up to."""

    def __init__(self, start: float = NOON) -> None:
        self.at = start
        self.state = None
        self.nights: dict[date, dict[str, float]] = {}

    def read(self, after_s: float = 0.0, level: float | None = 100.0, **fields: float) -> None:
        self.at += after_s
        reading = LampReading(self.at, "l-1", actual_level=level, **fields)
        self.state, shares = advance(self.state, reading, LED, night_of=night_of)
        for share in shares:
            night = self.nights.setdefault(share.night, {})
            for name in ("metered_kwh", "estimated_kwh", "baseline_kwh", "on_hours"):
                night[name] = night.get(name, 0.0) + getattr(share, name)

    def total(self, name: str) -> float:
        return sum(night[name] for night in self.nights.values())


def test_a_metered_lamp_has_its_meter_s_energy_and_no_estimate():
    lamp = Metered()
    for minute in range(61):
        lamp.read(60, 50, active_energy_kwh=7.0 + minute * 0.020 / 60, active_power_w=20.5)
    assert lamp.total("metered_kwh") == pytest.approx(0.020)
    assert lamp.total("estimated_kwh") == 0
    assert lamp.total("on_hours") == pytest.approx(1.0)
    assert lamp.total("baseline_kwh") == pytest.approx(0.040)


def test_a_lamp_without_a_meter_is_estimated_by_its_curve():
    lamp = Metered()
    for _ in range(61):
        lamp.read(60, 50)
    assert lamp.total("metered_kwh") == 0
    assert lamp.total("estimated_kwh") == pytest.approx(0.0205)


def test_readings_without_the_counter_wait_for_it():
    lamp = Metered()
    lamp.read(active_energy_kwh=1.0)
    for _ in range(59):
        lamp.read(1, active_power_w=40.0)
    assert lamp.total("metered_kwh") + lamp.total("estimated_kwh") == 0
    lamp.read(1, active_energy_kwh=1.0 + 0.04 / 60)
    assert lamp.total("metered_kwh") == pytest.approx(0.04 / 60)


def test_a_gap_is_metered_when_the_meter_went_on_and_shared_out_over_its_nights():
    lamp = Metered(NOON + 18 * 3600)
    lamp.read(active_energy_kwh=1.0)
    lamp.read(12 * 3600, active_energy_kwh=1.48)
    assert lamp.nights[FIRST]["metered_kwh"] == pytest.approx(0.24, abs=1e-4)
    assert lamp.nights[SECOND]["metered_kwh"] == pytest.approx(0.24, abs=1e-4)
    assert lamp.total("metered_kwh") == pytest.approx(0.48)


def test_a_gap_of_days_touches_each_of_its_nights():
    lamp = Metered()
    lamp.read(active_energy_kwh=1.0)
    lamp.read(3 * 86_400, active_energy_kwh=2.5)
    assert sorted(lamp.nights) == [FIRST, SECOND, date(2026, 4, 3), date(2026, 4, 4)]
    assert lamp.total("metered_kwh") == pytest.approx(1.5)


def test_the_hours_of_a_gap_are_the_node_s_own():
    lamp = Metered()
    lamp.read(0, 0, active_energy_kwh=1.0, operating_hours_h=100.0)
    lamp.read(6 * 3600, 100, active_energy_kwh=1.08, operating_hours_h=102.0)
    assert lamp.total("on_hours") == pytest.approx(2.0)
    assert lamp.total("baseline_kwh") == pytest.approx(0.08)


def test_a_reset_counter_loses_nothing_but_the_difference_is_an_estimate():
    lamp = Metered()
    lamp.read(active_energy_kwh=1234.0, active_power_w=40.0)
    for _ in range(30):
        lamp.read(60, active_power_w=40.0)
    lamp.read(0.5, active_energy_kwh=0.005, active_power_w=40.0)
    assert lamp.total("metered_kwh") == pytest.approx(0.005)
    assert lamp.total("estimated_kwh") == pytest.approx(0.015, abs=1e-4)


@pytest.mark.parametrize("full_kwh", [9_999.999, 999.9, 2**32 * 1e-3, 2**16 * 0.1])
def test_a_counter_that_rolls_over_goes_on(full_kwh):
    lamp = Metered()
    lamp.read(active_energy_kwh=full_kwh - 0.010)
    lamp.read(3600, active_energy_kwh=0.030)
    assert lamp.total("metered_kwh") == pytest.approx(0.04, abs=0.102)
    assert lamp.total("estimated_kwh") == 0


@pytest.mark.parametrize("other", [50.0, 9_000.0])
def test_another_meter_s_count_is_not_this_lamp_s_energy(other):
    lamp = Metered()
    lamp.read(active_energy_kwh=1234.0, active_power_w=40.0)
    lamp.read(600, active_energy_kwh=other, active_power_w=40.0)
    assert lamp.total("metered_kwh") == 0
    assert lamp.total("estimated_kwh") == pytest.approx(0.04 / 6)
    lamp.read(600, active_energy_kwh=other + 0.006, active_power_w=40.0)
    assert lamp.total("metered_kwh") == pytest.approx(0.006)


def test_a_meter_that_dies_leaves_an_estimate_and_what_it_counts_later_is_not_counted_twice():
    lamp = Metered()
    lamp.read(active_energy_kwh=1.0)
    for _ in range(49 * 60):
        lamp.read(60, active_power_w=40.0)
    assert lamp.total("estimated_kwh") == pytest.approx(49 * 0.04, rel=0.001)
    lamp.read(60, active_power_w=40.0, active_energy_kwh=3.0)
    assert lamp.total("metered_kwh") == 0
    assert lamp.total("estimated_kwh") == pytest.approx(49 * 0.04 + 0.04 / 60, rel=0.001)


def test_a_lamp_that_is_out_is_not_on_and_saves_nothing():
    lamp = Metered()
    for _ in range(60):
        lamp.read(60, 100, active_power_w=0.4)
    assert lamp.total("on_hours") == 0
    assert lamp.total("baseline_kwh") == 0


def test_a_reading_that_comes_twice_counts_once():
    lamp = Metered()
    lamp.read(active_energy_kwh=1.0)
    lamp.read(60, active_energy_kwh=1.001)
    lamp.read(0, active_energy_kwh=1.001)
    lamp.read(-30, active_energy_kwh=1.0005)
    assert lamp.total("metered_kwh") == pytest.approx(0.001)


def test_a_state_s_pace_of_readings_does_not_change_the_sum():
    sums = []
    for every_s in (1, 10, 60, 600):
        lamp = Metered()
        for step in range(7200 // every_s + 1):
            kwh = 0.04 * step * every_s / 3600
            lamp.read(every_s, active_energy_kwh=kwh, active_power_w=40.0)
        sums.append((lamp.total("metered_kwh"), lamp.total("on_hours")))
    assert sums == [pytest.approx((0.08, 2.0))] * 4


NIGHTS = [
    NightEnergy("l-1", date(2026, 4, 1), 0.2, 0.0, 0.4, 10.0),
    NightEnergy("l-1", date(2026, 4, 30), 0.1, 0.05, 0.3, 8.0),
    NightEnergy("l-2", date(2026, 4, 1), 0.0, 0.3, 0.6, 10.0),
    NightEnergy("l-2", date(2026, 5, 1), 0.0, 0.3, 0.6, 10.0),
]
GROUPS = {"l-1": ("park",), "l-2": ("park", "street")}


def rows(by: By, period: Period):
    found = summarise(NIGHTS, by=by, period=period, groups=GROUPS, co2_kg_per_kwh=0.4)
    return {(row.period, row.key): row for row in found}


def test_figures_are_summed_by_lamp_and_month_with_savings_and_co2():
    found = rows(By.LAMP, Period.MONTH)
    assert list(found) == [("2026-04", "l-1"), ("2026-04", "l-2"), ("2026-05", "l-2")]
    april = found["2026-04", "l-1"]
    assert april.metered_kwh == pytest.approx(0.3)
    assert april.estimated_kwh == pytest.approx(0.05)
    assert april.saved_kwh == pytest.approx(0.7 - 0.35)
    assert april.co2_kg == pytest.approx(0.35 * 0.4)
    assert april.saved_co2_kg == pytest.approx(0.35 * 0.4)
    assert april.on_hours == pytest.approx(18.0)


def test_a_lamp_of_two_groups_counts_in_both_and_once_in_the_site():
    assert rows(By.GROUP, Period.NIGHT)["2026-04-01", "park"].baseline_kwh == pytest.approx(1.0)
    assert rows(By.GROUP, Period.NIGHT)["2026-04-01", "street"].baseline_kwh == pytest.approx(0.6)
    assert rows(By.SITE, Period.NIGHT)["2026-04-01", ""].baseline_kwh == pytest.approx(1.0)
