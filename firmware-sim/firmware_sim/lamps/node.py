"""A lamp node: its luminaire, meter, sensors, own program and faults. Pure: time is an argument."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from firmware_sim.lamps.firmwares import REGISTER_MAPS, Firmware
from firmware_sim.lamps.luminaire import Luminaire
from firmware_sim.lamps.registers import ILLEGAL_VALUE, Refused, Value
from firmware_sim.lamps.weather import Surroundings

BOOT_S = 3.0
STEP_S = 2.0  # how finely light that changes is integrated
OWN_RAMP_S = 1.0
DARK_LX, BRIGHT_LX = 20.0, 40.0  # the own program's photocell: on below, off above
CYCLE_LIT_S, CYCLE_DARK_S = 240.0, 160.0  # of a driver that overheats
NOISE_SPAN = math.sqrt(12.0)  # of evenly spread noise whose standard deviation is 1
LIMITS = {"level": 100.05, "fallback_level": 100.05, "ramp_s": 6_000.0, "watchdog_s": 86_400.0}
RAW_OF_NO_CHANGE = 255  # what DALI calls MASK: a level that leaves the level as it is


class Fault(StrEnum):
    """What may go wrong, on command. Counter_reset and node_restart happen once, when set."""

    LAMP_OUT = "lamp_out"
    STUCK_RELAY_ON = "stuck_relay_on"
    STUCK_RELAY_OFF = "stuck_relay_off"
    CYCLING = "cycling"
    WRONG_DIMMING = "wrong_dimming"  # the light is another than the node believes
    DEAF = "deaf"  # commands are acknowledged and not followed
    WEAK_LAMP = "weak_lamp"
    POWER_HIGH = "power_high"
    BROWN_OUT = "brown_out"
    OVER_VOLTAGE = "over_voltage"
    POWER_FACTOR = "power_factor"
    HOT = "hot"
    TILTED = "tilted"
    IMPACT = "impact"
    DOOR = "door"
    BREAKER = "breaker"
    LEAKAGE = "leakage"
    METER_LOST = "meter_lost"  # its readings are masked
    PHOTOCELL_LOST = "photocell_lost"
    COUNTER_RESET = "counter_reset"
    NODE_RESTART = "node_restart"
    POWER_CUT = "power_cut"
    SILENCE = "silence"
    NOISE = "noise"
    LATE = "late"
    WRONG_UNIT = "wrong_unit"
    TRUNCATION = "truncation"


@dataclass(slots=True)
class Counters:
    """What a node has counted since it was made, or since its counters were lost."""

    energy_kwh: float = 0.0
    operating_h: float = 0.0
    switch_ons: int = 0
    supply_losses: int = 0


@dataclass(frozen=True, slots=True)
class _Ramp:
    """The level that the node asks of its driver: from one to another, in a straight line."""

    level: float
    at: float
    goal: float
    end: float

    def __call__(self, at: float) -> float:
        if at >= self.end:
            return self.goal
        return self.level + (self.goal - self.level) * (at - self.at) / (self.end - self.at)


@dataclass(frozen=True, slots=True)
class _Own:
    """What sets one lamp apart from the next: shares of what its kind takes, and its meter and
    photocell show, how its pole leans, and what its cable takes from the mains.
    """

    power: float
    meter: float
    eye: float
    lean_deg: float
    drop_v: float

    @classmethod
    def drawn(cls, chance: random.Random) -> Self:
        return cls(
            power=chance.gauss(1.0, 0.01),
            meter=chance.gauss(1.0, 0.003),
            eye=chance.gauss(1.0, 0.1),
            lean_deg=chance.uniform(0.0, 2.0),
            drop_v=chance.uniform(0.0, 3.0),
        )


class LampNode:
    """One node and what hangs on it. Times are Unix seconds, levels percent.

    The first `advance` only says what time it is; what is asked, told or broken in between holds
    from the last one on. A node that no master commands follows its own program: `fallback_level`
    in the dark, off by day, by its photocell; without one, or blind, the fallback level always. It
    does so from power-up on, and again `watchdog_s` after the last request to it (0: never).
    """

    def __init__(
        self,
        *,
        unit: int,
        firmware: Firmware | str,
        lamp: Luminaire,
        seed: int,
        counters: Counters | None = None,
    ) -> None:
        self.unit = unit
        self.firmware = Firmware(firmware)
        self.lamp = lamp
        self.counters = counters or Counters()
        self.at = -math.inf
        self.motion = False
        self.autonomous = True
        self.powered = True
        self.fallback_level = 100.0
        self.watchdog_s = 600.0
        self._map = REGISTER_MAPS[self.firmware]
        self._quantities = sorted(self._map.quantities)
        self._has_photocell = "illuminance_lx" in self._quantities
        self._chance = random.Random(seed << 8 | unit)
        self.serial = self._chance.getrandbits(24)
        self._own = _Own.drawn(self._chance)
        self._since: dict[Fault, float] = {}
        self._surroundings = Surroundings()
        self._ramp = _Ramp(0.0, 0.0, 0.0, 0.0)
        self._command = {"level": 0.0, "ramp_s": 0.0}
        self._dark = True
        self._closed = False
        self._overheated = False
        self._lit_at: float | None = None
        self._booted_at = -math.inf
        self._heard_at = -math.inf
        self._temperature_c = 15.0
        self._noise = [0.0] * 4
        self._supply_v = self._surroundings.supply_v

    # --- what is true ---------------------------------------------------------------------------

    @property
    def _lives(self) -> bool:
        return self.at > -math.inf

    @property
    def faults(self) -> frozenset[Fault]:
        """What is wrong with it now."""
        return frozenset(self._since)

    @property
    def answers(self) -> bool:
        """Whether it can say anything at all."""
        return self.powered and self.at >= self._booted_at and Fault.SILENCE not in self._since

    @property
    def relay_closed(self) -> bool:
        """Whether the luminaire has mains."""
        return self._closed

    @property
    def given_level(self) -> float:
        """The light that the luminaire really gives."""
        return self._given(self.at)

    @property
    def power_w(self) -> float:
        """What is really taken from the mains."""
        return self._power(self.at)

    @property
    def supply_v(self) -> float:
        """The voltage at the node; 0 where it has none."""
        return self._supply_v

    # --- what happens to it ---------------------------------------------------------------------

    def set_fault(self, fault: Fault | str) -> None:
        """Break it so, from the last `advance` on. Raises ValueError where there is no such."""
        fault = Fault(fault)
        if fault is Fault.COUNTER_RESET:
            self.counters = Counters()
        elif fault is Fault.NODE_RESTART:
            self._boot()
        else:
            self._since.setdefault(fault, self.at)
        if self._lives:
            self._decide()

    def clear_fault(self, fault: Fault | str) -> None:
        """Mend it."""
        self._since.pop(Fault(fault), None)
        if self._lives:
            self._decide()

    def advance(self, to: float, *, surroundings: Surroundings) -> None:
        """Live until `to` in these surroundings; a time that is past changes nothing."""
        self._surroundings = surroundings
        if not self._lives:
            self.at = to
            self._since = dict.fromkeys(self._since, to)
            self._temperature_c = surroundings.ambient_c
        elif to <= self.at:
            return
        self._decide()
        while self.at < to:
            self._hold(min(to, self._next_change()))
            self._decide()
        draw = self._chance.random
        self._noise = [NOISE_SPAN * (draw() - 0.5) for _ in self._noise]

    def command(self, level: float, *, ramp_s: float = 0.0) -> None:
        """A master asks for `level`, percent, within `ramp_s`. Raises Refused where impossible."""
        self.write_settings({"level": level, "ramp_s": ramp_s})

    def write_settings(self, settings: dict[str, float]) -> None:
        """A master sets some of level, ramp_s, fallback_level, watchdog_s. Raises Refused."""
        self._heard_at = self.at
        if any(not 0 <= value <= LIMITS[name] for name, value in settings.items()):
            raise Refused(ILLEGAL_VALUE)
        self.fallback_level = min(100.0, settings.get("fallback_level", self.fallback_level))
        self.watchdog_s = settings.get("watchdog_s", self.watchdog_s)
        self._command["ramp_s"] = settings.get("ramp_s", self._command["ramp_s"])
        if "level" not in settings:
            return
        self._command["level"] = min(100.0, settings["level"])
        if Fault.DEAF not in self._since:
            self.autonomous = False
            self._go(self._command["level"], self._command["ramp_s"])

    # --- what it says ---------------------------------------------------------------------------

    def poll(self) -> dict[str, Value]:
        """What a master that asks gets, by the quantities of this firmware, not yet rounded."""
        self._heard_at = self.at
        told = self._told()
        return {name: told[name] for name in self._quantities}

    def read(self, function: int, address: int, count: int) -> list[int]:
        """The words of a read request (3 or 4). Raises Refused with the exception's code."""
        self._heard_at = self.at
        return self._map.read(function, address, count, told=self._told(), serial=self.serial)

    def write(self, function: int, address: int, values: Sequence[int]) -> None:
        """A write request (6 or 16). Raises Refused with the exception's code."""
        self._heard_at = self.at
        settings = self._map.written(function, address, values)
        if self.firmware is Firmware.ARC254 and list(values) == [RAW_OF_NO_CHANGE]:
            settings.pop("level", None)
        self.write_settings(settings)

    def _told(self) -> dict[str, Value]:
        surroundings, noise, since = self._surroundings, self._noise, self._since
        metered = Fault.METER_LOST not in since
        level = self.given_level
        power_w = max(0.0, self.power_w * self._own.meter * (1.0 + 0.003 * noise[0]))
        factor = self.lamp.power_factor(level) * (0.6 if Fault.POWER_FACTOR in since else 1.0)
        volts = self._supply_v + 0.2 * noise[1]
        apparent_va = power_w / factor
        sees = Fault.PHOTOCELL_LOST not in since
        return {
            "feedback_level": self._ramp.goal,
            "actual_level": self._ramp(self.at),
            "active_power_w": power_w if metered else None,
            "apparent_power_va": apparent_va if metered else None,
            "lamp_current_a": apparent_va / volts if metered and volts > 1.0 else None,
            "power_factor": factor if metered else None,
            "supply_voltage_v": volts if metered else None,
            "lamp_voltage_v": (volts if self._closed else 0.0) if metered else None,
            "frequency_hz": surroundings.frequency_hz if metered else None,
            "active_energy_kwh": self.counters.energy_kwh if metered else None,
            "operating_hours_h": self.counters.operating_h,
            "switch_on_counter": self.counters.switch_ons,
            "supply_loss_count": self.counters.supply_losses,
            "temperature_c": self._temperature_c + 0.2 * noise[2],
            "illuminance_lx": surroundings.lux * self._own.eye if sees else None,
            "tilt_deg": max(0.0, self._tilt() + 0.1 * noise[3]),
            "motion": self.motion or surroundings.motion,
            "door_open": Fault.DOOR in since,
            "breaker_tripped": Fault.BREAKER in since,
            "leakage": Fault.LEAKAGE in since,
            "autonomous": self.autonomous,
            "level": self._command["level"],
            "ramp_s": self._command["ramp_s"],
            "fallback_level": self.fallback_level,
            "watchdog_s": self.watchdog_s,
        }

    def _tilt(self) -> float:
        """A lean grows by a degree in 20 s, to 9°; a blow bends the pole by 14° at once."""
        leaning = self._since.get(Fault.TILTED)
        lean_deg = 0.0 if leaning is None else min(9.0, (self.at - leaning) / 20.0)
        return self._own.lean_deg + lean_deg + (14.0 if Fault.IMPACT in self._since else 0.0)

    # --- how it lives ---------------------------------------------------------------------------

    def _decide(self) -> None:
        """What changes at this moment: supply, watchdog, own program, relay, overheating."""
        self._supply_v = self._mains_v()
        supplied = self._supply_v > 0.45 * self.lamp.nominal_voltage_v
        if supplied and not self.powered:
            self.powered = True
            self._boot()
        elif self.powered and not supplied:
            self.powered = False
            self.counters.supply_losses += 1
            self._ramp = _Ramp(0.0, self.at, 0.0, self.at)
        if self.powered:
            self._watch()
        cycling = self._since.get(Fault.CYCLING)
        phase_s = 0.0 if cycling is None else (self.at - cycling) % (CYCLE_LIT_S + CYCLE_DARK_S)
        self._overheated = phase_s >= CYCLE_LIT_S
        closed = self._ask_relay()
        self.counters.switch_ons += closed and not self._closed
        self._closed = closed
        if self._given(self.at) <= 0:
            self._lit_at = None
        elif self._lit_at is None:
            self._lit_at = self.at

    def _mains_v(self) -> float:
        if Fault.POWER_CUT in self._since:
            return 0.0
        factor = 0.8 if Fault.BROWN_OUT in self._since else 1.0
        factor *= 1.2 if Fault.OVER_VOLTAGE in self._since else 1.0
        return max(0.0, self._surroundings.supply_v * factor - self._own.drop_v)

    def _watch(self) -> None:
        if not self.autonomous and self.at >= self._quiet_until():
            self.autonomous = True
        if self.autonomous and self._own_level() != self._ramp.goal:
            self._go(self._own_level(), OWN_RAMP_S)

    def _quiet_until(self) -> float:
        """When the node gives up to wait for a master."""
        return self._heard_at + (self.watchdog_s or math.inf)

    def _own_level(self) -> float:
        blind = not self._has_photocell or Fault.PHOTOCELL_LOST in self._since
        lux = self._surroundings.lux * self._own.eye
        self._dark = blind or (lux < DARK_LX if not self._dark else lux <= BRIGHT_LX)
        return self.fallback_level if self._dark else 0.0

    def _ask_relay(self) -> bool:
        if not self.powered or Fault.STUCK_RELAY_OFF in self._since:
            return False
        return self._ramp.goal > 0 or self._ramp(self.at) > 0 or Fault.STUCK_RELAY_ON in self._since

    def _boot(self) -> None:
        self.autonomous = True
        self._booted_at = self.at + BOOT_S

    def _go(self, level: float, ramp_s: float) -> None:
        self._ramp = _Ramp(self._ramp(self.at), self.at, level, self.at + ramp_s)

    def _given(self, at: float) -> float:
        since = self._since
        dead = Fault.LAMP_OUT in since or Fault.BREAKER in since
        if dead or not self._closed or self._overheated:
            return 0.0
        level = self._ramp(at)
        if level <= 0:  # the control line of a driver that is off rests at full light
            return 100.0 if Fault.STUCK_RELAY_ON in since else 0.0
        if Fault.WRONG_DIMMING in since:
            return 100.0 if level < 75.0 else 50.0
        return max(level, self.lamp.least_level)

    def _power(self, at: float) -> float:
        since = self._since
        if not self.powered or Fault.BREAKER in since:
            return 0.0
        level = self._given(at)
        lit_s = 0.0 if self._lit_at is None else at - self._lit_at
        watts = self.lamp.power_w(level, lit_s=lit_s, supply_v=self._supply_v) * self._own.power
        if level > 0 and Fault.WEAK_LAMP in since:
            watts *= 0.7
        if level > 0 and Fault.POWER_HIGH in since:
            watts *= 1.3
        return watts

    def _next_change(self) -> float:
        """When the node must be looked at again, at the latest."""
        at, moments = self.at, [math.inf]
        warm_at = -math.inf if self._lit_at is None else self._lit_at + self.lamp.warm_up_s
        moments += [min(end, at + STEP_S) for end in (self._ramp.end, warm_at) if end > at]
        if self.powered and not self.autonomous:
            moments.append(self._quiet_until())
        if Fault.CYCLING in self._since:
            phase_s = (at - self._since[Fault.CYCLING]) % (CYCLE_LIT_S + CYCLE_DARK_S)
            rest_s = (
                CYCLE_LIT_S if phase_s < CYCLE_LIT_S else CYCLE_LIT_S + CYCLE_DARK_S
            ) - phase_s
            moments.append(at + rest_s)
        return max(min(moments), at + 1e-3)  # never so near that the clock stands still

    def _hold(self, until: float) -> None:
        """Nothing is decided from now to `until`: count, and warm up or cool down."""
        span_s = until - self.at
        power_w = (self._power(self.at) + self._power(until)) / 2
        if self.powered:
            self.counters.energy_kwh += power_w * self._own.meter * span_s / 3.6e6
            if max(self._given(self.at), self._given(until)) > 0:
                self.counters.operating_h += span_s / 3600.0
        goal_c = 90.0 if Fault.HOT in self._since else self._surroundings.ambient_c + 0.25 * power_w
        self._temperature_c += (goal_c - self._temperature_c) * -math.expm1(-span_s / 900.0)
        self.at = until
