"""Thirty nights of healthy lamps among all that looks like faults: not one false event.

The mains dip, fail for seconds and, twice, for long; the photocells see fog; answers are lost one
by one, and for minutes; nodes restart and lose their counters; people walk, staff overrides.
True events are those of lamps that really were silent or without mains for long, and no others.
`pytest -s tests/accuracy/test_fault_nights.py` prints what was lived through.
"""

import random
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

import pytest
from firmware_sim.lamps.node import Fault
from firmware_sim.lamps.weather import Surroundings, Weather

from gateway.lamps import LampEvent
from gateway.lamps import LampEventKind as Kind
from gateway.lights.fault_segment import Segment
from tests.accuracy.lamp_street import Command, Pole

NIGHTS = 30
DAY_S = 86_400.0
DUSK = 1_774_945_800.0  # 2026-03-31 17:30 in Japan
NIGHT_S = 12 * 3600.0
EVERY_S = 175.0
FINE_S = (-2.0, 1.0, 4.0, 15.0, 45.0)  # around what happens
LED_40, LED_60, SODIUM = "led-40", "led-60", "sodium-110"
TYPES = (LED_40,) * 14 + (LED_60,) * 10 + (SODIUM,) * 8
PROFILES = ("generic", "arc254", "miri")
PROGRAM = ((0.5, 100.0), (4.5, 50.0), (10.5, 100.0), (11.8, 0.0))  # hours after dusk, level


@dataclass(frozen=True)
class Trouble:
    """What happens from `at` on for `for_s`. `lamp` empty: to all; `volts` as part of nominal."""

    what: str
    at: float
    for_s: float
    lamp: str = ""
    volts: float = 1.0

    def covers(self, at: float) -> bool:
        return self.at <= at < self.at + self.for_s


@dataclass
class Street:
    """All lamps of one bus, and what they told. `lived` counts what happened to them."""

    chance: random.Random
    poles: list[Pole]
    segment: Segment
    weather: Weather
    told: list[LampEvent] = field(default_factory=list)
    lived: Counter[str] = field(default_factory=Counter)
    troubles: list[Trouble] = field(default_factory=list)
    now: dict[str, list[Trouble]] = field(default_factory=lambda: defaultdict(list))

    def poll(self, pole: Pole, at: float, surroundings: Surroundings) -> bool:
        """False where it was not answered."""
        silent = any(trouble.what == "silence" for trouble in self.now[pole.lamp])
        lost = silent or self.chance.random() < 0.01
        self.told += pole.poll(at, surroundings, self.segment, lost=lost)
        self.lived["polls"] += 1
        self.lived["polls lost"] += lost or not pole.node.answers
        return not lost

    def come_to(self, at: float) -> Surroundings:
        """What troubles whom is known; how it is there."""
        self.now.clear()
        surroundings = self.weather.at(at)
        for trouble in self.troubles:
            if trouble.covers(at):
                self.now[trouble.lamp].append(trouble)
                surroundings = replace(surroundings, supply_v=surroundings.supply_v * trouble.volts)
        return surroundings


def street(seed: int) -> Street:
    chance = random.Random(seed)
    poles = [
        Pole(f"l-{unit}", kind, PROFILES[unit % 3], unit=unit, registers=False, seed=seed)
        for unit, kind in enumerate(TYPES, start=1)
    ]
    segment = Segment([pole.lamp for pole in poles])
    return Street(chance, poles, segment, Weather(seed, fog=0.7, dips_per_day=5.0))


def troubles_of(night: int, dusk: float, town: Street) -> list[Trouble]:
    """A night's: they do not overlap, so that each is seen alone or with the program's steps."""
    chance = town.chance
    moments = [dusk + NIGHT_S * (slot + chance.random() * 0.5) / 12 for slot in range(12)]
    lamps = [pole.lamp for pole in town.poles]
    found = [
        Trouble("dip", moments[0], chance.uniform(1, 55), volts=chance.uniform(0.5, 0.84)),
        Trouble("dip", moments[1], chance.uniform(1, 55), volts=chance.uniform(0.5, 0.84)),
        Trouble("swell", moments[2], chance.uniform(1, 50), volts=chance.uniform(1.16, 1.25)),
        Trouble("sag", moments[3], 1_800.0, volts=chance.uniform(0.87, 0.92)),
        Trouble("silence", moments[5], chance.uniform(1, 8), lamp=chance.choice(lamps)),
        Trouble("silence", moments[6], chance.uniform(60, 1_800), lamp=chance.choice(lamps)),
        Trouble("restart", moments[7], 1.0, lamp=chance.choice(lamps)),
        Trouble("counter reset", moments[8], 1.0, lamp=chance.choice(lamps)),
        Trouble("override", moments[9], chance.uniform(300, 1_200), lamp=chance.choice(lamps)),
        Trouble("meter masked", moments[10], 900.0, lamp=chance.choice(lamps)),
    ]
    for flicker in range(4):
        lost_s = chance.uniform(0.5, 6)
        found.append(Trouble("interruption", moments[4] + flicker * 300, lost_s, volts=0.0))
    if night in (9, 21):
        found.append(Trouble("cut", moments[11], chance.uniform(900, 2_700), volts=0.0))
    town.lived.update(trouble.what for trouble in found)
    return found


