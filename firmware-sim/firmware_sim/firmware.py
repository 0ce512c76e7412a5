"""A native tag's firmware: keys, a clock of its own, counters, a coin cell, what it sends.

Eddystone-EID rotates every 2^K seconds of the tag's clock, and the random address with it; eTLM
says how the tag is; the button is a BTHome v2 event under the tag's bind key. Flash is written once
in 24 h: after a battery change clock and counter resume from there.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from firmware_sim import firmware_frames as frames
from firmware_sim.firmware_crypto import eax, ephemeral_id, seal_bthome
from firmware_sim.firmware_frames import Frame, Packet

POSITION, BUTTON, TELEMETRY = 0, 1, 2
"""Kinds of packets."""

ROTATION_EXPONENT = 10  # 1,024 s
STORE_EVERY_S = 86_400.0
CRYSTAL_PPM, MOST_PPM = 130.0, 150.0
TURNOVER_C, PPM_PER_C2 = 25.0, -0.035  # a 32,768 Hz tuning fork
CAPACITY_C = 0.23 * 3600.0  # a CR2032: 230 mAh
ADVERT_C, SLEEP_A = 15e-6, 3e-6  # three channels at 0 dBm; nRF52 with its accelerometer on
ENCRYPTED_EVENT = 0x45  # BTHome v2: version 2, sent on an event, encrypted
PRESS = b"\x3a\x01"
TELEMETRY_MIC_BYTES = 2
ADDRESS_BITS = 0x3F  # a non-resolvable private address: the upper two bits are 0

_DISCHARGE = ((0.0, 3.08), (0.04, 2.96), (0.7, 2.86), (0.87, 2.7), (0.95, 2.45), (1.0, 2.0))
_COLD_V_PER_C = 0.002  # at half a charge: a cold cell has more resistance, and so has an empty one


@dataclass(frozen=True, slots=True)
class NativeKeys:
    """What a technician provisions, and the registry must know. The tag's clock was 0 at `zero_at`.

    Keys are 16 bytes.
    """

    identity_key: bytes = field(repr=False)
    bind_key: bytes = field(repr=False)
    zero_at: float
    rotation_exponent: int = ROTATION_EXPONENT


class Firmware(Protocol):
    """What runs on a tag."""

    def packet(self, kind: int, at: float) -> Packet:
        """What it sends at `at` (Unix seconds) as POSITION, BUTTON or TELEMETRY."""
        ...


@dataclass(frozen=True, slots=True)
class StaticFirmware:
    """A bought tag: one address and one identifier for ever, and another one for its button."""

    address: str
    position: Frame
    button: Frame

    def packet(self, kind: int, at: float) -> Packet:
        """The frame of its position, or of its button; it has no telemetry."""
        return Packet(self.address, self.button if kind == BUTTON else self.position)


class _Flash(NamedTuple):
    clock_s: float
    counter: int


class NativeFirmware:
    """Time is brought to it by `live`; within one step its packets may be asked in any order."""

    def __init__(self, keys: NativeKeys, *, start: float, rng: np.random.Generator) -> None:
        self.keys = keys
        self.crystal_ppm = float(rng.uniform(-CRYSTAL_PPM, CRYSTAL_PPM))
        self.temperature_c = 20.0
        self.counter = int(rng.integers(1, 40))
        age_s = start - keys.zero_at
        clock_s = age_s * (1.0 + self._ppm() * 1e-6)
        unstored_s = min(age_s, float(rng.uniform(0.0, STORE_EVERY_S)))
        self._at = start
        self._clock_s = clock_s
        self._boot_at = keys.zero_at
        self._flash = _Flash(clock_s - unstored_s, self.counter)
        self._used = float(rng.uniform(0.02, 0.7))  # the share of its cell's charge
        self._adverts = int(age_s)
        self._rng = rng
        self._secret = rng.bytes(16)
        self._position: tuple[int, Packet] | None = None
        self._button: tuple[tuple[int, int], Packet] | None = None
        self._telemetry: tuple[float, Packet] | None = None

    @property
    def battery_v(self) -> float:
        """The cell's voltage at its charge and temperature."""
        shares, volts = zip(*_DISCHARGE, strict=True)
        cold_c = max(0.0, 23.0 - self.temperature_c)
        return float(np.interp(self._used, shares, volts)) - _COLD_V_PER_C * cold_c * (
            0.5 + self._used
        )

    def clock_s(self, at: float) -> float:
        """What the tag's clock shows at `at`, seconds."""
        return self._clock_s + (at - self._at) * (1.0 + self._ppm() * 1e-6)

    def slot(self, at: float) -> int:
        """The number of the rotation period that the tag believes to be in."""
        return int(self.clock_s(at)) >> self.keys.rotation_exponent

    def live(self, until: float, *, adverts: int, temperature_c: float) -> None:
        """Let time pass: so many adverts were sent, at that temperature."""
        self._clock_s = self.clock_s(until)
        spent_c = adverts * ADVERT_C + (until - self._at) * SLEEP_A
        self._used = min(1.0, self._used + spent_c / CAPACITY_C)
        self._adverts += adverts
        self._at, self.temperature_c = until, temperature_c
        if self._clock_s - self._flash.clock_s >= STORE_EVERY_S:
            self._flash = _Flash(self._clock_s, self.counter)

    def press(self) -> int:
        """The button is pressed; returns the counter of that event."""
        self.counter += 1
        return self.counter

    def change_battery(self, at: float) -> None:
        """A fresh cell: what was not in flash is forgotten."""
        self._clock_s, self.counter = self._flash
        self._at = self._boot_at = at
        self._used, self._adverts = 0.0, 0

    def packet(self, kind: int, at: float) -> Packet:
        """What it sends at `at`; all receivers of one packet get the same bytes."""
        if kind == BUTTON:
            return self._sos(self.slot(at))
        if kind == TELEMETRY:
            if self._telemetry is None or self._telemetry[0] != at:
                self._telemetry = at, self._seal_telemetry(at)
            return self._telemetry[1]
        return self._eid(self.slot(at))

    def _eid(self, slot: int) -> Packet:
        if self._position is None or self._position[0] != slot:
            exponent = self.keys.rotation_exponent
            sent = ephemeral_id(
                self.keys.identity_key, exponent=exponent, beacon_time=slot << exponent
            )
            self._position = slot, Packet(self._address(slot), frames.eid(sent))
        return self._position[1]

    def _sos(self, slot: int) -> Packet:
        if self._button is None or self._button[0] != (slot, self.counter):
            address = self._address(slot)
            charge = round(100.0 * (1.0 - self._used))
            service = seal_bthome(
                self.keys.bind_key,
                address=address,
                device_info=ENCRYPTED_EVENT,
                counter=self.counter,
                objects=bytes([0x01, charge]) + PRESS,
            )
            self._button = (slot, self.counter), Packet(address, frames.bthome(service))
        return self._button[1]

    def _seal_telemetry(self, at: float) -> Packet:
        slot, salt = self.slot(at), self._rng.bytes(2)
        plain = frames.telemetry(
            battery_v=self.battery_v,
            temperature_c=self.temperature_c,
            adverts=self._adverts,
            uptime_s=at - self._boot_at,
        )
        base = (slot << self.keys.rotation_exponent & 0xFFFF_FFFF).to_bytes(4, "big")
        sealed = eax(self.keys.identity_key, base + salt, plain, tag_bytes=TELEMETRY_MIC_BYTES)
        return Packet(self._address(slot), frames.encrypted_telemetry(sealed, salt=salt))

    def _address(self, slot: int) -> str:
        """Another one for each period; no receiver can tell whose it is."""
        drawn = ephemeral_id(self._secret, exponent=0, beacon_time=slot)[:6]
        octets = [drawn[0] & ADDRESS_BITS, *drawn[1:]]
        return ":".join(f"{octet:02X}" for octet in octets)

    def _ppm(self) -> float:
        warmth = PPM_PER_C2 * (self.temperature_c - TURNOVER_C) ** 2
        return max(-MOST_PPM, min(self.crystal_ppm + warmth, MOST_PPM))


def make_native(number: int, *, seed: int, start: float, day_start: float) -> NativeFirmware:
    """The firmware of tag `number`, provisioned within the three days before `day_start`.

    So the keys follow from the seed and the date, whenever on that day a simulation starts.
    """
    rng = np.random.default_rng([seed, 9, number])
    zero_at = float(round(day_start - rng.uniform(3_600.0, 3 * 86_400.0)))
    keys = NativeKeys(rng.bytes(16), rng.bytes(16), zero_at)
    return NativeFirmware(keys, start=start, rng=rng)
