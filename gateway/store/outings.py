"""The ways that the tags went, as seen afterwards, and the outings that they make up."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.model import Outing, Quality, RoutePoint
from gateway.store.schema import outings, route_points
from gateway.tags.outings import PAUSE_S, joined
from gateway.tags.trails import SLOT_S

_OF_TAG = attrgetter("tag")
_POINT = ("at", "lon", "lat", "radius68_m", "zone")


_OLDEST = (
    select(outings.c.tag, outings.c.opened_at, outings.c.heard_until)
    .where(outings.c.heard_until < bindparam("before"))
    .order_by(outings.c.heard_until)
    .limit(1)
)


def add(connection: Connection, points: Iterable[RoutePoint], *, late: bool = False) -> None:
    """Keep final points, one a tag and 5 s, and extend, open or join the outings that they are of.

    What stands stays, so a way may be told again; but where `late` data amends history, it is
    replaced.
    """
    for tag, group in groupby(sorted(points, key=lambda one: (one.tag, one.at)), key=_OF_TAG):
        own = list(group)
        rows = [
            {
                "tag": tag,
                "slot": int(one.at) // SLOT_S,
                **{name: getattr(one, name) for name in _POINT},
            }
            for one in own
        ]
        kept = upsert(route_points)
        connection.execute(
            kept.on_conflict_do_update(
                index_elements=["tag", "slot"], set_={name: kept.excluded[name] for name in _POINT}
            )
            if late
            else kept.on_conflict_do_nothing(),
            rows,
        )
        _extend(connection, tag, own)


def between(
    connection: Connection, tag: str, *, since: float, until: float, limit: int
) -> list[RoutePoint]:
    """The final points of a tag at since ≤ at ≤ until by time; the last `limit` of them."""
    newest_first = (
        select(*(route_points.c[name] for name in _POINT))
        .where(
            route_points.c.tag == tag,
            route_points.c.slot.between(int(since) // SLOT_S, int(until) // SLOT_S),
            route_points.c.at.between(since, until),
        )
        .order_by(route_points.c.slot.desc())
        .limit(limit)
    )
    return [
        RoutePoint(at, tag, lon, lat, radius68_m, zone, Quality.ROUTE)
        for at, lon, lat, radius68_m, zone in connection.execute(newest_first)
    ][::-1]


def of_tag(connection: Connection, tag: str, *, since: float, until: float) -> list[Outing]:
    """The outings of a tag that touch since … until, by time."""
    touching = (
        select(outings.c.tag, outings.c.opened_at, outings.c.heard_until)
        .where(outings.c.tag == tag, outings.c.opened_at <= until, outings.c.heard_until >= since)
        .order_by(outings.c.opened_at)
    )
    return [Outing(*row) for row in connection.execute(touching)]


def forget(connection: Connection, *, before: float, limit: int) -> int:
    """Delete up to `limit` points of outings that ended before, and those; gives how many points.

    An outing goes with its last point; 0 is told when there is none left.
    """
    forgotten = 0
    while forgotten < limit:
        oldest = connection.execute(_OLDEST, {"before": before}).first()
        if oldest is None:
            break
        forgotten += _forget_outing(connection, Outing(*oldest), limit - forgotten)
    return forgotten


def _forget_outing(connection: Connection, outing: Outing, limit: int) -> int:
    own = (
        route_points.c.tag == outing.tag,
        route_points.c.slot.between(
            int(outing.opened_at) // SLOT_S, int(outing.heard_until) // SLOT_S
        ),
    )
    some = select(route_points.c.slot).where(*own).limit(limit)
    deleted = connection.execute(
        delete(route_points).where(route_points.c.tag == outing.tag, route_points.c.slot.in_(some))
    ).rowcount
    if deleted < limit:
        _delete(connection, outing)
    return int(deleted)


def _delete(connection: Connection, outing: Outing) -> None:
    connection.execute(
        delete(outings).where(outings.c.tag == outing.tag, outings.c.opened_at == outing.opened_at)
    )


def _extend(connection: Connection, tag: str, points: Sequence[RoutePoint]) -> None:
    known = of_tag(connection, tag, since=points[0].at - PAUSE_S, until=points[-1].at + PAUSE_S)
    after = joined([*known, *(Outing(tag, one.at, one.at) for one in points)])
    new = set(after) - set(known)
    for outing in set(known) - set(after):
        _delete(connection, outing)
    if new:
        connection.execute(insert(outings), [outing._asdict() for outing in sorted(new)])