def moments_of(dusk: float, troubles: list[Trouble]) -> list[tuple[float, str]]:
    """Who is polled when ("": all): now and then, and often where something happens."""
    found = {(dusk + step * EVERY_S, "") for step in range(int(NIGHT_S / EVERY_S))}
    edges = [(dusk + hours * 3600.0, "") for hours, _ in PROGRAM[:1]]
    for trouble in troubles:
        edges += [(trouble.at, trouble.lamp), (trouble.at + trouble.for_s, trouble.lamp)]
    for edge, lamp in edges:
        found |= {(edge + after_s, lamp) for after_s in FINE_S}
    return sorted(found)


def wanted(pole: Pole, unit: int, at: float, dusk: float, town: Street) -> Command:
    """A third go by the clock, a third by their foggy photocell, a third by who walks by."""
    if any(trouble.what == "override" for trouble in town.now[pole.lamp]):
        return Command(0.0 if unit % 2 else 100.0)
    hours = (at - dusk) / 3600.0
    level = next((level for since, level in reversed(PROGRAM) if hours >= since), 0.0)
    if unit % 3 == 1 and pole.illuminance_lx is not None:
        now = 0.0 if pole.wanted is None else pole.wanted.level
        seen_lx = pole.illuminance_lx * town.chance.lognormvariate(0.0, 0.7)
        return Command(100.0 if seen_lx < (20.0 if now == 0 else 40.0) else 0.0)
    if unit % 3 == 2 and level and pole.lamp_type != SODIUM:
        walks = town.chance.random() < 0.1
        return Command(60.0, ramp_s=2.0) if walks else Command(20.0, ramp_s=20.0)
    return Command(level, ramp_s=10.0)


def live(town: Street, night: int) -> None:
    dusk = DUSK + night * DAY_S
    town.troubles = troubles_of(night, dusk, town)
    for at, lamp in moments_of(dusk, town.troubles):
        surroundings = town.come_to(at)
        for unit, pole in enumerate(town.poles):
            if lamp in ("", pole.lamp):
                visit(town, pole, at, surroundings)
                drive(town, pole, unit, at=at, dusk=dusk)


def visit(town: Street, pole: Pole, at: float, surroundings: Surroundings) -> None:
    """A poll, and as an edge does, soon another where it was not answered."""
    befall(pole, town.now[pole.lamp])
    for again in range(3):
        if town.poll(pole, at + again, surroundings):
            return


def drive(town: Street, pole: Pole, unit: int, *, at: float, dusk: float) -> None:
    command = wanted(pole, unit, at, dusk, town)
    if command != pole.wanted:
        pole.tell(command)
        town.lived["commands"] += 1


def befall(pole: Pole, troubles: list[Trouble]) -> None:
    masked = False
    for trouble in troubles:
        if trouble.lamp and trouble.what == "restart":
            pole.node.set_fault(Fault.NODE_RESTART)
        elif trouble.lamp and trouble.what == "counter reset":
            pole.node.set_fault(Fault.COUNTER_RESET)
        masked |= trouble.what == "meter masked"
    (pole.node.set_fault if masked else pole.node.clear_fault)(Fault.METER_LOST)


def explained(event: LampEvent, troubles: list[Trouble]) -> bool:
    """Whether a lamp really was silent, or without mains, for long, when the event began."""
    what = {Kind.COMMUNICATION_FAILURE: "silence", Kind.SUPPLY_LOSS: "cut"}.get(event.kind)
    return any(
        trouble.what == what and trouble.covers(event.start) and trouble.lamp in ("", event.lamp)
        for trouble in troubles
    )


@pytest.fixture(scope="module")
def nights() -> tuple[Street, list[LampEvent], list[LampEvent]]:
    """The street after thirty nights, the false events, and the true ones."""
    town = street(20260401)
    begun = time.process_time()
    false: list[LampEvent] = []
    true: list[LampEvent] = []
    for night in range(NIGHTS):
        town.told.clear()
        live(town, night)
        for event in town.told:
            (true if explained(event, town.troubles) else false).append(event)
    took_s = time.process_time() - begun
    sys.stdout.write(f"\n{len(town.poles)} lamps, {NIGHTS} nights in {took_s:.0f} s of processor\n")
    sys.stdout.write("".join(f"  {count:9,} {what}\n" for what, count in town.lived.items()))
    kinds = Counter(event.kind for event in true if event.end is None)
    sys.stdout.write("".join(f"  {count:9,} × {kind}, true\n" for kind, count in kinds.items()))
    sys.stdout.write(f"  {len(false):9,} false\n")
    return town, false, true


def test_no_healthy_lamp_is_called_faulty_in_thirty_nights(nights):
    _, false, _ = nights
    assert false == []


def test_what_really_was_silent_or_without_mains_was_told_and_is_over(nights):
    town, _, true = nights
    begun = Counter(event.kind for event in true if event.end is None)
    assert begun[Kind.SUPPLY_LOSS] == 2 * len(town.poles)
    assert begun[Kind.COMMUNICATION_FAILURE] >= NIGHTS - 2
    assert [pole.watch.open for pole in town.poles if pole.watch.open] == []


def test_much_happened_in_them(nights):
    town, _, _ = nights
    assert len(town.poles) >= 32
    assert town.lived["polls"] > 250_000
    assert town.lived["commands"] > 10_000
    assert town.lived["polls lost"] > 3_000
