"""Which positions are worth writing: most say what the last one said."""

from math import cos, hypot, radians

from gateway.model import Position

MOVED_M = 2.0
HEARTBEAT_S = 60.0
RADIUS_RATIO = 1.5
ZONE_STEP = 0.25
METRES_PER_DEGREE = 111_195.0


class News:
    """Remembers each tag's last position that was worth saying."""

    def __init__(self) -> None:
        self._said: dict[str, Position] = {}

    def worth_saying(self, position: Position) -> bool:
        """Whether `position` tells something new, or a minute passed; if so, it is remembered."""
        said = self._said.get(position.tag)
        if said is not None and not _is_new(position, said):
            return False
        self._said[position.tag] = position
        return True


def _is_new(now: Position, said: Position) -> bool:
    return (
        now.presence is not said.presence
        or not 0 <= now.at - said.at < HEARTBEAT_S
        or _apart_m(now, said) > MOVED_M
        or not 1 / RADIUS_RATIO < now.radius68_m / said.radius68_m < RADIUS_RATIO
        or _zones_apart(dict(now.zones), dict(said.zones)) > ZONE_STEP
    )


def _apart_m(one: Position, other: Position) -> float:
    east = (one.lon - other.lon) * cos(radians(one.lat))
    return hypot(east, one.lat - other.lat) * METRES_PER_DEGREE


def _zones_apart(one: dict[str, float], other: dict[str, float]) -> float:
    zones = one.keys() | other.keys()
    return max((abs(one.get(z, 0.0) - other.get(z, 0.0)) for z in zones), default=0.0)
