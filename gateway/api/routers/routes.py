"""The ways that own carriers went. Every look is in the access log before it is answered."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Path, Query, Response, status

from gateway.api.answers import GeoJson, Json, told
from gateway.api.callers import Guardian
from gateway.api.parts import Parts, PartsOf
from gateway.api.route import Way, best_known, way
from gateway.api.routers.carriers import UNKNOWN, CarrierId, log_looks
from gateway.api.shapes import OutingShape, Route, outing_shape, route_shape
from gateway.model import Outing, RoutePoint, Suspicion
from gateway.store import outings, people, positions, sightings, suspicions
from gateway.store.database import Connection
from gateway.store.people import Ward
from gateway.store.suspicions import EVERY_S as DOUBTED_S
from gateway.tags.outings import PAUSE_S, joined

router = APIRouter(prefix="/carriers", tags=["carriers"])

MOST_POINTS = 50_000
MOST_OUTINGS = 100
_DAY_S = 86_400.0
_WEEK_S = 7 * _DAY_S

Time = Annotated[float | None, Query(ge=0, le=2.0**40, allow_inf_nan=False)]


@router.get("/{carrier}/route", responses=told(Route))
async def route(
    carrier: CarrierId,
    guardian: Guardian,
    parts: PartsOf,
    since: Time = None,
    until: Time = None,
) -> Response:
    """The way that a carrier went, as GeoJSON: stretches, gaps and stops.

    Each point is the best that is known of its time: final some minute later, confirmed after some
    10 s, live before that. Without `until` up to now, without `since` over the day before `until`.
    """
    last = parts.clock.utc() if until is None else until
    first = last - _DAY_S if since is None else since
    ward = await _ward(parts, guardian.user.id, carrier)
    recent = _recent(parts, ward)
    await log_looks(parts, guardian, [carrier], "route")
    return GeoJson(await parts.database.read(_route, ward, recent, first, last))


@router.get("/{carrier}/outings", responses=told(list[OutingShape]))
async def own_outings(
    carrier: CarrierId,
    guardian: Guardian,
    parts: PartsOf,
    since: Time = None,
    until: Time = None,
) -> Response:
    """A carrier's outings, newest first, 100 at the most.

    Without `until` up to now, without `since` over the week before `until`.
    """
    now = parts.clock.utc()
    last = now if until is None else until
    first = last - _WEEK_S if since is None else since
    ward = await _ward(parts, guardian.user.id, carrier)
    recent = _recent(parts, ward)
    await log_looks(parts, guardian, [carrier], "outings")
    return Json(await parts.database.read(_outings, ward, recent, first, last, now))


@router.get("/{carrier}/outings/{outing}", responses=told(Route))
async def outing(
    carrier: CarrierId,
    outing: Annotated[str, Path(max_length=96)],
    guardian: Guardian,
    parts: PartsOf,
) -> Response:
    """The route of one outing, as GeoJSON."""
    ward = await _ward(parts, guardian.user.id, carrier)
    recent = _recent(parts, ward)
    found = await parts.database.read(_outing, ward, recent, outing, parts.clock.utc())
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, UNKNOWN)
    await log_looks(parts, guardian, [carrier], "route")
    return GeoJson(found)


async def _ward(parts: Parts, user_id: int, carrier: str) -> Ward:
    ward = await parts.database.read(people.ward, user_id, carrier)
    if ward is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, UNKNOWN)
    return ward


def _recent(parts: Parts, ward: Ward) -> Sequence[RoutePoint]:
    """Before the database is read: what becomes final meanwhile is in one of them, or in both."""
    return parts.recent([tag.id for tag in ward.tags])


# --- in a reader's thread -------------------------------------------------------------------------


def _route(
    connection: Connection, ward: Ward, recent: Sequence[RoutePoint], since: float, until: float
) -> bytes:
    ways = [
        _way(connection, tag.id, _of_tag(recent, tag.id), since=since, until=until)
        for tag in ward.tags
    ]
    doubts = [
        one for tag in ward.tags for one in _doubts(connection, tag.id, since=since, until=until)
    ]
    return msgspec.json.encode(route_shape(ways, doubts))


def _outings(
    connection: Connection,
    ward: Ward,
    recent: Sequence[RoutePoint],
    since: float,
    until: float,
    now: float,
) -> bytes:
    found = [
        (one, own)
        for tag in ward.tags
        for own in (_of_tag(recent, tag.id),)
        for one in _known_outings(connection, tag.id, own, since=since, until=until, now=now)
    ]
    found.sort(key=lambda pair: pair[0].opened_at, reverse=True)
    return msgspec.json.encode(
        [
            outing_shape(one, _way_of(connection, one, own), now=now)
            for one, own in found[:MOST_OUTINGS]
        ]
    )


def _outing(
    connection: Connection, ward: Ward, recent: Sequence[RoutePoint], name: str, now: float
) -> bytes | None:
    """That of the outing which holds the time that `name` tells: late data may have joined it."""
    tag, _, opened = name.rpartition("-")
    if not opened.isdecimal() or tag not in {one.id for one in ward.tags}:
        return None
    at, own = float(opened), _of_tag(recent, tag)
    found = _known_outings(connection, tag, own, since=at, until=at, now=now)
    if not found:
        return None
    _, since, until = found[0]
    doubts = _doubts(connection, tag, since=since, until=until)
    return msgspec.json.encode(route_shape([_way_of(connection, found[0], own)], doubts))


def _known_outings(
    connection: Connection,
    tag: str,
    recent: Iterable[RoutePoint],
    *,
    since: float,
    until: float,
    now: float,
) -> list[Outing]:
    """The outings that touch since … until, up to what was last heard live."""
    newest = [Outing(tag, point.at, point.at) for point in recent]
    heard_at = positions.heard_at(connection, tag, now=now)
    if heard_at is not None:
        newest.append(Outing(tag, heard_at, heard_at))
    nearby = outings.of_tag(connection, tag, since=since - PAUSE_S, until=until + PAUSE_S)
    return [
        one
        for one in joined([*nearby, *newest])
        if one.opened_at <= until and one.heard_until >= since
    ]


def _way_of(connection: Connection, outing: Outing, recent: Iterable[RoutePoint]) -> Way:
    _, since, until = outing
    return _way(connection, outing.tag, recent, since=since, until=until)


def _way(
    connection: Connection, tag: str, recent: Iterable[RoutePoint], *, since: float, until: float
) -> Way:
    limit = MOST_POINTS
    final = outings.between(connection, tag, since=since, until=until, limit=limit)
    live = positions.between(connection, [tag], since=since, until=until, limit=limit)
    newer = [point for point in recent if since <= point.at <= until]
    gaps = [one.gap for one in sightings.gaps_between(connection, since, until)]
    return way(best_known(final, newer, live), gaps)


def _doubts(
    connection: Connection, tag: str, *, since: float, until: float
) -> tuple[Suspicion, ...]:
    return suspicions.between(connection, tag, since=since - DOUBTED_S, until=until)


def _of_tag(recent: Iterable[RoutePoint], tag: str) -> list[RoutePoint]:
    return [point for point in recent if point.tag == tag]
