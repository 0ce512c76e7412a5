"""The tags that people carry: what they send, and when."""

from dataclasses import dataclass

import numpy as np

from firmware_sim.geometry import Floats
from firmware_sim.radio import Ints

INTERVAL_S, DELAY_S = 1.0, 0.010  # Bluetooth Core 5.4, Vol 6 Part B 4.4.2.2: up to 10 ms added
BURST_S, BURST_INTERVAL_S = 6.0, 0.1
REMINDER_S, REMINDER_INTERVAL_S = 30.0, 1.0
SITE_UUID = "7b1f2c58-94e3-4d0a-9c6e-3a2d51f08e47"
NAMESPACE = "6d616368696d6f726900"
POWER_AT_1M_DBM, POWER_AT_0M_DBM = -59, -18
BEACON_MAJOR = 7


@dataclass(frozen=True, slots=True)
class Frame:
    """One kind of frame of a tag: the identifier that it carries, and its bytes.

    `manufacturer` starts with the company identifier; `service` is the data of UUID 0xFEAA. One of
    both is empty.
    """

    identifier: str
    manufacturer: bytes
    service: bytes


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag: its address (six bytes, colons), the frame of its position and that of its button.

    `worn_rad` is where on the body it is: 0 in front, positive to the left.
    """

    id: str
    address: str
    position: Frame
    button: Frame
    offset_db: float
    worn_rad: float
    interval_s: float


def make_tag(number: int, rng: np.random.Generator) -> Tag:
    """Tag `number` (from 1): iBeacon, but every third is an Eddystone-UID."""
    make = _eddystone if number % 3 == 0 else _ibeacon
    octets = [0xC0 | int(rng.integers(0x40)), *(int(o) for o in rng.integers(256, size=3))]
    octets += [number >> 8, number & 0xFF]
    return Tag(
        f"tag-{number:03d}",
        ":".join(f"{octet:02X}" for octet in octets),
        make(2 * number),
        make(2 * number + 1),
        float(rng.normal(0.0, 2.5)),
        float(rng.uniform(-np.pi, np.pi)),
        INTERVAL_S * float(rng.uniform(0.98, 1.02)),
    )


def _ibeacon(minor: int) -> Frame:
    body = bytes.fromhex(SITE_UUID.replace("-", ""))
    body += BEACON_MAJOR.to_bytes(2, "big") + minor.to_bytes(2, "big")
    data = b"\x4c\x00\x02\x15" + body + POWER_AT_1M_DBM.to_bytes(1, "big", signed=True)
    return Frame(f"ibeacon:{SITE_UUID}:{BEACON_MAJOR}:{minor}", data, b"")


def _eddystone(instance: int) -> Frame:
    inner = instance.to_bytes(6, "big")
    head = b"\x00" + POWER_AT_0M_DBM.to_bytes(1, "big", signed=True)
    data = head + bytes.fromhex(NAMESPACE) + inner + b"\x00\x00"
    return Frame(f"uid:{NAMESPACE}:{inner.hex()}", b"", data)


class Advertiser:
    """Says which tags send in a stretch of time. Positions every second, presses as a burst."""

    def __init__(self, tags: tuple[Tag, ...], *, start: float, rng: np.random.Generator) -> None:
        self._intervals = np.array([tag.interval_s for tag in tags])
        self._next = start + rng.random(len(tags)) * self._intervals
        self._rng = rng
        self._presses: list[tuple[float, int]] = []

    def press(self, *, tag: int, at: float) -> None:
        """The button of `tag` is pressed at `at`."""
        late = BURST_S + np.arange(0.0, REMINDER_S, REMINDER_INTERVAL_S)
        times = at + np.concatenate([np.arange(0.0, BURST_S, BURST_INTERVAL_S), late])
        times += self._rng.uniform(0.0, DELAY_S, len(times))
        self._presses = sorted([*self._presses, *((float(time), tag) for time in times)])

    def due(self, until: float) -> tuple[Floats, Ints, Ints]:
        """Everything sent before `until` and not yet told: times, tags, 1 where by the button."""
        sent: list[tuple[float, int, int]] = []
        while len(late := np.nonzero(self._next < until)[0]):
            sent += [(float(self._next[tag]), int(tag), 0) for tag in late]
            self._next[late] += self._intervals[late] + self._rng.uniform(0.0, DELAY_S, len(late))
        while self._presses and self._presses[0][0] < until:
            at, tag = self._presses.pop(0)
            sent.append((at, tag, 1))
        sent.sort()
        times, tags, buttons = zip(*sent, strict=True) if sent else ((), (), ())
        return (
            np.array(times, dtype=float),
            np.array(tags, dtype=np.int64),
            np.array(buttons, dtype=np.int64),
        )
