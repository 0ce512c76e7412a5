"""The tags that people carry: what runs on them, and when they send."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_sim.firmware import BUTTON, POSITION, TELEMETRY, Firmware, StaticFirmware
from firmware_sim.firmware_frames import ibeacon, uid
from firmware_sim.geometry import Floats
from firmware_sim.radio import Ints

INTERVAL_S, DELAY_S = 1.0, 0.010  # Bluetooth Core 5.4, Vol 6 Part B 4.4.2.2: up to 10 ms added
BURST_S, BURST_INTERVAL_S = 6.0, 0.1
REMINDER_S, REMINDER_INTERVAL_S = 30.0, 1.0
RESTING_INTERVALS, RESTS_AFTER_S = 4.0, 180.0
TELEMETRY_EVERY = 30  # adverts of a native tag, one in place of its identity


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag and its firmware.

    `worn_rad` is where on the body it is: 0 in front, positive to the left.
    """

    id: str
    firmware: Firmware
    offset_db: float
    worn_rad: float
    interval_s: float


def make_tag(number: int, rng: np.random.Generator, *, native: Firmware | None = None) -> Tag:
    """Tag `number` (from 1) with `native` on it, or a bought one.

    Those are iBeacons, but every third is an Eddystone-UID. The draws from `rng` are always the
    same.
    """
    make = uid if number % 3 == 0 else ibeacon
    octets = [0xC0 | int(rng.integers(0x40)), *(int(o) for o in rng.integers(256, size=3))]
    octets += [number >> 8, number & 0xFF]
    address = ":".join(f"{octet:02X}" for octet in octets)
    return Tag(
        f"tag-{number:03d}",
        native or StaticFirmware(address, make(2 * number), make(2 * number + 1)),
        float(rng.normal(0.0, 2.5)),
        float(rng.uniform(-np.pi, np.pi)),
        INTERVAL_S * float(rng.uniform(0.98, 1.02)),
    )


class Advertiser:
    """Says which tags send in a stretch of time. Positions every second, presses as a burst.

    Tags that are `native` have an accelerometer: they send more seldom at rest, and telemetry.
    """

    def __init__(
        self,
        tags: tuple[Tag, ...],
        *,
        start: float,
        rng: np.random.Generator,
        native: NDArray[np.bool_] | None = None,
    ) -> None:
        self._awake_s = np.array([tag.interval_s for tag in tags])
        self._intervals = self._awake_s.copy()
        self._next = start + rng.random(len(tags)) * self._intervals
        self._native = np.zeros(len(tags), dtype=bool) if native is None else native
        self._sent = np.arange(len(tags))
        self._moved_at = np.full(len(tags), start)
        self._rng = rng
        self._presses: list[tuple[float, int]] = []

    def press(self, *, tag: int, at: float) -> None:
        """The button of `tag` is pressed at `at`."""
        late = BURST_S + np.arange(0.0, REMINDER_S, REMINDER_INTERVAL_S)
        times = at + np.concatenate([np.arange(0.0, BURST_S, BURST_INTERVAL_S), late])
        times += self._rng.uniform(0.0, DELAY_S, len(times))
        self._presses = sorted([*self._presses, *((float(time), tag) for time in times)])

    def feel(self, moving: NDArray[np.bool_], at: float) -> None:
        """Which tags move at `at`: a native one that wakes sends at once."""
        self._moved_at[moving] = at
        resting = self._native & (at - self._moved_at >= RESTS_AFTER_S)
        intervals = self._awake_s * np.where(resting, RESTING_INTERVALS, 1.0)
        woken = intervals < self._intervals
        self._next[woken] = np.minimum(self._next[woken], at)
        self._intervals = intervals

    def due(self, until: float) -> tuple[Floats, Ints, Ints]:
        """Everything sent before `until` and not yet told: times, tags, kinds of packets."""
        sent: list[tuple[float, int, int]] = []
        while len(late := np.nonzero(self._next < until)[0]):
            self._sent[late] += 1
            told = self._native[late] & (self._sent[late] % TELEMETRY_EVERY == 0)
            kinds = np.where(told, TELEMETRY, POSITION).tolist()
            sent += zip(self._next[late].tolist(), late.tolist(), kinds, strict=True)
            self._next[late] += self._intervals[late] + self._rng.uniform(0.0, DELAY_S, len(late))
        while self._presses and self._presses[0][0] < until:
            at, tag = self._presses.pop(0)
            sent.append((at, tag, BUTTON))
        sent.sort()
        times, tags, kinds_sent = zip(*sent, strict=True) if sent else ((), (), ())
        return (
            np.array(times, dtype=float),
            np.array(tags, dtype=np.int64),
            np.array(kinds_sent, dtype=np.int64),
        )
