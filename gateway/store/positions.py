"""Where the tags were, and the zones that they came into and left."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.model import Crossing, Position, Presence, ZoneEvent
from gateway.store.schema import positions, zone_events

SOON_S = 2.0  # two clocks of one machine, and a second that is named by its end

_zones_from = msgspec.json.Decoder(tuple[tuple[str, float], ...])
_AMENDED = (
    "lon",
    "lat",
    "radius68_m",
    "radius95_m",
    "n_heard",
    "presence",
    "zones",
    "late",
    "path",
    "path_probability",
)


def add(connection: Connection, found: Iterable[Position], *, late: bool = False) -> None:
    """Keep positions. One of the same tag and time is replaced: late data amends history."""
    rows = [
        {
            "tag": one.tag,
            "at": one.at,
            "lon": one.lon,
            "lat": one.lat,
            "radius68_m": one.radius68_m,
            "radius95_m": one.radius95_m,
            "n_heard": one.n_heard,
            "presence": one.presence.value,
            "zones": msgspec.json.encode(one.zones).decode(),
            "late": late,
            "path": one.path,
            "path_probability": one.path_probability,
        }
        for one in found
    ]
    if not rows:
        return
    kept = upsert(positions)
    connection.execute(
        kept.on_conflict_do_update(
            index_elements=["tag", "at"], set_={name: kept.excluded[name] for name in _AMENDED}
        ),
        rows,
    )


def latest(connection: Connection, tag: str, *, now: float) -> Position | None:
    """Where a tag was last known to be; a clock that was ahead may have left one yet to come."""
    row = connection.execute(_LATEST, {"tag": tag, "now": now + SOON_S}).first()
    return None if row is None else _position(row)


def heard_at(connection: Connection, tag: str, *, now: float) -> float | None:
    """When a tag was last heard by any receiver."""
    return connection.scalar(_HEARD_AT, {"tag": tag, "now": now + SOON_S})


def between(
    connection: Connection, tags: Iterable[str], *, since: float, until: float, limit: int
) -> list[Position]:
    """The positions of `tags` at since ≤ at ≤ until by time; the last `limit` of them."""
    newest_first = (
        _SELECT.where(positions.c.tag.in_(list(tags)), positions.c.at.between(since, until))
        .order_by(positions.c.at.desc())
        .limit(limit)
    )
    return [_position(row) for row in connection.execute(newest_first)][::-1]


def written(connection: Connection, *, since: float, until: float) -> set[tuple[str, float]]:
    """Tag and time of every position at since ≤ at ≤ until."""
    kept = select(positions.c.tag, positions.c.at).where(positions.c.at.between(since, until))
    return {(tag, at) for tag, at in connection.execute(kept)}


def add_events(connection: Connection, events: Iterable[ZoneEvent]) -> None:
    """Keep zone events; one that is there already stays as it is."""
    rows = [
        {
            "tag": one.tag,
            "at": one.at,
            "zone": one.zone,
            "event": one.event.value,
            "probability": one.probability,
        }
        for one in events
    ]
    if rows:
        connection.execute(upsert(zone_events).on_conflict_do_nothing(), rows)


def remove_events(connection: Connection, events: Iterable[ZoneEvent]) -> None:
    """Forget zone events that had not happened after all."""
    for one in events:
        connection.execute(
            delete(zone_events).where(
                zone_events.c.tag == one.tag,
                zone_events.c.at == one.at,
                zone_events.c.zone == one.zone,
                zone_events.c.event == one.event.value,
            )
        )


def events_between(
    connection: Connection, tag: str, *, since: float, until: float
) -> list[ZoneEvent]:
    """The zone events of a tag at since ≤ at ≤ until, by time."""
    kept = (
        select(
            zone_events.c.at,
            zone_events.c.tag,
            zone_events.c.zone,
            zone_events.c.event,
            zone_events.c.probability,
        )
        .where(zone_events.c.tag == tag, zone_events.c.at.between(since, until))
        .order_by(zone_events.c.at, zone_events.c.id)
    )
    return [
        ZoneEvent(at, tag, zone, Crossing(event), probability)
        for at, tag, zone, event, probability in connection.execute(kept)
    ]


_SELECT = select(
    positions.c.at,
    positions.c.tag,
    positions.c.lon,
    positions.c.lat,
    positions.c.radius68_m,
    positions.c.radius95_m,
    positions.c.n_heard,
    positions.c.presence,
    positions.c.zones,
    positions.c.path,
    positions.c.path_probability,
)
# Asked with every look, so built once.
_NEWEST_FIRST = positions.c.at.desc()
_OWN = (positions.c.tag == bindparam("tag"), positions.c.at <= bindparam("now"))
_LATEST = _SELECT.where(*_OWN).order_by(_NEWEST_FIRST).limit(1)
_HEARD_AT = (
    select(positions.c.at).where(*_OWN, positions.c.n_heard > 0).order_by(_NEWEST_FIRST).limit(1)
)


def _position(row: Row[*tuple[Any, ...]]) -> Position:
    at, tag, lon, lat, radius68_m, radius95_m, n_heard, presence, zones, path, probability = row
    return Position(
        at=at,
        tag=tag,
        lon=lon,
        lat=lat,
        radius68_m=radius68_m,
        radius95_m=radius95_m,
        n_heard=n_heard,
        presence=Presence(presence),
        zones=_zones_from.decode(zones),
        path=path,
        path_probability=probability,
    )
