"""Zone probabilities become enter and leave, with hysteresis: one watch for each tag."""

from collections.abc import Sequence

from gateway.model import Crossing, ZoneEvent
from gateway.tags.motion import Singles

ENTER_AT = 0.8
LEAVE_AT = 0.2


class ZoneWatch:
    """Says when one tag crosses a zone's border.

    The first decision on a zone is no event: that a tag is heard inside for the first time, or
    again after a hole, does not say that it came in now. A hub that restarts at night must not tell
    parents that the child arrived at school; and whoever left unheard did so at no known time.
    """

    def __init__(self, tag: str, zones: Sequence[str]) -> None:
        self._tag = tag
        self._inside: dict[str, bool | None] = dict.fromkeys(zones)

    def update(self, at: float, probabilities: Singles) -> list[ZoneEvent]:
        """`probabilities` (z,) of being inside, in the order of the zones."""
        events: list[ZoneEvent] = []
        for (zone, was), probability in zip(
            tuple(self._inside.items()), probabilities.tolist(), strict=True
        ):
            now = _decided(probability, before=was)
            if now is not was:
                self._inside[zone] = now
            if was is None or now is was:
                continue
            crossing = Crossing.ENTER if now else Crossing.LEAVE
            events.append(ZoneEvent(at, self._tag, zone, crossing, round(probability, 3)))
        return events


def _decided(probability: float, *, before: bool | None) -> bool | None:
    if probability >= ENTER_AT:
        return True
    return False if probability <= LEAVE_AT else before
