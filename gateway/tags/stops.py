"""Where a carrier stayed, in a way that has no holes."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, hypot, radians

from gateway.model import RoutePoint
from gateway.tags.news import METRES_PER_DEGREE

STOP_RADIUS_M = 10.0
LEAST_STOP_S = 60.0


@dataclass(frozen=True, slots=True)
class Stop:
    """A stay around lon, lat; `zone` is that of most of its points, or empty."""

    lon: float
    lat: float
    arrived_at: float
    left_at: float
    zone: str


class _Near:
    """The last points, and their middle."""

    def __init__(self) -> None:
        self.points: deque[RoutePoint] = deque()
        self._lon_sum = self._lat_sum = 0.0

    @property
    def middle(self) -> tuple[float, float]:
        return self._lon_sum / len(self.points), self._lat_sum / len(self.points)

    @property
    def lasts_s(self) -> float:
        return self.points[-1].at - self.points[0].at if self.points else 0.0

    def add(self, point: RoutePoint) -> None:
        self.points.append(point)
        self._lon_sum += point.lon
        self._lat_sum += point.lat

    def drop(self) -> None:
        first = self.points.popleft()
        self._lon_sum -= first.lon
        self._lat_sum -= first.lat


def stops_of(
    points: Iterable[RoutePoint],
    *,
    radius_m: float = STOP_RADIUS_M,
    least_s: float = LEAST_STOP_S,
) -> list[Stop]:
    """The stays of at least `least_s` in `points`, which are by time.

    A stay goes on while each point is within `radius_m` of the middle of those before it; one that
    is left and found again within `least_s` is one.
    """
    stays: list[list[RoutePoint]] = []
    near = _Near()
    for point in points:
        while near.points and _apart_m(near.middle, (point.lon, point.lat)) > radius_m:
            if near.lasts_s >= least_s:
                _keep(stays, near, radius_m=radius_m, least_s=least_s)
                near = _Near()
            else:
                near.drop()
        near.add(point)
    if near.lasts_s >= least_s:
        _keep(stays, near, radius_m=radius_m, least_s=least_s)
    return [_stop(stay) for stay in stays]


def length_m(points: Sequence[RoutePoint], stops: Iterable[Stop]) -> float:
    """How far `points` go; while it stays somewhere, a carrier goes nowhere."""
    waiting = deque(stops)
    line: list[tuple[float, float]] = []
    for point in points:
        while waiting and point.at > waiting[0].left_at:
            waiting.popleft()
        stays = bool(waiting) and point.at >= waiting[0].arrived_at
        here = (waiting[0].lon, waiting[0].lat) if stays else (point.lon, point.lat)
        line.append(here)
    return sum(_apart_m(one, other) for one, other in pairwise(line))


def _keep(stays: list[list[RoutePoint]], near: _Near, *, radius_m: float, least_s: float) -> None:
    if (
        stays
        and near.points[0].at - stays[-1][-1].at <= least_s
        and _apart_m(_middle(stays[-1]), near.middle) <= radius_m
    ):
        stays[-1] += near.points
    else:
        stays.append(list(near.points))


def _stop(stay: Sequence[RoutePoint]) -> Stop:
    lon, lat = _middle(stay)
    ((usual, _),) = Counter(point.zone for point in stay).most_common(1)
    return Stop(lon, lat, stay[0].at, stay[-1].at, usual)


def _middle(points: Sequence[RoutePoint]) -> tuple[float, float]:
    count = len(points)
    return sum(point.lon for point in points) / count, sum(point.lat for point in points) / count


def _apart_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    east = (one[0] - other[0]) * cos(radians(one[1]))
    return hypot(east, one[1] - other[1]) * METRES_PER_DEGREE
