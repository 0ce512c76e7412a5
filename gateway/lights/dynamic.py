"""What sensors remember and do: motion with a hold time, photocells with hysteresis, operations.

Every answer is a function of the time asked for and of what was sensed, so a clock that jumps
breaks nothing: what was sensed later than the time asked for is not known then, and the next word
of a sensor at an earlier time than its last one makes it forget the others.
"""

from collections import deque
from dataclasses import dataclass

from gateway.lights.documents import DynamicControl, Operation

PHOTOCELL_STALE_S = 900.0
"""After this long without a reading, a photocell says nothing: the sun decides."""

_BURSTS_KEPT = 32  # of a sensor, the last: each decision looks at all of them


def operate(level: float, control: DynamicControl) -> float:
    """`level` as `control` changes it, 0 to 100."""
    match control.operation:
        case Operation.SET:
            changed = control.value
        case Operation.MAX:
            changed = max(level, control.value)
        case Operation.MIN:
            changed = min(level, control.value)
        case Operation.ADD:
            changed = level + control.value
        case Operation.SUB:
            changed = level - control.value
        case Operation.MUL:
            changed = level * control.value
    return min(100.0, max(0.0, changed))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time without a break in which a control holds."""

    begins: float
    ends: float


class Motion:
    """One sensor's bursts of motion, each from the first to the last word of it."""

    def __init__(self) -> None:
        self._bursts: deque[tuple[float, float]] = deque(maxlen=_BURSTS_KEPT)
        self._heard_at = 0.0

    def update(self, at: float, *, moving: bool, join_within_s: float) -> None:
        """The sensor's word at `at`. Bursts that are less than `join_within_s` apart are one."""
        if at < self._heard_at:
            self._bursts.clear()
        self._heard_at = at
        if not moving:
            return
        if self._bursts and at - self._bursts[-1][1] <= join_within_s:
            self._bursts[-1] = (self._bursts[-1][0], at)
        else:
            self._bursts.append((at, at))

    def last(self, at: float, *, hold_s: float, delay_s: float) -> Stretch | None:
        """The last stretch begun by `at` of a control that follows `delay_s` later and holds."""
        found: Stretch | None = None
        for first, last in self._bursts:
            begins, ends = first + delay_s, last + delay_s + hold_s
            if begins > at:
                break
            if found is not None and begins <= found.ends:
                begins = found.begins
            found = Stretch(begins, ends)
        return found

    def forget(self, before: float) -> bool:
        """Drop bursts that ended before; True where none is left."""
        while self._bursts and self._bursts[0][1] < before:
            self._bursts.popleft()
        return not self._bursts


@dataclass(frozen=True, slots=True)
class Photocell:
    """Thresholds at one lamp's photocell: on below, off above, each after `delay_s`."""

    sensor: str
    on_below_lx: float
    off_above_lx: float
    delay_s: float

    def at_lamp(self, lamp: str) -> "Photocell":
        """With "self" told as the lamp's id."""
        if self.sensor != "self":
            return self
        return Photocell(lamp, self.on_below_lx, self.off_above_lx, self.delay_s)


class Twilight:
    """A photocell's answer by its thresholds. The first reading outside them decides at once; a
    later one against it must last for the delay.
    """

    def __init__(self, photocell: Photocell) -> None:
        self._cell = photocell
        self._dark: bool | None = None
        self._heard_at = 0.0
        self._other_since: float | None = None

    def update(self, at: float, *, illuminance_lx: float) -> None:
        """A reading."""
        self._dark = self.dark(at)
        if at < self._heard_at:
            self._other_since = None
        self._heard_at = at
        says = self._says(illuminance_lx)
        if self._dark is None:
            self._dark = says
        if says is None or says == self._dark:
            self._other_since = None
            return
        if self._other_since is None:
            self._other_since = at
        if at - self._other_since >= self._cell.delay_s:
            self._dark = says
            self._other_since = None

    def _says(self, illuminance_lx: float) -> bool | None:
        if illuminance_lx < self._cell.on_below_lx:
            return True
        return False if illuminance_lx > self._cell.off_above_lx else None

    def dark(self, at: float) -> bool | None:
        """Dark at `at`? None where nothing was heard for too long."""
        return self._dark if abs(at - self._heard_at) <= PHOTOCELL_STALE_S else None
