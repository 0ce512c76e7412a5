"""Every fault of the table, injected in a simulated node: the right name, and how soon.

`pytest -s tests/accuracy/test_faults_injected.py` prints the table of times.
"""

import sys
from dataclasses import dataclass

import pytest
from firmware_sim.lamps.node import Fault
from firmware_sim.lamps.weather import Surroundings

from gateway.lamps import LampEvent
from gateway.lamps import LampEventKind as Kind
from gateway.lights.fault_segment import Segment
from tests.accuracy.lamp_street import Command, Pole

NIGHT = 1_775_050_000.0
QUIET = Surroundings()
SODIUM_WARM_S = 300.0
SLOW_TO_MEND = (Fault.CYCLING, Fault.HOT)


@dataclass(frozen=True)
class Case:
    """`fault` while commanded to `levels` in turn, `each_s` long: `kind` within `within_s`.

    `also` may be told besides: what is true as well, or cannot be told apart so far.
    """

    fault: Fault
    kind: Kind
    within_s: float
    levels: tuple[float, ...] = (100.0,)
    each_s: float = 700.0
    also: tuple[Kind, ...] = ()
    profiles: tuple[str, ...] = ("generic", "arc254", "miri")
    lamp_types: tuple[str, ...] = ("led-40", "led-60", "sodium-110")


LED = ("led-40", "led-60")
TILTING = ("generic", "miri")
CASES = (
    Case(Fault.LAMP_OUT, Kind.LAMP_FAILURE, 40),
    Case(Fault.STUCK_RELAY_OFF, Kind.LAMP_FAILURE, 40),
    Case(Fault.WEAK_LAMP, Kind.LAMP_POWER_TOO_LOW, 70, each_s=250, lamp_types=LED),
    Case(
        Fault.WEAK_LAMP,
        Kind.LAMP_POWER_TOO_LOW,
        70,
        (100.0, 60.0, 100.0),
        also=(Kind.DIMMING_FAILURE,),
    ),
    Case(Fault.POWER_HIGH, Kind.LAMP_POWER_TOO_HIGH, 70),
    Case(
        Fault.WRONG_DIMMING,
        Kind.DIMMING_FAILURE,
        305,
        also=(Kind.LAMP_POWER_TOO_LOW,),
    ),
    Case(Fault.DEAF, Kind.DIMMING_FAILURE, 700 + 320, (100.0, 60.0)),
    Case(Fault.BROWN_OUT, Kind.SUPPLY_VOLTAGE_TOO_LOW, 62),
    Case(Fault.OVER_VOLTAGE, Kind.SUPPLY_VOLTAGE_TOO_HIGH, 62),
    Case(Fault.POWER_FACTOR, Kind.POWER_FACTOR_TOO_LOW, 62),
    Case(Fault.STUCK_RELAY_ON, Kind.RELAY_FAILURE, 32, (0.0,), also=(Kind.LAMP_UNEXPECTED_ON,)),
    Case(Fault.STUCK_RELAY_ON, Kind.LAMP_UNEXPECTED_ON, 32, (0.0,), also=(Kind.RELAY_FAILURE,)),
    Case(Fault.CYCLING, Kind.CYCLING_FAILURE, 1_210, each_s=3_000, also=(Kind.LAMP_FAILURE,)),
    Case(Fault.HOT, Kind.TEMPERATURE_TOO_HIGH, 1_500, each_s=2_000),
    Case(Fault.SILENCE, Kind.COMMUNICATION_FAILURE, 12),
    Case(Fault.DOOR, Kind.CABINET_DOOR_OPEN, 4),
    Case(Fault.BREAKER, Kind.CIRCUIT_BREAKER_TRIPPED, 4, profiles=TILTING),
    Case(Fault.LEAKAGE, Kind.LEAKAGE_DETECTED, 4, profiles=("generic",)),
    Case(Fault.TILTED, Kind.ORIENTATION_CHANGED, 165, profiles=TILTING),
    Case(Fault.IMPACT, Kind.IMPACT_DETECTED, 2, also=(Kind.ORIENTATION_CHANGED,), profiles=TILTING),
)
INJECTED = [
    pytest.param(case, profile, lamp_type, id=f"{case.fault}-{case.kind}-{profile}-{lamp_type}")
    for case in CASES
    for profile, lamp_type in (
        ("generic", "led-40"),
        ("arc254", "led-60"),
        ("miri", "led-40"),
        ("generic", "sodium-110"),
    )
    if profile in case.profiles and lamp_type in case.lamp_types
]


class Night:
    """One pole among healthy ones, polled each second while it is broken."""

    def __init__(self, profile: str, lamp_type: str) -> None:
        self.pole = Pole("l-1", lamp_type, profile, unit=1, registers=True)
        self.segment = Segment(["l-1", "l-2", "l-3"])
        self.at = NIGHT
        self.told: list[tuple[float, LampEvent]] = []

    def run(self, seconds: float, *, every_s: float = 1.0) -> None:
        until = self.at + seconds
        while self.at < until:
            self.at += every_s
            for event in self.pole.poll(self.at, QUIET, self.segment):
                self.told.append((self.at, event))


@pytest.mark.parametrize(("case", "profile", "lamp_type"), INJECTED)
def test_a_fault_is_detected_by_its_name_and_over_when_mended(case, profile, lamp_type):
    night = Night(profile, lamp_type)
    night.run(5)
    night.pole.tell(Command(case.levels[0]))
    night.run(900, every_s=10.0)
    assert night.told == []
    broken_at = night.at
    night.pole.node.set_fault(case.fault)
    for level in case.levels:
        night.pole.tell(Command(level, ramp_s=2.0))
        night.run(case.each_s)
    first = {event.kind: at for at, event in reversed(night.told)}
    assert case.kind in first
    took_s = first[case.kind] - broken_at
    event = next(event for _, event in night.told if event.kind is case.kind)
    showed_s = event.start - broken_at
    others = {kind: at - broken_at for kind, at in first.items() if kind is not case.kind}
    sys.stdout.write(
        f"{case.fault:16} {profile:8} {lamp_type:11} {case.kind:24} {took_s:6.0f} s"
        + f" (it showed at {showed_s:.0f} s)"
        + "".join(f"; {kind} {at:.0f} s" for kind, at in others.items())
        + "\n"
    )
    assert others.keys() <= set(case.also)
    slower_s = 2 * SODIUM_WARM_S if lamp_type == "sodium-110" else 0.0
    assert took_s <= case.within_s + slower_s
    assert broken_at <= event.start <= first[case.kind]
    assert event.evidence
    night.pole.node.clear_fault(case.fault)
    night.pole.tell(Command(case.levels[-1]))
    night.run(4_800 if case.fault in SLOW_TO_MEND else 800, every_s=10.0)
    assert night.pole.watch.open == ()
