"""Kilowatt-hours from the readings of simulated nodes, against what the nodes really took."""

from datetime import UTC, date, datetime

import pytest
from firmware_sim.lamps.node import Fault
from firmware_sim.lamps.weather import Surroundings

from gateway.lamps import LampReading
from gateway.lights.energy import advance
from tests.accuracy.lamp_street import PROFILES, TYPES, Command, Pole

NOON = datetime(2026, 4, 1, 3, tzinfo=UTC).timestamp()  # in Japan
HOUR_S, DAY_S = 3_600.0, 86_400.0
STEPS = ((6.0, 100.0), (10.0, 50.0), (16.0, 100.0), (17.5, 0.0))  # hours after noon, level
LAMPS = (("generic", "led-40"), ("arc254", "led-60"), ("miri", "led-40"), ("generic", "sodium-110"))


def night_of(at: float) -> date:
    """Noon to noon in Japan."""
    return datetime.fromtimestamp(at - 3 * HOUR_S, UTC).date()


class Bill:
    """A lamp polled each minute for three days, and what was made of it."""

    def __init__(self, profile: str, lamp_type: str) -> None:
        self.pole = Pole("l-1", lamp_type, profile, unit=1, registers=True)
        self.lamp_type = TYPES[lamp_type]
        self.state = None
        self.metered_kwh = self.estimated_kwh = self.true_kwh = 0.0
        self.on_hours: dict[date, float] = {}
        self.baseline_kwh = 0.0

    def live(self, *, silent: tuple[float, float] = (0.0, 0.0), reset_at: float = 0.0) -> None:
        """Three days; `silent` from and to, and a counter that is lost, all in hours."""
        node, level = self.pole.node, 0.0
        for minute in range(3 * 1440):
            hours = minute / 60.0
            before_kwh = node.counters.energy_kwh
            node.advance(NOON + minute * 60.0, surroundings=Surroundings())
            self.true_kwh += node.counters.energy_kwh - before_kwh
            level = next((to for since, to in reversed(STEPS) if hours % 24 >= since), 0.0)
            if minute == round(reset_at * 60) > 0:
                node.set_fault(Fault.COUNTER_RESET)
            if silent[0] <= hours < silent[1]:
                node.command(level)  # by its own program
            else:
                self.read(NOON + minute * 60.0)
                self.pole.tell(Command(level))

    def read(self, at: float) -> None:
        said = {}
        for block in self.pole.profile.blocks:
            words = self.pole.node.read(block.function, block.address, block.count)
            said |= self.pole.profile.decode(block, words).values
        reading = LampReading(at, "l-1", **said)
        self.state, shares = advance(self.state, reading, self.lamp_type, night_of=night_of)
        for share in shares:
            self.metered_kwh += share.metered_kwh
            self.estimated_kwh += share.estimated_kwh
            self.baseline_kwh += share.baseline_kwh
            self.on_hours[share.night] = self.on_hours.get(share.night, 0.0) + share.on_hours


@pytest.mark.parametrize(("profile", "lamp_type"), LAMPS)
def test_what_is_metered_is_what_was_taken(profile, lamp_type):
    assert PROFILES[profile].meter_class is not None
    bill = Bill(profile, lamp_type)
    bill.live()
    assert bill.metered_kwh == pytest.approx(bill.true_kwh, rel=0.005)
    assert bill.estimated_kwh == 0.0
    assert list(bill.on_hours.values())[:3] == pytest.approx([11.5] * 3, abs=0.1)
    full_kwh = 3 * 11.5 * TYPES[lamp_type].power_curve[-1][1] / 1000.0
    assert bill.baseline_kwh == pytest.approx(full_kwh, rel=0.01)
    assert bill.baseline_kwh > bill.metered_kwh


@pytest.mark.parametrize(("profile", "lamp_type"), LAMPS)
def test_hours_of_silence_cost_no_kilowatt_hour_of_the_meter(profile, lamp_type):
    bill = Bill(profile, lamp_type)
    bill.live(silent=(9.0, 30.0))
    assert bill.metered_kwh == pytest.approx(bill.true_kwh, rel=0.005)
    assert bill.estimated_kwh == 0.0


@pytest.mark.parametrize(("profile", "lamp_type"), LAMPS)
def test_a_lost_count_is_made_good_by_an_estimate_of_the_minute(profile, lamp_type):
    bill = Bill(profile, lamp_type)
    bill.live(reset_at=31.37)
    assert bill.metered_kwh + bill.estimated_kwh == pytest.approx(bill.true_kwh, rel=0.005)
    assert bill.estimated_kwh < 0.005


@pytest.mark.parametrize(("profile", "lamp_type"), LAMPS)
def test_a_count_lost_in_a_silence_leaves_what_is_known_metered_and_the_rest_estimated(
    profile, lamp_type
):
    bill = Bill(profile, lamp_type)
    bill.live(silent=(8.0, 13.0), reset_at=10.0)
    whole = bill.metered_kwh + bill.estimated_kwh
    assert bill.metered_kwh < 0.95 * bill.true_kwh
    assert bill.estimated_kwh > 0.0
    assert whole == pytest.approx(bill.true_kwh, rel=0.1)
