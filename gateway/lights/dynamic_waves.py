"""How light runs along a street: which lamp is how many lamps away from which.

Two lamps are next to each other where no third lamp is nearer to both than they are to each other
(the relative neighbourhood graph, Toussaint 1980): along a street the next pole, at a crossing the
first pole of each way, across a street the one opposite. Nobody has to draw it.
"""

from collections import deque
from collections.abc import Mapping
from math import dist

Place = tuple[float, float]

STEP_M = 80.0
"""Lamps further apart than this are not next to each other."""


class Neighbours:
    """Lamps and who stands next to whom. `places` are metres."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        near = _near(places)
        self._next: dict[str, list[str]] = {
            lamp: [
                other
                for other, apart in others.items()
                if not any(
                    away < apart and near[third].get(other, STEP_M) < apart
                    for third, away in others.items()
                )
            ]
            for lamp, others in near.items()
        }

    def within(self, lamp: str, hops: int) -> dict[str, int]:
        """Every lamp at most `hops` lamps away, with how many; itself at 0."""
        found = {lamp: 0}
        waiting = deque([lamp])
        while waiting:
            one = waiting.popleft()
            if found[one] == hops:
                continue
            for other in self._next.get(one, ()):
                if other not in found:
                    found[other] = found[one] + 1
                    waiting.append(other)
        return found


def _near(places: Mapping[str, Place]) -> dict[str, dict[str, float]]:
    """Of each lamp those within a step, with metres. West to east, so that few pairs are tried."""
    near: dict[str, dict[str, float]] = {lamp: {} for lamp in places}
    ordered = sorted(places.items(), key=lambda item: item[1])
    for number, (lamp, place) in enumerate(ordered):
        for other, there in ordered[number + 1 :]:
            if there[0] - place[0] > STEP_M:
                break
            apart = dist(place, there)
            if apart <= STEP_M:
                near[lamp][other] = near[other][lamp] = apart
    return near
