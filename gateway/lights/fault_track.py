"""One kind of fault at one lamp: it begins when it was seen long enough, and ends likewise."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.lamps import LampEvent, LampEventKind

LONGEST_STEP_S = 120.0  # between two readings no more than this counts as seen
STALE_S = 3_600.0  # what was half seen so long ago is forgotten


class Track:
    """Feed it every reading's verdict: True the fault shows, False it does not, None cannot say.

    Only time between two readings that say the same counts. None keeps what was seen so far: a
    fault that shows at night is not over because the lamp is off by day. `turned_at` is when the
    other than what holds was first seen, None where it was not.
    """

    __slots__ = ("_evidence", "_held_s", "_last_at", "_sure", "event", "kind", "lamp", "turned_at")

    def __init__(self, lamp: str, kind: LampEventKind, event: LampEvent | None = None) -> None:
        self.lamp = lamp
        self.kind = kind
        self.event = event
        self.turned_at: float | None = None
        self._last_at = 0.0
        self._sure = False
        self._held_s = 0.0
        self._evidence: Mapping[str, float] = {}

    def judge(
        self,
        verdict: bool | None,
        at: float,
        *,
        for_s: float,
        clear_for_s: float,
        evidence: Mapping[str, float],
    ) -> LampEvent | None:
        """The event that begins or ends with this reading. It begins where it was first seen."""
        is_open = self.event is not None
        if verdict is None:
            self._sure = False
            return None
        if verdict is is_open:
            self.turned_at = None
            return None
        if self.turned_at is None or at - self._last_at > STALE_S:
            self.turned_at, self._held_s, self._evidence = at, 0.0, evidence
        elif self._sure:
            self._held_s += min(max(0.0, at - self._last_at), LONGEST_STEP_S)
        self._last_at, self._sure = at, True
        if self._held_s < (clear_for_s if is_open else for_s):
            return None
        return self._turn()

    def _turn(self) -> LampEvent:
        at, self.turned_at = self.turned_at or 0.0, None
        if self.event is None:
            self.event = LampEvent(self.lamp, self.kind, at, self._evidence)
            return self.event
        ended = replace(self.event, end=max(at, self.event.start))
        self.event = None
        return ended
